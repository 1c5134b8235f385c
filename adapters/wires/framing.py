"""Answers that are no server-sent events, presented as such: lines of JSON, a whole body, messages of a websocket.

The relay's pump then reads all providers alike. Errors with a status are left as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from adapters.transport.types import ResponseBroken, SocketRefused
from adapters.wires.exchange import read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse, UpstreamSocket
    from adapters.wires.types import Call

Headers = tuple[tuple[bytes, bytes], ...]

MOST_BYTES = 64 << 20
EVENTS = (b"content-type", b"text/event-stream")
JSON = (b"content-type", b"application/json")


def event_of(data: bytes) -> bytes:
    """Return `data` as one event; line breaks within it are kept."""
    return b"".join(b"data: %s\n" % line for line in data.splitlines()) + b"\n"


def _typed(headers: Headers, kind: tuple[bytes, bytes]) -> Headers:
    return (*(pair for pair in headers if pair[0] not in (b"content-type", b"content-length")), kind)


def is_events(response: UpstreamResponse) -> bool:
    """Whether the answer is a stream of server-sent events already."""
    return b"event-stream" in dict(response.headers).get(b"content-type", b"").lower()


class Given:
    """An answer that is there already."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self._left = body

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        await trio.lowlevel.checkpoint()
        body, self._left = self._left, b""
        return body

    async def aclose(self) -> None:
        """Nothing is open."""


class _Lines:
    """Each line of a body is an event."""

    def __init__(self, inner: UpstreamResponse) -> None:
        self.status = inner.status
        self.headers = _typed(inner.headers, EVENTS)
        self._inner = inner
        self._pending: list[bytes] = []
        self._size = 0

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        while True:
            data = await self._inner.receive_some()
            if not data:
                left = b"".join(self._pending).strip()
                self._pending.clear()
                return event_of(left) if left else b""
            whole, newline, rest = data.rpartition(b"\n")
            if not newline:
                self._keep(data)
                continue
            lines = b"".join((*self._pending, whole)).splitlines()
            self._pending.clear()
            self._size = 0
            if rest:
                self._keep(rest)
            if events := b"".join(event_of(line) for line in lines if line.strip()):
                return events

    async def aclose(self) -> None:
        """See `adapters.transport.types.UpstreamResponse`."""
        await self._inner.aclose()

    def _keep(self, piece: bytes) -> None:
        self._pending.append(piece)
        self._size += len(piece)
        if self._size > MOST_BYTES:
            raise ResponseBroken("the provider sent a line without end")


class Lines:
    """A carrier for streams of JSON lines."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`."""
        response = await transport.send(request)
        if not call.streams or response.status >= 300 or is_events(response):
            return response
        return _Lines(response)


class WholeAsEvent:
    """A carrier for providers that do not stream: the body is the stream's only event."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`."""
        response = await transport.send(request)
        if not call.streams or response.status >= 300 or is_events(response):
            return response
        try:
            body = await read_all(response, most=MOST_BYTES)
        finally:
            await response.aclose()
        return Given(response.status, _typed(response.headers, EVENTS), event_of(body))


class _Messages:
    """Each message of a websocket is an event."""

    status = 200
    headers: Headers = (EVENTS,)

    def __init__(self, socket: UpstreamSocket) -> None:
        self._socket = socket

    async def receive_some(self) -> bytes:
        """See `adapters.transport.types.UpstreamResponse`."""
        message = await self._socket.receive()
        return b"" if message is None else event_of(_bytes(message))

    async def aclose(self) -> None:
        """See `adapters.transport.types.UpstreamResponse`."""
        await self._socket.aclose()


class Messages:
    """A carrier for providers that are asked with one message over a websocket, and answer with several."""

    def __init__(self, is_last: Callable[[bytes], bool]) -> None:
        """`is_last` says of a message whether the provider has no more to say."""
        self._is_last = is_last

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`. A whole answer gathers the messages in `frames`."""
        body = request.body
        assert isinstance(body, bytes), "chat requests are held in memory"  # noqa: S101
        try:
            socket = await transport.open_socket(request, ())
        except SocketRefused as refused:
            return Given(refused.status if refused.status >= 400 else 502, refused.headers, refused.body)
        try:
            await socket.send(body.decode())
            if call.streams:
                return _Messages(socket)
            frames = await self._gather(socket)
        except BaseException:
            await socket.aclose()
            raise
        await socket.aclose()
        return Given(200, (JSON,), b'{"frames":[' + b",".join(frames) + b"]}")

    async def _gather(self, socket: UpstreamSocket) -> list[bytes]:
        frames: list[bytes] = []
        size = 0
        while (message := await socket.receive()) is not None:
            frames.append(_bytes(message))
            size += len(frames[-1])
            if size > MOST_BYTES:
                raise ResponseBroken("the provider's answer is too large")
            if self._is_last(frames[-1]):
                break
        return frames


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
