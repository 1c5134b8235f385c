"""The client's side of one relay: ASGI's two callables behind words that the relay uses.

A streamed answer's head is held back until there is something worth committing to, so that a failure before
it keeps its true status. All writes are whole events, so a heartbeat may stand between any two of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from adapters.formats.table import CLIENTS
from gateway.relay.errors import UpstreamFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import ClientSide
    from adapters.formats.neutral.events import Failure
    from gateway.lifecycle_types import Message, Receive, Send
    from gateway.relay.errors import RelayError

DROPPED = b"x-oneapi-dropped"
# Longer head fields are refused by some proxies.
LONGEST_HEADER = 2048

_CORS = ((b"access-control-allow-origin", b"*"),)
_STREAM_HEAD = (
    (b"x-accel-buffering", b"no"),
    (b"pragma", b"no-cache"),
)
# Content is ready: the plain directive that one-api sent, and the ban on re-coding for CDNs (RFC 9213).
_READY = ((b"cache-control", b"no-cache"), (b"cdn-cache-control", b"no-transform"))
# Only comments for now: a proxy that gathers bytes to compress them would starve the client, so it is told not to.
_WAITING = ((b"cache-control", b"no-cache, no-transform"), (b"cdn-cache-control", b"no-transform"))


class Client:
    """One request's client. Not for two relays, and `receive` is this object's once `read` is over."""

    __slots__ = (
        "_headers",
        "_is_events",
        "_receive",
        "_request_id",
        "_send",
        "fails",
        "finished",
        "left",
        "sent_bytes",
        "started",
        "status",
        "voice",
        "wrote_at",
    )

    def __init__(self, receive: Receive, send: Send, *, request_id: str) -> None:
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._headers: tuple[tuple[bytes, bytes], ...] = (
            (b"x-oneapi-request-id", request_id.encode("ascii")),
            *_CORS,
        )
        self._is_events = False
        self.started = False
        """The head is out: no other status can be told any more."""
        self.finished = False
        """The answer is complete as far as HTTP is concerned."""
        self.left = False
        """The client closed its side."""
        self.status = 0
        self.voice: ClientSide = CLIENTS["openai_chat"]
        """The format in which the client is told of errors."""
        self.fails: Callable[[Failure], bytes | None] | None = None
        """Writes how a stream ends badly, once that depends on what went out."""
        self.wrote_at = trio.current_time()
        """When the last piece went out, on Trio's clock."""
        self.sent_bytes = 0
        """How long the body is so far, comments included."""

    def tell_dropped(self, names: tuple[str, ...]) -> None:
        """Name in the head what a conversion could not carry; the last call before the head counts.

        The names are the client's own, so they hold whatever a header must not.
        """
        others = tuple(pair for pair in self._headers if pair[0] != DROPPED)
        told = "".join(sign if " " <= sign <= "~" else "?" for sign in ", ".join(names))[:LONGEST_HEADER].strip()
        self._headers = (*others, (DROPPED, told.encode("ascii"))) if told else others

    def overhear(self, hear: Callable[[Message], None]) -> None:
        """Tell `hear` of everything from now on as it goes out. Who is not overheard pays nothing for it."""
        send = self._send

        async def telling(message: Message) -> None:
            hear(message)
            await send(message)

        self._send = telling

    def close_after_answer(self) -> None:
        """Tell the client not to come back on this connection."""
        self._headers += ((b"connection", b"close"),)

    async def gone(self) -> None:
        """Return once there is no one to send to: the client left, or has its whole answer (`left` tells which).

        Only one task may wait, and only after the body was read.
        """
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                # Servers also say so after the last byte of an answer.
                self.left = not self.finished
                return

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        self.started = True
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *self._headers, (b"content-length", str(len(body)).encode("ascii"))],
            }
        )
        self.finished = True
        self.sent_bytes += len(body)
        await self._send({"type": "http.response.body", "body": body})

    async def answer_json(self, status: int, body: bytes) -> None:
        """Send a whole JSON answer."""
        await self.answer(status, [(b"content-type", b"application/json")], body)

    async def answer_error(self, error: RelayError) -> None:
        """Send an error envelope with its status, and when to come back if that is known."""
        headers = [(b"content-type", b"application/json")]
        if error.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after_s)))
        if error.is_final:
            # Official clients try a 429 again within seconds, unless they are told not to.
            headers.append((b"x-should-retry", b"false"))
        await self.answer(error.status, headers, error.told(self.voice.error_body, self._request_id))

    async def end_with(self, error: RelayError) -> None:
        """End a stream with an error event of the client's format, unless the provider's own was passed on."""
        if isinstance(error, UpstreamFailed) and error.was_passed:
            await self.finish()
            return
        if self._is_events:
            words = self.fails(error.as_failure()) if self.fails is not None else None
            await self.finish(words or error.told(self.voice.error_event, self._request_id))
        # A body of another kind has no room for words: it is left without its end, which is an error, too.

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head of an answer whose length is not known."""
        self.started = True
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers, *self._headers]})

    async def start_events(self, upstream: list[tuple[bytes, bytes]]) -> None:
        """Send the head of a stream of events, with what the provider's head adds."""
        self._is_events = True
        more = (pair for pair in upstream if pair[0] != b"content-type")
        await self.start(200, [*self._stream_head(), *_READY, *more])

    def _stream_head(self) -> list[tuple[bytes, bytes]]:
        return [(b"content-type", self.voice.stream_type), *_STREAM_HEAD]

    async def beat(self) -> None:
        """Send a comment that keeps proxies and clients awake, and the head before it if it is not out yet."""
        if not self.started:
            self._is_events = True
            await self.start(200, [*self._stream_head(), *_WAITING])
        await self.write(self.voice.heartbeat)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; whole events if it is a stream of events."""
        self.sent_bytes += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.wrote_at = trio.current_time()

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the answer; no heartbeat follows it."""
        self.finished = True
        self.sent_bytes += len(data)
        await self._send({"type": "http.response.body", "body": data, "more_body": False})
