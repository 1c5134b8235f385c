"""A request that this program makes to its own relay plane, without a socket and with nobody's key on the way.

It is served like any other: admitted by its token, charged, logged and traced, waited for by a drain.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.lifecycle_types import AsgiApp, Message, Receive, Scope, Send

# What a relay whose client has left may take to tell so and to settle; its own limits add up to less.
LEAVE_LIMIT_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InsideRequest:
    """What is asked. `key` is the API key as stored, with the number of a channel behind a dash, if one is named."""

    path: str
    query: str = ""
    body: bytes
    key: str = field(repr=False)
    address: str
    """Whose request it is: tokens may be bound to addresses."""


@dataclass(slots=True, eq=False)
class InsideAnswer:
    """An answer on its way."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    over: trio.Event = field(default_factory=trio.Event)
    """Set when the relay has ended and settled."""
    _head: trio.Event = field(default_factory=trio.Event)
    _left: trio.Event = field(default_factory=trio.Event)
    _out: trio.MemorySendChannel[bytes] = field(init=False)
    _in: trio.MemoryReceiveChannel[bytes] = field(init=False)
    _body: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the way from the relay to who reads."""
        self._out, self._in = trio.open_memory_channel[bytes](0)

    @property
    def request_id(self) -> str:
        """The relay's request id."""
        return self.headers.get(b"x-oneapi-request-id", b"").decode("latin-1")

    async def receive_some(self) -> bytes:
        """Return the next piece of the body, empty at its end."""
        try:
            return await self._in.receive()
        except trio.EndOfChannel:
            return b""

    async def receive(self) -> Message:
        """ASGI's `receive`, on the relay's side."""
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI's `send`, on the relay's side."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
            self._head.set()
            return
        try:
            if message["body"]:
                await self._out.send(message["body"])
            if not message.get("more_body", False):
                await self._out.aclose()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            # Who read it has left, which the relay hears by `receive`.
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def asked(app: AsgiApp, request: InsideRequest) -> AsyncIterator[InsideAnswer]:
    """Give the answer to a request, from its head on.

    Leaving the block before the answer is over is a client that leaves: the relay ends, and charges for what it
    delivered, before this returns.
    """
    answer = InsideAnswer(_body=[request.body])

    # Who reads may be cancelled at any time; the relay then hears that its client left, and ends in its own way.
    relay = trio.CancelScope(shield=True)

    async def serve() -> None:
        try:
            with relay:
                await app(_scope(request), answer.receive, answer.send)
        finally:
            answer.over.set()
            answer._head.set()
            answer._out.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            await answer._head.wait()
            yield answer
        finally:
            answer._left.set()
            answer._in.close()
            with trio.move_on_after(LEAVE_LIMIT_S, shield=True):
                await answer.over.wait()
            relay.cancel()


async def nowhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer what is no relay: nobody asks for anything else from inside."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _scope(request: InsideRequest) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "headers": [
            (b"authorization", f"Bearer {request.key}".encode("latin-1", "replace")),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(request.body)),
            (b"user-agent", b"one-api playground"),
        ],
        "client": (request.address, 0),
        "server": None,
    }
