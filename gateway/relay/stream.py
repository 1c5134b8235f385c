"""A provider's stream of events on its way to the client, in OpenAI's formats.

Events pass byte for byte, all that have arrived in one write. Everything before the first content is held,
so that a provider that fails at once can still be replaced. A stream that stops without saying that it is
over is a failure, never a normal end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from adapters.formats import openai_chat
from adapters.sse import EventTooLong, parse_event
from gateway.relay import head as heads
from gateway.relay.errors import UpstreamCut
from gateway.relay.failures import failure_in_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.sse import Event, EventScanner
    from adapters.transport.types import UpstreamResponse
    from gateway.relay.errors import UpstreamFailed
    from gateway.relay.meter import Meter
    from gateway.relay.state import Relay

# Events without content that may be held back before the first content; then they are let go with the head.
MAX_HELD_BYTES = 1 << 20


class EventStream:
    """One pass of one provider's stream to one client."""

    def __init__(
        self, relay: Relay, *, meter: Meter, scanner: EventScanner, outgrown: Callable[[], Awaitable[None]]
    ) -> None:
        self._relay = relay
        self._client = relay.client
        self._meter = meter
        self._scanner = scanner
        self._outgrown = outgrown
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._committed = False
        self._done = False
        self._failure: UpstreamFailed | None = None

    async def pump(self, response: UpstreamResponse, *, idle_s: float, first_content_at: float) -> None:
        """Bring the stream to the client until it is over. Raises `UpstreamFailed` or `TransportError`.

        `idle_s` bounds every silence, `first_content_at` (Trio's clock) the wait for the first content.
        """
        passed = heads.for_client(response.headers)
        while not self._done:
            limit = min(trio.current_time() + idle_s, math.inf if self._committed else first_content_at)
            with trio.move_on_at(limit) as silence:
                data = await response.receive_some()
            if silence.cancelled_caught:
                raise UpstreamCut("the provider fell silent", status=504)
            try:
                events = self._scanner.feed(data) if data else self._unended()
            except EventTooLong:
                raise UpstreamCut("the provider sent an event without end") from None
            out = self._take(events)
            if not data:
                self._end(out)
            await self._write(out, passed)
            if self._failure is not None:
                raise self._failure

    def _unended(self) -> list[Event]:
        """Return the last event if the provider left out the empty line after it."""
        left = self._scanner.close()
        return [parse_event(left)._replace(raw=left + b"\n\n")] if left.strip() else []

    def _take(self, events: list[Event]) -> list[bytes]:
        """Read `events`; return what goes to the client. Stops at the end of the stream or at an error."""
        out: list[bytes] = []
        for event in events:
            data = event.data
            if not data:
                # Comments of the provider keep the client awake, but are nothing to commit to.
                if self._committed:
                    out.append(event.raw)
                continue
            if data == openai_chat.DONE:
                self._done = True
                out.append(event.raw)
                break
            try:
                piece = openai_chat.read_piece(data)
            except openai_chat.FormatError:
                self._meter.add_opaque(data)
                out.append(event.raw)
                continue
            if piece.error is not None:
                self._failure = failure_in_answer(piece.error)
                break
            if piece.is_empty:
                continue
            self._meter.add(piece)
            out.append(event.raw)
        return out

    def _end(self, out: list[bytes]) -> None:
        """The provider closed its stream properly: was it over?"""
        if self._done or self._failure is not None:
            return
        if not self._meter.finished:
            self._failure = UpstreamCut("the provider ended its stream before the answer was over")
            return
        # Some servers leave the terminal event out; clients wait for it.
        out.append(openai_chat.DONE_EVENT)
        self._done = True

    async def _write(self, out: list[bytes], passed: list[tuple[bytes, bytes]]) -> None:
        """Write all of `out` at once; the last write ends the answer."""
        if not out:
            return
        if not self._committed:
            self._held += out
            self._held_bytes += sum(map(len, out))
            if not self._meter.delivered and self._held_bytes < MAX_HELD_BYTES and not self._done:
                return
            out = self._held
            self._held = []
            self._committed = True
            self._relay.first_content_at = trio.current_time()
            self._relay.stamp("first_client_response")
            if not self._client.started:
                await self._client.start_events(passed)
        joined = out[0] if len(out) == 1 else b"".join(out)
        if self._done:
            self._relay.stamp("upstream_completed")
            await self._client.finish(joined)
            return
        await self._client.write(joined)
        if self._meter.is_long:
            await self._meter.fold()
        await self._outgrown()
