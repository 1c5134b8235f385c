"""Trying channels one after another until one answers, each with deadlines of its own.

Until the first content has gone out a failure may move the relay on to the next channel; after it, never.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING

from gateway.observe.redact import without_key
from gateway.relay import attempt as attempts
from gateway.relay.choose import Prefer, Request, left_out, pick, serving
from gateway.relay.endpoints import Kind
from gateway.relay.errors import RelayError, UpstreamFailed
from gateway.relay.images import inline_images, inline_parts, names_images
from gateway.relay.media.pictures import fetched, picture_request
from gateway.relay.outgoing import account_of
from gateway.relay.prepare import can_serve, converts, decoded, painter_of, prepare
from gateway.relay.realtime.client import SocketClient
from gateway.relay.realtime.meter import SessionMeter
from gateway.relay.realtime.request import session_request
from gateway.relay.realtime.session import hold_session
from gateway.relay.retry import Plan, plan_after
from gateway.relay.signed.recall import begins_anew, recall
from gateway.traffic.facts import kind_of

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.exchange import Unfetched
    from gateway.relay.holding import Holding
    from gateway.relay.prepare import Prepared
    from gateway.relay.running import RunningRelay
    from gateway.relay.state import Relay
    from gateway.relay.supervisor import RelayDeps

MOST_LEFT_OUT = 20
"""Channels of which it is remembered that they could not be chosen."""
MOST_KEYS = 8
"""Keys of one channel that one request tries; those that were refused or rest make the next request quicker."""


class Tries:
    """The attempts of one relay, which go with what `holding` holds. Not reusable."""

    def __init__(self, relay: Relay, deps: RelayDeps, holding: Holding) -> None:
        self._relay = relay
        self._deps = deps
        self._holding = holding
        self._plan: Plan | None = None

    def choose(self, prefer: Prefer) -> ChannelView | None:
        """Return a channel that may serve the relay, none of those that failed it."""
        relay = self._relay
        suspensions = self._deps.registry.suspensions
        candidates = relay.snapshot.candidates(relay.group, relay.model)
        request = Request(
            group=relay.group,
            model=relay.model,
            able=lambda channel: can_serve(channel, relay.endpoint, relay.model),
            excluded=frozenset(channel.id for channel in relay.failed),
            prefer=prefer,
            failed_priority=relay.failed[-1].priority if relay.failed else 0,
            smallest_limit=self._deps.settings.default_use_min_max_tokens_model,
        )

        def until(channel_id: int) -> float:
            return suspensions.until(relay.group, relay.model, channel_id)

        now = time.time()
        left = serving(candidates, request, suspended_until=until, now=now)
        if len(left) < len(candidates) and not relay.failed:
            # For people, who ask later why it was this channel. Most often nobody is left out.
            relay.left_out = left_out(candidates, left, suspended_until=until, now=now, most=MOST_LEFT_OUT)
        return pick(left, request, self._deps.rng)

    async def run(self, channel: ChannelView, running: RunningRelay, *, replaceable: bool) -> RelayError | None:
        """Try channels until one answers. Returns the failure that the client is to be told, if any."""
        relay, deps = self._relay, self._deps
        # The channel with the key of the attempt; channels, not keys, are what relays choose, charge and give up.
        using: ChannelView | None = None
        while True:
            running.channel = channel.label
            if using is None:
                keys = deps.registry.keys
                using = keys.take_any(channel, relay.model, now=time.time()) if channel.ring else channel
            tried = relay.begin_try(using)
            try:
                await self._attempt(using)
            except UpstreamFailed as error:
                # The client, the log and whoever reads of channels are told this.
                error.message = without_key(error.message, using.key)
                tried.end(status=error.status, kind=kind_of(error), error=error.message)
                delivered = self._holding.meter.delivered
                if begins_anew(relay, error, delivered=delivered, journal=deps.journal):
                    continue
                fate = deps.health.failed(using, group=relay.group, model=relay.model, error=error)
                tried.rests_s, tried.key_rests_s = fate.rests_s, fate.key_rests_s
                tried.key_is_bad = fate.key_is_bad
                if error.status == 401:
                    deps.wires.refused(using.provider, account_of(using))
                # A background response goes on where it began: another channel would begin a second one.
                is_bound = delivered or deps.responses.runs_on(relay)
                failed, using = using, None
                if fate.has_keys and not is_bound and (using := self._next_key(channel)) is not None:
                    deps.journal.event(
                        "warning",
                        "relay.retry",
                        f"{channel.label} failed ({error.status} {error.message}) with the key {failed.key_name}, "
                        f"trying {using.key_name}",
                        request_id=relay.request_id,
                        channel=channel.id,
                        next_channel=channel.id,
                        status=error.status,
                    )
                    continue
                relay.failed.append(channel)
                following = self._next(error) if replaceable and not is_bound else None
                if following is None:
                    return self._told(error)
                deps.journal.event(
                    "warning",
                    "relay.retry",
                    f"{channel.label} failed ({error.status} {error.message}), trying {following.label}",
                    request_id=relay.request_id,
                    channel=channel.id,
                    next_channel=following.id,
                    status=error.status,
                )
                try:
                    await self._holding.move(following)
                except RelayError as refusal:
                    return refusal
                channel = following
            except RelayError as error:
                return error
            else:
                tried.end()
                deps.health.succeeded(using)
                return None

    async def _attempt(self, channel: ChannelView) -> None:
        """Try one channel. Raises `RelayError`."""
        relay, deps, holding = self._relay, self._deps, self._holding
        if isinstance(relay.client, SocketClient) and isinstance(holding.meter, SessionMeter):
            await hold_session(
                relay,
                relay.client,
                session_request(relay, channel, deps.settings),
                transport=deps.transport,
                meter=holding.meter,
                used=holding.stay_ahead,
            )
            return
        await self._inline_images(channel)
        await recall(relay, channel, deps.signatures)
        prepared = prepare(relay, channel, deps.settings, deps.wires)
        relay.system_prompt_reset = prepared.system_prompt_reset
        relay.dropped = prepared.dropped
        relay.client.tell_dropped(prepared.dropped)
        try:
            await attempts.attempt(
                relay,
                prepared.request,
                prepared.exchange,
                prepared.read_error,
                transport=prepared.transport,
                meter=holding.meter,
                complete=self._complete,
                before_end=partial(self._before_end, prepared),
                idle_s=deps.settings.idle_timeout_sec or math.inf,
                first_content_s=deps.settings.first_content_timeout_sec or math.inf,
                outgrown=holding.top_up,
            )
        finally:
            relay.note_dropped(prepared.exchange.dropped)

    async def _inline_images(self, channel: ChannelView) -> None:
        """Fetch or read the pictures of the request, in the form in which they are sent."""
        relay, images = self._relay, self._deps.images
        if converts(channel, relay):
            await inline_parts(decoded(relay).messages, images)
        elif relay.endpoint.kind is Kind.CHAT and relay.messages is None and names_images(relay.body.raw):
            messages = relay.body.any("messages")
            if await inline_images(messages, images):
                relay.messages = messages
        elif (painter := painter_of(channel, relay)) is not None:
            relay.pictures = await picture_request(relay, painter, self._deps.uploads.limiter)

    async def _before_end(self, prepared: Prepared) -> None:
        """Do what must be done before the client learns that its answer is over: it may come back at once."""
        relay = self._relay
        relay.note_dropped(prepared.exchange.dropped)
        if not relay.client.started:
            relay.client.tell_dropped(relay.dropped)
        if prepared.signed:
            await self._deps.signatures.keep(relay.caller.user.id, prepared.signed)

    async def _complete(self, unfetched: Unfetched) -> bytes:
        return await fetched(unfetched, self._deps.images, self._deps.uploads.limiter)

    def _next_key(self, channel: ChannelView) -> ChannelView | None:
        """Return `channel` with another of its keys, if one may be used and the request has not tried too many."""
        tried = self._relay.tried_keys
        if sum(one.key_id in tried for one in channel.ring) >= MOST_KEYS:
            return None
        found = self._deps.registry.keys.take(channel, self._relay.model, now=time.time(), tried=tried)
        return found if found is not None and self._deps.budget.try_withdraw() else None

    def _next(self, error: UpstreamFailed) -> ChannelView | None:
        """Return the channel for another attempt, within the plan that the first failure made and the budget."""
        relay = self._relay
        if self._plan is None:
            others = len(relay.snapshot.candidates(relay.group, relay.model)) - 1
            times = relay.snapshot.options.integer("RetryTimes")
            self._plan = plan_after(error, retry_times=times, other_channels=others)
        elif plan_after(error, retry_times=1, other_channels=1).further == 0:
            # The client's own mistake, found by a later channel: no other will like it better.
            return None
        if len(relay.failed) > self._plan.further or not self._deps.budget.try_withdraw():
            return None
        return self.choose(self._plan.prefer)

    def _told(self, error: UpstreamFailed) -> UpstreamFailed:
        """After 429s everywhere the client is told what that means for it."""
        if error.status == 429:
            tried = len(self._relay.failed)
            error.message = (
                "The current group load is saturated, please try again later"
                if tried == 1
                else f"All available channels ({tried}) for this model are currently rate limited, "
                "please try again later"
            )
        return error
