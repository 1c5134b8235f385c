"""A provider's stream of events on its way to the client.

All that has arrived goes out in one write. Everything before the first content is held,
so that a provider that fails at once can still be replaced. A stream that stops without saying that it is
over is a failure, never a normal end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from adapters.sse import EventScanner, EventTooLong, parse_event
from gateway.relay import head as heads
from gateway.relay.endpoints import Kind
from gateway.relay.errors import UpstreamCut

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.pricing.usage import Usage
    from adapters.sse import Event
    from adapters.transport.types import UpstreamResponse
    from gateway.relay.errors import UpstreamFailed
    from gateway.relay.exchange import Exchange, Passed
    from gateway.relay.meter import Meter
    from gateway.relay.state import Relay

# What a provider may take to close its stream after the end.
TRAIL_S = 0.25
# Events without content that may be held back before the first content; then they are let go with the head.
MAX_HELD_BYTES = 1 << 20


class EventStream:
    """One pass of one provider's stream to one client."""

    def __init__(
        self,
        relay: Relay,
        exchange: Exchange,
        *,
        meter: Meter,
        outgrown: Callable[[], Awaitable[None]],
        before_end: Callable[[], Awaitable[None]],
    ) -> None:
        self._relay = relay
        self._client = relay.client
        self._exchange = exchange
        self._meter = meter
        self._scanner = EventScanner()
        self._outgrown = outgrown
        self._before_end = before_end
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._committed = False
        self._done = False
        self._closes_itself = False
        self._failure: UpstreamFailed | None = None
        self._with_usage: Callable[[Usage], bytes] | None = None

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
            if not data and not self._done and self._failure is None:
                self._note(self._exchange.end(), b"", out)
            await self._write(out, passed)
            if self._failure is not None:
                self._failure.was_passed = self._failure.was_passed and self._committed
                raise self._failure
        if self._exchange.trails:
            await self._pass_the_rest(response)

    async def _pass_the_rest(self, response: UpstreamResponse) -> None:
        """Pass what follows the end, for as long as a provider may take to close its stream."""
        with trio.move_on_after(TRAIL_S):
            while data := await response.receive_some():
                if rest := b"".join(self._trailing(self._scanner.feed(data))):
                    await self._client.write(rest)
        await self._client.finish(b"" if self._closes_itself else self._exchange.trailer)

    def _trailing(self, events: list[Event]) -> list[bytes]:
        """Return the bytes of what came after the end."""
        self._closes_itself = self._closes_itself or any(event.data for event in events)
        return [event.raw for event in events]

    def _unended(self) -> list[Event]:
        """Return the last event if the provider left out the empty line after it."""
        left = self._scanner.close()
        return [parse_event(left)._replace(raw=left + b"\n\n")] if left.strip() else []

    def _take(self, events: list[Event]) -> list[bytes]:
        """Read `events`; return what goes to the client. Stops at the end of the stream or at an error."""
        out: list[bytes] = []
        for place, event in enumerate(events):
            self._note(self._exchange.event(event), event.data, out)
            if self._failure is not None:
                break
            if self._done:
                if self._exchange.trails:
                    out += self._trailing(events[place + 1 :])
                break
        return out

    def _note(self, passed: Passed, data: bytes, out: list[bytes]) -> None:
        raw, piece, self._done, self._failure, is_comment, self._with_usage = passed[:6]
        if piece is not None:
            self._meter.add(piece)
        elif raw and data and not is_comment and not self._done and self._failure is None:
            # It could not be read, and was delivered all the same.
            self._meter.add_opaque(data)
        if raw and (not is_comment or self._committed):
            out.append(raw)

    async def _write(self, out: list[bytes], passed: list[tuple[bytes, bytes]]) -> None:
        """Write all of `out` at once; the last write ends the answer."""
        if self._with_usage is not None:
            # Clients count on it, though the provider does not.
            out = [*out, self._with_usage(await self._meter.usage(self._relay.prompt_tokens))]
            self._with_usage = None
        if not out and not self._done:
            return
        if not self._committed:
            self._held += out
            self._held_bytes += sum(map(len, out))
            if not self._meter.delivered and self._held_bytes < MAX_HELD_BYTES and not self._done:
                return
            out = self._held
            self._held = []
            self._committed = True
            # From now on the end of the stream depends on what went out.
            self._client.fails = self._exchange.failed
            self._relay.first_content_at = trio.current_time()
            self._relay.stamp("first_client_response")
            if not self._client.started:
                await self._client.start_events(passed)
        joined = out[0] if len(out) == 1 else b"".join(out)
        if self._done:
            if self._relay.endpoint.kind is not Kind.MESSAGES:
                self._relay.stamp("upstream_completed")
            await self._before_end()
            await (self._client.write(joined) if self._exchange.trails else self._client.finish(joined))
            return
        await self._client.write(joined)
        if self._meter.is_long:
            await self._meter.fold()
        await self._outgrown()
