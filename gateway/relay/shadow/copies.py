"""One copy: the request of a relay asked once more, of another channel, for nobody to hear."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import trio

from gateway.observe.redact import without_key
from gateway.relay import attempt as attempts
from gateway.relay.body import RequestBody
from gateway.relay.client import Client
from gateway.relay.endpoints import Kind
from gateway.relay.errors import Interrupted, RelayError, UpstreamFailed
from gateway.relay.meter import Meter
from gateway.relay.money import terms_for
from gateway.relay.prepare import prepare
from gateway.relay.signed.recall import begins_anew
from gateway.relay.state import Relay, now_ms
from gateway.traffic.facts import kind_of
from gateway.traffic.log import masked
from storage.repositories.shadows import ShadowResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.pricing.book import PriceBook
    from adapters.transport.types import Transport
    from adapters.wires.wired import Wires
    from gateway.config.settings import Settings
    from gateway.counting.counter import Counter
    from gateway.observe.types import Journal
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.exchange import Unfetched
    from gateway.relay.money import Terms
    from storage.repositories.shadows import ShadowTest

LONGEST_S = 300.0
"""Whatever takes longer is no match for the original; it counts as timed out."""
COUNT_S = 5.0
LIMIT = "limit"
"""Kind of a copy that was ended since the test may not spend more: no failure of its channel."""
GUESSED_TOKENS = 4096
"""What an answer is taken to have at most, where the client says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDeps:
    """What a copy uses of the relays' things: nothing that holds money or tells of health."""

    settings: Settings
    prices: PriceBook
    counter: Counter
    transport: Transport
    wires: Wires
    journal: Journal


class TooDear(RelayError):
    """The test may not spend what the answer goes on to cost. No client ever sees it."""


class Copy:
    """The copy of one relay for one test. Not reusable."""

    def __init__(
        self,
        test: ShadowTest,
        original: Relay,
        channel: ChannelView,
        deps: CopyDeps,
        may_cost: Callable[[Copy, int], bool],
    ) -> None:
        """`may_cost` says whether a copy may cost more than `most_units`, and so many units then.

        Raises `RelayError` for what the channel does not sell.
        """
        self._may_cost = may_cost
        self.test = test
        self._deps = deps
        self._channel = channel
        self._original_id = original.request_id
        client = Client(_hear_nothing, _say_nothing, request_id=original.request_id)
        client.voice = original.client.voice
        self._relay = Relay(
            request_id=original.request_id,
            trace_id=uuid.uuid4().hex,
            head=original.head,
            client=client,
            caller=original.caller,
            endpoint=original.endpoint,
            body=_unkept(original),
            model=original.model,
            streams=original.streams,
            as_array=original.as_array,
            snapshot=original.snapshot,
            started_at=trio.current_time(),
            prompt_tokens=original.prompt_tokens,
            channel=channel,
            sent_model=channel.upstream_model(original.model),
        )
        self._terms = terms_for(self._relay, channel, deps.prices)
        self._list: Terms = terms_for(self._relay, replace(channel, group_ratio=Decimal(1)), deps.prices)
        limit = original.body.output_limit(original.endpoint.output_limits)
        self.most_units = self._list.running(
            prompt_tokens=original.prompt_tokens, output_tokens=GUESSED_TOKENS if limit is None else limit
        )
        """What it may cost by the list."""

    async def run(self) -> ShadowResult:
        """Ask, read the answer to its end, and return how that went.

        Nothing is told, charged, or held against the channel. Cancelled: the provider's connection is closed.
        """
        relay = self._relay
        relay.started_at = trio.current_time()
        relay.filled = self._terms.filled
        meter = Meter(self._deps.counter, relay.sent_model)
        failure: RelayError | None = Interrupted("the answer took too long", status=504)
        with trio.move_on_after(LONGEST_S):
            failure = await self._asked(meter)
        took_ms = round((trio.current_time() - relay.started_at) * 1000)
        first_at = relay.first_content_at
        result = ShadowResult(
            test_id=self.test.id,
            ended_at=now_ms(),
            request_id=self._original_id,
            passed=failure is None,
            kind="" if failure is None else LIMIT if isinstance(failure, TooDear) else kind_of(failure),
            status=0 if failure is None else failure.status,
            error="" if failure is None else masked(without_key(failure.message, self._channel.key)),
            first_ms=None if first_at is None else round((first_at - relay.started_at) * 1000),
            duration_ms=took_ms,
        )
        if not meter.delivered:
            return result
        used = meter.about(relay.prompt_tokens)
        with trio.move_on_after(COUNT_S):
            used = await meter.usage(relay.prompt_tokens)
        cost = self._terms.cost(used)
        return replace(
            result,
            prompt_tokens=cost.prompt_tokens,
            completion_tokens=cost.completion_tokens,
            units=cost.units,
            list_units=self._list.cost(used).units,
        )

    async def _asked(self, meter: Meter) -> RelayError | None:
        relay, settings = self._relay, self._deps.settings
        while True:
            tried = relay.begin_try(self._channel)
            try:
                prepared = prepare(relay, self._channel, settings, self._deps.wires)
                await attempts.attempt(
                    relay,
                    prepared.request,
                    prepared.exchange,
                    prepared.read_error,
                    transport=prepared.transport,
                    meter=meter,
                    complete=_leave_unfetched,
                    before_end=trio.lowlevel.checkpoint,
                    idle_s=settings.idle_timeout_sec or math.inf,
                    first_content_s=settings.first_content_timeout_sec or math.inf,
                    outgrown=partial(self._watch_cost, meter),
                )
            except UpstreamFailed as error:
                tried.end(status=error.status, kind=kind_of(error), error=error.message)
                if begins_anew(relay, error, delivered=meter.delivered, journal=self._deps.journal):
                    continue
                return error
            except RelayError as error:
                return error
            return None

    async def _watch_cost(self, meter: Meter) -> None:
        """End a stream that outgrows what the test may spend: nobody else pays for it."""
        units = self._list.running(prompt_tokens=self._relay.prompt_tokens, output_tokens=meter.roughly())
        if units > self.most_units and not self._may_cost(self, units + units // 4):
            raise TooDear("the test may not spend more", status=503)
        await trio.lowlevel.checkpoint()


def _unkept(original: Relay) -> RequestBody:
    """Return the body of a copy: the original's, but that no provider is to keep what comes of it."""
    body = original.body
    if body.any("store") is False or (original.endpoint.kind is not Kind.RESPONSES and "store" not in body):
        return body
    return RequestBody(body.edited({"store": False}))


async def _hear_nothing() -> dict[str, object]:
    await trio.sleep_forever()
    raise AssertionError("never comes here")


async def _say_nothing(_message: object) -> None:
    await trio.lowlevel.checkpoint()


async def _leave_unfetched(_unfetched: Unfetched) -> bytes:
    await trio.lowlevel.checkpoint()
    return b"{}"
