"""One relay: reserve, try channels until one answers, watch the client, and settle however it ends.

    relay nursery            its scope is the relay's: total deadline, drain and an operator's click cancel it
    ├─ watch                 the client leaving cancels the relay; a silent stream gets a comment now and then
    └─ attempts              the body of the nursery: one after another, each with deadlines of its own

Nothing is sent upstream before the reservation is durable. Settlement is the one exit after that.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from gateway.budgets.ledger import NoBudgets
from gateway.ledger.types import LedgerError
from gateway.recordings.recording import NoMessages
from gateway.relay import settle
from gateway.relay.choose import Prefer
from gateway.relay.endings import interruption, outcome
from gateway.relay.errors import Refused, RelayError
from gateway.relay.holding import Holding
from gateway.relay.media.duration import Uploads
from gateway.relay.prepare import can_serve
from gateway.relay.running import Progress, RunningRelay
from gateway.relay.shadow.shadows import Nobody
from gateway.relay.state import now_ms
from gateway.relay.tries import Tries
from gateway.traffic.facts import finished
from gateway.traffic.recorder import Nowhere

if TYPE_CHECKING:
    from random import Random

    from adapters.pricing.book import PriceBook
    from adapters.pricing.charge import Charge
    from adapters.pricing.usage import Usage
    from adapters.transport.types import Transport
    from adapters.wires.wired import Wires
    from gateway.budgets.ledger import Budgets
    from gateway.cluster.types import Windows
    from gateway.config.settings import Settings
    from gateway.counting.counter import Counter
    from gateway.ledger.types import Ledger
    from gateway.observe.types import Journal
    from gateway.recordings.recording import Messages
    from gateway.registry.accounts import Accounts
    from gateway.registry.registry import Registry
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.health import Health
    from gateway.relay.images import ImageFetcher
    from gateway.relay.retry import RetryBudget
    from gateway.relay.running import Running
    from gateway.relay.shadow.shadows import Shadows
    from gateway.relay.signed.book import SignatureBook
    from gateway.relay.state import Relay
    from gateway.relay.stored.responses import Responses
    from gateway.relay.stored.sighting import Sighting
    from gateway.traffic.recorder import Recorder

# What was delivered is counted within this time, or charged by its length.
COUNT_WAIT_S = 2.0
# Settlement is waited for this long; the ledger owns it anyhow, so only the waiting ends.
SETTLE_WAIT_S = 8.0
# The client's last words: an error event or envelope after the relay's own scope is gone.
LAST_WORDS_S = 4.0
CHANNEL_WINDOW_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayDeps:
    """What relays use; made once by the composition root."""

    settings: Settings
    registry: Registry
    accounts: Accounts
    ledger: Ledger
    prices: PriceBook
    counter: Counter
    transport: Transport
    wires: Wires
    """The same transport, for providers that want more than plain HTTP."""
    images: ImageFetcher
    windows: Windows
    health: Health
    budget: RetryBudget
    running: Running
    journal: Journal
    rng: Random
    responses: Responses
    """Those that providers keep."""
    signatures: SignatureBook
    uploads: Uploads = field(default_factory=Uploads)
    budgets: Budgets = field(default_factory=NoBudgets)
    recorder: Recorder = field(default_factory=Nowhere)
    messages: Messages = field(default_factory=NoMessages)
    shadows: Shadows | Nobody = field(default_factory=Nobody)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The attempts came to an end of their own."""

    error: RelayError | None


class Supervisor:
    """Serves one relay that was admitted. Not reusable."""

    def __init__(self, relay: Relay, deps: RelayDeps) -> None:
        self._relay = relay
        self._deps = deps
        relay.saw = self._saw
        self._holding = Holding(
            relay,
            ledger=deps.ledger,
            budgets=deps.budgets,
            accounts=deps.accounts,
            prices=deps.prices,
            counter=deps.counter,
            is_alone=lambda: deps.running.is_alone(relay.caller.user.id),
        )
        self._tries = Tries(relay, deps, self._holding)
        self._ended: _Ended | None = None

    async def serve(self, only: ChannelView | None) -> None:
        """Serve the relay; `only` is the channel that the client's key names, which is never replaced.

        Raises `RelayError` for what is wrong before anything was reserved; everything later is answered here.
        """
        try:
            await self._serve(only)
        except RelayError as error:
            self._remember(error, cost=None, usage=None, logged=False)
            raise

    async def _serve(self, only: ChannelView | None) -> None:
        relay = self._relay
        channel = only or self._tries.choose(Prefer.HIGHEST)
        relay.chosen_ms = now_ms()
        relay.candidates = 1 if only is not None else len(relay.snapshot.candidates(relay.group, relay.model))
        if channel is None:
            raise Refused(f"No available channels for Model {relay.model} under Group {relay.group}", status=503)
        if not can_serve(channel, relay.endpoint, relay.model):
            raise RelayError(
                f"channel {channel.id} does not serve this endpoint", status=400, code="unsupported_channel"
            )
        await self._check_channel_limit(channel)
        running = RunningRelay(
            request_id=relay.request_id,
            user=relay.caller.user.username,
            started_at=relay.started_at,
            scope=trio.CancelScope(),
            user_id=relay.caller.user.id,
            group=relay.group,
            token=relay.caller.token.name,
            model=relay.model,
            channel=channel.label,
            endpoint=relay.endpoint.kind.value,
            streams=relay.streams,
            address=relay.head.address,
            progress=self._progress,
        )
        with self._deps.running.claimed(relay.caller.user.id), self._deps.running.entered(running):
            await self._serve_with(channel, running, replaceable=only is None)

    async def _serve_with(self, channel: ChannelView, running: RunningRelay, *, replaceable: bool) -> None:
        await self._holding.reserve(channel)
        self._relay.reserved_ms = now_ms()
        self._relay.reserved_units = self._holding.units
        self._deps.budget.relay_began()
        # What the client is told if the lines below fail in a way that nobody foresaw.
        error: RelayError | None = RelayError("the gateway failed to serve this request", code="internal_error")
        try:
            if self._relay.snapshot.shadows:
                self._deps.shadows.offer(self._relay)
            error = await self._in_nursery(channel, running, replaceable=replaceable)
        finally:
            # The one exit. No deadline around all of it, or a slow client could keep the settlement from being
            # handed over: every wait in here has its own, and shutdown can count on their sum.
            with trio.CancelScope(shield=True):
                try:
                    await self._last_words(error)
                finally:
                    # Whatever words fail: a reservation that is not settled would stay for as long as we run.
                    await self._settle(error)

    # --- before the provider is asked -------------------------------------------------------------------

    async def _check_channel_limit(self, channel: ChannelView) -> None:
        settings = self._deps.settings
        if not settings.global_channel_rate_limit or settings.debug or channel.ratelimit <= 0:
            return
        key = f"channel:{channel.id}:token:{self._relay.caller.token.id}"
        if not await self._deps.windows.hit(key, limit=channel.ratelimit, window_s=CHANNEL_WINDOW_S):
            raise Refused("rate limit exceeded", status=429)

    # --- the relay itself -------------------------------------------------------------------------------

    async def _in_nursery(
        self, channel: ChannelView, running: RunningRelay, *, replaceable: bool
    ) -> RelayError | None:
        relay = self._relay
        scope = running.scope
        scope.deadline = relay.started_at + (self._deps.settings.relay_timeout or math.inf)
        with scope:
            # It may have been ended while it waited for its reservation; then nothing is sent.
            await trio.lowlevel.checkpoint_if_cancelled()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, scope)
                # A value in an object: "it ended, and well" must be told from "the scope was cancelled".
                self._ended = _Ended(await self._tries.run(channel, running, replaceable=replaceable))
                scope.cancel()
        running.is_settling = True
        if (over := self._over()) is not None:
            return over.error
        # The scope was cancelled: say why.
        return interruption(relay.client, running)

    def _over(self) -> _Ended | None:
        return self._ended

    def _saw(self, sighting: Sighting) -> None:
        self._deps.responses.saw(self._relay, sighting, held_units=self._holding.units)

    def _progress(self) -> Progress:
        relay = self._relay
        if not relay.reserved_ms:
            return Progress(state="admitted", attempt=0)
        meter = self._holding.meter
        tokens = meter.roughly() if relay.streams else None
        if relay.client.finished:
            state = "ending"
        elif meter.delivered:
            state = "streaming"
        else:
            stamps = relay.tries[-1].stamps if relay.tries else {}
            is_sent = "reused" in stamps or "ready" in stamps
            state = "waiting" if is_sent else "connecting" if "request_forwarded" in stamps else "reserved"
        return Progress(
            state=state,
            attempt=max(relay.attempts, 1),
            tokens=tokens,
            sent_bytes=relay.client.sent_bytes,
            units=self._holding.terms.running(prompt_tokens=relay.prompt_tokens, output_tokens=tokens or 0),
            wrote_at=relay.client.wrote_at if relay.client.started else 0.0,
            content_at=relay.first_content_at or 0.0,
        )

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Cancel the relay when its client leaves; keep a stream that has nothing to say awake."""
        client = self._relay.client
        every_s = self._deps.settings.stream_heartbeat_sec if self._relay.streams else 0
        beat_at = trio.current_time() + (every_s or math.inf)
        while True:
            with trio.move_on_at(beat_at):
                await client.gone()
                if client.left:
                    scope.cancel()
                return
            if client.finished:
                beat_at = math.inf
            elif (quiet_until := client.wrote_at + every_s) > trio.current_time():
                beat_at = quiet_until
            else:
                await client.beat()
                beat_at = trio.current_time() + every_s

    # --- the one exit -----------------------------------------------------------------------------------

    async def _last_words(self, error: RelayError | None) -> None:
        """Tell a client that is still there how its request ended, in its own format."""
        client = self._relay.client
        if error is None or client.left or client.finished:
            return
        with trio.move_on_after(LAST_WORDS_S):
            if client.started:
                await client.end_with(error)
            else:
                await client.answer_error(error)

    async def _settle(self, error: RelayError | None) -> None:
        relay, deps = self._relay, self._deps
        cost: Charge | None = None
        usage: Usage | None = None
        if self._holding.meter.delivered:
            usage = await self._used()
            cost = self._holding.terms.cost(usage)
        if deps.responses.runs_on(relay):
            # Whoever learns how it ended settles it, perhaps another process.
            deps.ledger.leave(relay.request_id)
            deps.responses.take_over(relay, held_units=self._holding.units)
            deps.journal.relay(settle.summary(relay, outcome=outcome(error), cost=None, usage=None, error=error))
            return
        settlement = settle.settlement(
            relay, cost=cost, usage=usage, log_consumption=relay.snapshot.options.flag("LogConsumeEnabled")
        )
        # What it cannot write it says itself, and the relay is over all the same.
        with trio.move_on_after(SETTLE_WAIT_S), suppress(LedgerError):
            await deps.ledger.settle(settlement)
        told = settle.summary(relay, outcome=outcome(error), cost=cost, usage=usage, error=error)
        deps.journal.relay(told)
        self._remember(error, cost=cost, usage=usage, logged=settlement.log is not None, status=told.status)

    async def _used(self) -> Usage:
        """Return what was used. Never fails, and never takes long: whatever happens here, the relay is settled."""
        meter, prompt_tokens = self._holding.meter, self._relay.prompt_tokens
        why = "it took too long"
        with trio.move_on_after(COUNT_WAIT_S):
            try:
                return await meter.usage(prompt_tokens)
            except Exception as failure:  # noqa: BLE001 - the boundary: nobody else would give the reservation back
                why = type(failure).__name__
        self._deps.journal.event(
            "error",
            "relay.uncounted",
            f"an answer could not be counted, and is charged by its length: {why}",
            request_id=self._relay.request_id,
        )
        return meter.about(prompt_tokens)

    def _remember(
        self, error: RelayError | None, *, cost: Charge | None, usage: Usage | None, logged: bool, status: int = 0
    ) -> None:
        """Tell how the relay ended to those who keep it for people. Where the log is off, only failures are kept."""
        if error is None and not logged:
            return
        status = status or (error.status if error is not None else 0)
        end = outcome(error)
        relay, holding = self._relay, self._holding
        counted = usage is not None and relay.endpoint.has_prompt and usage is not holding.meter.reported
        row, failures = finished(
            relay,
            outcome=end,
            status=status,
            cost=cost,
            usage=usage,
            counted=counted,
            listed=holding.listed(cost, usage),
            held_units=holding.units,
            error=error,
            logged=logged,
        )
        self._deps.recorder.note(row, failures)
