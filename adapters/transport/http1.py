"""HTTP/1.1 to providers: the transport behind a relay.

One exchange takes a connection from the pool or opens one, sends, waits for the final head, and hands out the
response, which owns the connection until its `aclose`.

When a request is sent twice: only if it went out on a connection that had been used before, and that connection ended
soon and before a single byte of an answer. Servers close idle connections just as a request is under way, and then
have not read it; every HTTP client treats it so. The second try is made on a new connection, and is the last. What
ends later than a round trip takes was read and worked on: that is for the relay to judge, which knows what it costs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import trio

from adapters.transport.connect import connect
from adapters.transport.decode import split_encoding
from adapters.transport.message import ResponseReader, encode_head
from adapters.transport.pool import Pool
from adapters.transport.target import parse_target
from adapters.transport.types import HeadTimeout, IdleTimeout, ResponseBroken
from adapters.transport.websocket import Opening, WebSocket, shake_hands

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from adapters.transport.connect import Connection
    from adapters.transport.proxy import Proxy
    from adapters.transport.target import Origin, Target
    from adapters.transport.tls import ByteStream
    from adapters.transport.types import BodySource, UpstreamRequest

READ_BYTES = 64 * 1024
SMALL_BODY_BYTES = 32 * 1024
"""Up to this, head and body go out in one call, which fits into the kernel's buffer; above, we listen meanwhile."""

BODY_PIECE_BYTES = 256 * 1024
"""What is read at a time of a body that is not in memory."""

IDLE_CONNECTION_S = 50.0
"""Below the minute after which most servers and load balancers close an idle connection."""

MAX_IDLE_PER_ORIGIN = 256
STALE_WITHIN_S = 3.0
"""How soon after a request was sent a used connection must end to be taken for one that its server had closed."""

_SWEEP_S = 5.0
_KNOWN_URLS = 1024
_FIRST_REFUSAL = 300


class Http1Response:
    """An answer on its way in. See `adapters.transport.types.UpstreamResponse`."""

    __slots__ = ("_connection", "_decoder", "_idle_s", "_pool", "_reader", "headers", "status")

    def __init__(self, reader: ResponseReader, connection: Connection, pool: Pool, idle_s: float) -> None:
        self.status = reader.status
        self.headers, self._decoder = split_encoding(reader.headers)
        self._reader = reader
        self._connection: Connection | None = connection
        self._pool = pool
        self._idle_s = idle_s

    async def receive_some(self) -> bytes:
        """Return the next bytes of the body, or `b""` at its proper end. Raises `ResponseBroken`, `IdleTimeout`."""
        if self._decoder is not None:
            # A small body may unpack for minutes: others get their turn between steps.
            await trio.lowlevel.checkpoint()
            while True:
                data = self._decoder.step()
                if data:
                    return data
                packed = await self._receive()
                if not packed:
                    self._decoder.finish()
                    return b""
                self._decoder.feed(packed)
        return await self._receive()

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it. Does not wait."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._reader.abandon()
        if self._reader.is_complete and self._reader.is_reusable:
            self._pool.give(connection)
        else:
            connection.close()

    async def _receive(self) -> bytes:
        reader = self._reader
        while True:
            data = reader.take()
            if data:
                return data
            if reader.failure is not None:
                raise reader.failure
            if reader.is_complete:
                return b""
            if self._connection is None:
                raise ResponseBroken("the response was closed before its end")
            with trio.move_on_after(self._idle_s) as scope:
                await _read_on(self._connection.stream, reader)
            if scope.cancelled_caught:
                raise IdleTimeout("the provider fell silent in the middle of its answer")


class Http1Transport:
    """Sends requests to providers. See `adapters.transport.types.Transport`.

    `run` is its service, which closes idle connections; without it they are only looked at when used.
    """

    name = "transport"

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        proxy: Proxy | None = None,
        idle_connection_s: float = IDLE_CONNECTION_S,
        max_idle_per_origin: int = MAX_IDLE_PER_ORIGIN,
    ) -> None:
        self._tls = tls
        self._proxy = proxy
        self._pool = Pool(idle_s=idle_connection_s, max_idle_per_origin=max_idle_per_origin)
        self._sweep_s = min(_SWEEP_S, idle_connection_s)
        self._target = lru_cache(_KNOWN_URLS)(parse_target)

    @property
    def idle_connections(self) -> int:
        """How many connections wait for their next request."""
        return len(self._pool)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Close connections that have been idle for too long, until cancelled."""
        task_status.started()
        while True:
            await trio.sleep(self._sweep_s)
            self._pool.sweep()

    async def aclose(self) -> None:
        """Close all idle connections; those in use are closed as they come back."""
        self._pool.close()

    async def send(self, request: UpstreamRequest) -> Http1Response:
        """Send and wait for the final head.

        Raises `ConnectFailed` (`RequestInvalid`), `HeadTimeout`, `ResponseBroken`. Leaves no connection open when it
        raises, `Cancelled` included.
        """
        target = self._target(request.url)
        head = self._head(request, target)
        used = self._pool.take(target.origin)
        if used is not None:
            reader = ResponseReader(request.method)
            started = trio.current_time()
            if request.stepped is not None:
                request.stepped("reused")
            try:
                return await self._exchange(used, head, request, reader)
            except HeadTimeout:
                raise
            except ResponseBroken:
                if reader.received or trio.current_time() - started > STALE_WITHIN_S:
                    raise
        fresh = await self._connect(target.origin, request)
        return await self._exchange(fresh, head, request, ResponseReader(request.method))

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> WebSocket:
        """Open a websocket on a connection of its own.

        Raises as `send`, and `SocketRefused`. Leaves no connection open when it raises, `Cancelled` included.
        """
        target = self._target(request.url)
        headers = [*request.headers]
        request_target = target.path
        if self._proxy is not None and not self._proxy.is_socks and target.origin.scheme == "http":
            request_target = target.absolute
            headers += self._proxy.headers
        connection = await self._connect(target.origin, request)
        return await shake_hands(
            connection,
            Opening(
                target=request_target,
                host=target.host_header,
                headers=headers,
                subprotocols=subprotocols,
                head_timeout_s=request.head_timeout_s,
                idle_timeout_s=request.idle_timeout_s,
            ),
        )

    def _head(self, request: UpstreamRequest, target: Target) -> bytes:
        extra: tuple[tuple[bytes, bytes], ...] = ()
        request_target = target.path
        if self._proxy is not None and not self._proxy.is_socks and target.origin.scheme == "http":
            request_target = target.absolute
            extra = self._proxy.headers
        if target.authorization and not any(name.lower() == b"authorization" for name, _ in request.headers):
            extra = (*extra, (b"Authorization", target.authorization))
        return encode_head(
            request.method, request_target, target.host_header, request.headers, body_size(request.body), extra
        )

    async def _connect(self, origin: Origin, request: UpstreamRequest) -> Connection:
        return await connect(
            origin,
            proxy=self._proxy,
            tls=self._tls,
            timeout_s=request.connect_timeout_s,
            stepped=request.stepped,
        )

    async def _exchange(
        self, connection: Connection, head: bytes, request: UpstreamRequest, reader: ResponseReader
    ) -> Http1Response:
        """Send on `connection` and read up to the final head. Closes the connection when it raises."""
        try:
            with trio.move_on_after(request.head_timeout_s) as scope:
                body = request.body
                if isinstance(body, bytes) and len(body) <= SMALL_BODY_BYTES:
                    is_sent = await _send(connection.stream, (head + body,))
                    await _read_head(connection.stream, reader)
                else:
                    is_sent = await _send_and_read_head(connection.stream, head, body, reader)
        except BaseException:
            connection.close()
            raise
        if scope.cancelled_caught:
            connection.close()
            raise HeadTimeout("the provider did not begin its answer in time")
        if not reader.is_begun and reader.failure is not None:
            connection.close()
            raise reader.failure
        if not is_sent:
            reader.forbid_reuse()
        return Http1Response(reader, connection, self._pool, request.idle_timeout_s)


def body_size(body: bytes | BodySource) -> int:
    """Return how many bytes a request's body has."""
    return len(body) if isinstance(body, bytes) else body.size


async def _send_and_read_head(
    stream: ByteStream, head: bytes, body: bytes | BodySource, reader: ResponseReader
) -> bool:
    """Send a large request while listening for an answer that does not wait for its end, such as 413.

    Returns whether all of it was sent.
    """
    is_sent = False

    async def send() -> None:
        nonlocal is_sent
        if isinstance(body, bytes):
            rest = memoryview(body)
            is_sent = await _send(stream, (head + rest[:SMALL_BODY_BYTES], rest[SMALL_BODY_BYTES:]))
        else:
            is_sent = await _send_from(stream, head, body, reader)
            if reader.failure is not None:
                # Half a request will not be answered.
                nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await _read_head(stream, reader)
        if reader.failure is not None or reader.status >= _FIRST_REFUSAL:
            nursery.cancel_scope.cancel()
        # Else the provider answers while it still reads, and the rest of the body is owed to it.
    return is_sent


async def _send(stream: ByteStream, pieces: tuple[bytes | memoryview, ...]) -> bool:
    """Send, and return whether all of it went out. If not, an answer may still be there, so this does not raise."""
    try:
        for piece in pieces:
            await stream.send_all(piece)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return False
    return True


async def _send_from(stream: ByteStream, head: bytes, body: BodySource, reader: ResponseReader) -> bool:
    """Send head and body piece by piece; return whether all of it went out."""
    if not await _send(stream, (head,)):
        return False
    sent = 0
    while sent < body.size:
        try:
            piece = await body.read_at(sent, BODY_PIECE_BYTES)
        except OSError:
            reader.fail("the body of the request could not be read")
            return False
        if not await _send(stream, (piece,)):
            return False
        sent += len(piece)
    return True


async def _read_head(stream: ByteStream, reader: ResponseReader) -> None:
    while not reader.is_begun and reader.failure is None:
        await _read_on(stream, reader)


async def _read_on(stream: ByteStream, reader: ResponseReader) -> None:
    try:
        data = await stream.receive_some(READ_BYTES)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        reader.fail("the connection to the provider broke")
    else:
        reader.feed(bytes(data))
