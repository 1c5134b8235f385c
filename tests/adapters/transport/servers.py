"""Servers that do one odd thing each, on real sockets, and what tests of the transport send to them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import certifi
import trio

from adapters.transport.http1 import Http1Transport
from adapters.transport.tls import client_context
from adapters.transport.types import UpstreamRequest

if TYPE_CHECKING:
    import trustme

    from adapters.transport.proxy import Proxy
    from adapters.transport.types import UpstreamResponse

Handler = Callable[[trio.abc.Stream], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve connections with `handler`, which may just return to close one; give the port."""

    async def serve(stream: trio.abc.Stream) -> None:
        try:
            await handler(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            with trio.move_on_after(1, shield=True):
                await stream.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        if tls is None:
            nursery.start_soon(trio.serve_listeners, serve, listeners)
        else:
            nursery.start_soon(trio.serve_listeners, serve, [trio.SSLListener(x, tls) for x in listeners])
        yield port
        nursery.cancel_scope.cancel()


async def read_request(stream: trio.abc.Stream) -> bytes:
    """Read one request with a Content-Length or no body; `b""` if the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = await stream.receive_some(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line[15:])
    while len(body) < length:
        piece = await stream.receive_some(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def answering(*answers: bytes, stay: bool = False) -> Handler:
    """A handler that sends one answer to each request of a connection, then closes, or stays silent."""

    async def handle(stream: trio.abc.Stream) -> None:
        for answer in answers:
            if not await read_request(stream):
                return
            await stream.send_all(answer)
        if stay:
            await stream.receive_some(1)

    return handle


def request(url: str, *, method: str = "GET", body: bytes = b"", **changes: object) -> UpstreamRequest:
    """A request with deadlines of half a minute: a busy machine is slow, not wrong."""
    fields: dict[str, object] = {
        "headers": (),
        "connect_timeout_s": 30.0,
        "head_timeout_s": 30.0,
        "idle_timeout_s": 30.0,
        **changes,
    }
    return UpstreamRequest(method=method, url=url, body=body, **fields)  # type: ignore[arg-type]  # a test's short cut


async def read(response: UpstreamResponse) -> bytes:
    """Read a body to its end and close."""
    async with aclosing(response):
        parts = []
        while part := await response.receive_some():
            assert len(part) <= 65536
            parts.append(part)
        return b"".join(parts)


def transport_for(
    ca: trustme.CA | None = None, *, proxy: Proxy | None = None, idle_connection_s: float = 50.0
) -> Http1Transport:
    """A transport that trusts `ca`, too."""
    tls = client_context(certifi.where())
    if ca is not None:
        ca.configure_trust(tls)
    return Http1Transport(tls=tls, proxy=proxy, idle_connection_s=idle_connection_s)


def server_tls(ca: trustme.CA, *names: str) -> ssl.SSLContext:
    """The server's side, with a certificate for `names`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    ca.issue_cert(*names).configure_cert(context)
    return context
