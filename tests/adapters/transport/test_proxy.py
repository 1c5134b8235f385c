"""Proxies between the gateway and providers."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
import trio
import trustme

from adapters.transport.http1 import Http1Transport
from adapters.transport.proxy import Proxy, parse_proxy
from adapters.transport.types import ConnectFailed
from tests.adapters.transport.servers import Handler, read, request, served, server_tls, transport_for
from tests.support.provider import provider

CREDENTIALS = b"Proxy-Authorization: Basic dXNlcjpwYXNz"


async def splice(one: trio.abc.Stream, other: trio.abc.Stream) -> None:
    async def pump(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await source.receive_some(65536):
                await sink.send_all(data)
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pump, one, other)
        nursery.start_soon(pump, other, one)


def connect_proxy(heads: list[bytes], answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Handler:
    """A proxy that makes tunnels to wherever, on 127.0.0.1."""

    async def handle(stream: trio.abc.Stream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = await stream.receive_some(65536)
            if not data:
                return
            head += data
        heads.append(head)
        await stream.send_all(answer)
        if b" 200 " in answer:
            port = int(head.split(b" ", 2)[1].rpartition(b":")[2])
            async with await trio.open_tcp_stream("127.0.0.1", port) as other:
                await splice(stream, other)

    return handle


def socks_proxy(asked: list[tuple[bytes, int]], login: bytes = b"") -> Handler:
    """A SOCKS5 proxy that makes connections to wherever, on 127.0.0.1."""

    async def exactly(stream: trio.abc.Stream, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = await stream.receive_some(count - len(data))
            if not piece:
                raise trio.BrokenResourceError
            data += piece
        return data

    async def handle(stream: trio.abc.Stream) -> None:
        _, count = await exactly(stream, 2)
        methods = await exactly(stream, count)
        if login:
            assert 2 in methods
            await stream.send_all(b"\x05\x02")
            said = await exactly(stream, len(login))
            await stream.send_all(b"\x01\x00" if said == login else b"\x01\x01")
            if said != login:
                return
        else:
            await stream.send_all(b"\x05\x00")
        *_, kind = await exactly(stream, 4)
        host = await exactly(stream, (await exactly(stream, 1))[0] if kind == 3 else 4)
        port = int.from_bytes(await exactly(stream, 2))
        asked.append((host, port))
        await stream.send_all(b"\x05\x00\x00\x01" + socket.inet_aton("127.0.0.1") + b"\x00\x00")
        async with await trio.open_tcp_stream("127.0.0.1", port) as other:
            await splice(stream, other)

    return handle


def proxy_at(url: str) -> Proxy:
    proxy = parse_proxy(url)
    assert proxy is not None
    return proxy


async def get(transport: Http1Transport, url: str) -> bytes:
    try:
        return await read(await transport.send(request(url + "/v1/models")))
    finally:
        await transport.aclose()


async def test_tls_goes_through_a_tunnel_that_sees_no_more_than_the_name() -> None:
    ca = trustme.CA()
    heads: list[bytes] = []
    async with provider(server_tls(ca, "localhost")) as p, served(connect_proxy(heads)) as port:
        transport = transport_for(ca, proxy=proxy_at(f"http://user:pass@127.0.0.1:{port}"))
        assert b"gpt-4o-mini" in await get(transport, p.url)
        authority = p.url.removeprefix("https://").encode()
        assert heads[0].split(b"\r\n")[:3] == [b"CONNECT %s HTTP/1.1" % authority, b"Host: " + authority, CREDENTIALS]
        assert len(heads) == 1
        assert "proxy-authorization" not in p.requests[0].headers


async def test_tls_goes_through_a_proxy_that_is_reached_over_tls() -> None:
    ca = trustme.CA()
    heads: list[bytes] = []
    tls = server_tls(ca, "localhost")
    async with provider(tls) as p, served(connect_proxy(heads), tls) as port:
        transport = transport_for(ca, proxy=proxy_at(f"https://localhost:{port}"))
        assert b"gpt-4o-mini" in await get(transport, p.url)
        assert len(heads) == 1


async def test_plain_http_is_asked_for_in_absolute_form() -> None:
    async with provider() as p:  # stands in for the proxy
        transport = transport_for(proxy=proxy_at(p.url.replace("://", "://user:pass@")))
        await get(transport, "http://login:word@provider.example:8080")
        assert p.requests[0].path == "/v1/models"
        assert p.requests[0].headers["host"] == "provider.example:8080"
        assert p.requests[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert p.requests[0].target == "http://provider.example:8080/v1/models"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", "credentials"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"SSH-2.0-x\r\n", "HTTP"),
        (b"", "HTTP"),
    ],
)
async def test_a_refused_tunnel_is_no_connection(answer: bytes, reason: str) -> None:
    async with served(connect_proxy([], answer)) as port:
        transport = transport_for(proxy=proxy_at(f"http://127.0.0.1:{port}"))
        with pytest.raises(ConnectFailed, match=reason):
            await get(transport, "https://provider.example")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_socks_resolves_names_at_the_proxy(scheme: str) -> None:
    asked: list[tuple[bytes, int]] = []
    login = b"\x01\x04user\x04pass"
    async with provider() as p, served(socks_proxy(asked, login)) as port:
        transport = transport_for(proxy=proxy_at(f"{scheme}://user:pass@127.0.0.1:{port}"))
        provider_port = int(p.url.rpartition(":")[2])
        assert b"gpt-4o-mini" in await get(transport, f"http://provider.example:{provider_port}")
        assert asked == [(b"provider.example", provider_port)]


async def test_socks_with_wrong_credentials_is_no_connection() -> None:
    async with served(socks_proxy([], b"\x01\x04user\x04pass")) as port:
        transport = transport_for(proxy=proxy_at(f"socks5://user:ssap@127.0.0.1:{port}"))
        with pytest.raises(ConnectFailed, match="proxy"):
            await get(transport, "http://provider.example")


async def test_tls_goes_through_socks() -> None:
    ca = trustme.CA()
    async with provider(server_tls(ca, "localhost")) as p, served(socks_proxy([])) as port:
        transport = transport_for(ca, proxy=proxy_at(f"socks5://127.0.0.1:{port}"))
        assert b"gpt-4o-mini" in await get(transport, p.url)


async def test_a_silent_proxy_meets_the_connect_deadline() -> None:
    async with served(lambda _: trio.sleep_forever()) as port:
        for scheme in ("http", "https", "socks5"):
            transport = transport_for(proxy=proxy_at(f"{scheme}://127.0.0.1:{port}"))
            with pytest.raises(ConnectFailed, match="in time"):
                await transport.send(request("https://provider.example/", connect_timeout_s=0.03))
