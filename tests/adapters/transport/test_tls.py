"""TLS to providers, against servers that a private authority vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
import trustme

from adapters.transport.types import ConnectFailed, ResponseBroken
from tests.adapters.transport.servers import (
    answering,
    read,
    read_request,
    request,
    served,
    server_tls,
    transport_for,
)
from tests.support.provider import Answer, provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.http1 import Http1Transport

STREAM = b'{"model": "m", "stream": true}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
async def transport(ca: trustme.CA) -> AsyncIterator[Http1Transport]:
    transport = transport_for(ca)
    yield transport
    await transport.aclose()


async def test_requests_share_a_connection_whose_server_was_named_and_verified(
    ca: trustme.CA, transport: Http1Transport
) -> None:
    tls = server_tls(ca, "localhost")
    names: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with provider(tls) as p:
        for _ in range(3):
            response = await transport.send(request(p.url + "/v1/chat/completions", method="POST", body=STREAM))
            assert (await read(response)).endswith(b"[DONE]\n\n")
        assert p.connections == 1
        assert names == ["localhost"]


async def test_http_1_1_is_agreed_on(ca: trustme.CA, transport: Http1Transport) -> None:
    agreed: list[str | None] = []

    async def handle(stream: trio.abc.Stream) -> None:
        await answering(OK)(stream)
        assert isinstance(stream, trio.SSLStream)
        agreed.append(stream.selected_alpn_protocol())

    async with served(handle, server_tls(ca, "localhost")) as port:
        await read(await transport.send(request(f"https://localhost:{port}/")))
    assert agreed == ["http/1.1"]


async def test_a_certificate_for_another_name_is_refused(ca: trustme.CA, transport: Http1Transport) -> None:
    async with served(answering(OK), server_tls(ca, "other.example")) as port:
        with pytest.raises(ConnectFailed, match="certificate"):
            await transport.send(request(f"https://localhost:{port}/"))


async def test_a_certificate_from_an_unknown_authority_is_refused(ca: trustme.CA) -> None:
    async with served(answering(OK), server_tls(ca, "localhost")) as port:
        with pytest.raises(ConnectFailed, match="certificate"):
            await transport_for().send(request(f"https://localhost:{port}/"))


async def test_a_server_without_tls_is_refused(transport: Http1Transport) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with served(handle) as port:
        with pytest.raises(ConnectFailed, match="TLS"):
            await transport.send(request(f"https://localhost:{port}/"))


async def test_many_records_are_read_at_once(ca: trustme.CA, transport: Http1Transport) -> None:
    written = trio.Event()

    async def handle(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(1000):
            await stream.send_all(b"hello")
        written.set()
        await stream.receive_some()

    async with served(handle, server_tls(ca, "localhost")) as port:
        response = await transport.send(request(f"https://localhost:{port}/"))
        with trio.fail_after(60):
            await written.wait()
        reads = 0
        while await response.receive_some():
            reads += 1
        assert reads < 20
        await response.aclose()


async def test_large_bodies_pass_both_ways(ca: trustme.CA, transport: Http1Transport) -> None:
    body = bytes(range(256)) * 20_000
    async with provider(server_tls(ca, "localhost")) as p:
        p.script(Answer(events=(body, body)))
        response = await transport.send(request(p.url + "/x", method="POST", body=body))
        assert await read(response) == body * 2
        assert p.requests[0].body == body
        assert transport.idle_connections == 1


async def test_a_body_without_length_that_is_cut_off_is_no_whole_body(
    ca: trustme.CA, transport: Http1Transport
) -> None:
    """Only the word that TLS says at its end tells such a body's end from a cut."""

    async def cut(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\nok")
        assert isinstance(stream, trio.SSLStream)
        await stream.transport_stream.aclose()

    async with served(cut, server_tls(ca, "localhost")) as port:
        with pytest.raises(ResponseBroken):
            await read(await transport.send(request(f"https://localhost:{port}/")))
    async with served(answering(b"HTTP/1.1 200 OK\r\n\r\nok"), server_tls(ca, "localhost")) as port:
        assert await read(await transport.send(request(f"https://localhost:{port}/"))) == b"ok"


async def test_a_refusal_before_the_end_of_a_large_request_is_heard(
    ca: trustme.CA, transport: Http1Transport
) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\n")
        await trio.sleep(0.02)  # by now the sender was stopped in the middle of a record
        await stream.send_all(b"too large")
        await trio.sleep_forever()

    async with served(handle, server_tls(ca, "localhost")) as port:
        big = request(f"https://localhost:{port}/", method="POST", body=b"x" * 20_000_000)
        response = await transport.send(big)
        assert (response.status, await read(response)) == (413, b"too large")
        assert transport.idle_connections == 0


async def test_a_closed_idle_connection_is_noticed_before_use(ca: trustme.CA, transport: Http1Transport) -> None:
    async with served(answering(OK), server_tls(ca, "localhost")) as port:
        for _ in range(3):
            assert await read(await transport.send(request(f"https://localhost:{port}/", method="POST"))) == b"ok"
            await trio.sleep(0.02)


async def test_cancelling_closes_the_connection_within_100_ms(ca: trustme.CA, transport: Http1Transport) -> None:
    async with provider(server_tls(ca, "localhost")) as p:
        p.script(Answer(hang_after=2))
        with trio.move_on_after(0.05):
            await read(await transport.send(request(p.url + "/v1/chat/completions", method="POST", body=STREAM)))
        left = trio.current_time()
        assert await p.requests[0].wait_gone(1) - left < 0.1


async def test_good_records_in_front_of_a_damaged_one_are_delivered(
    ca: trustme.CA, transport: Http1Transport
) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await stream.send_all(b"ok")
        await stream.transport_stream.send_all(b"this is no record at all")
        await stream.transport_stream.receive_some(1)

    async with served(handle, server_tls(ca, "localhost")) as port:
        response = await transport.send(request(f"https://localhost:{port}/"))
        await trio.sleep(0.05)
        assert await response.receive_some() == b"ok"
        with pytest.raises(ResponseBroken):
            await response.receive_some()
        await response.aclose()
