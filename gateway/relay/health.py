"""What becomes of channels that fail: suspensions, automatic disabling, success rates.

Effects are decided at once and carried out by an owned task, so that a client never waits for the book-keeping
of a failure. What does not fit its buffer is dropped: the next failure will say the same.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import trio

from gateway.observe.redact import MASK
from gateway.registry.key_states import KeyFailure
from gateway.registry.suspensions import Suspension
from gateway.relay.retry import Effect, Suspend, effect_of
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.config.settings import Settings
    from gateway.notify.types import Notifier
    from gateway.observe.types import Journal
    from gateway.registry.registry import Registry
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.errors import UpstreamFailed

# One entry per failure of the moment; a burst of failures beyond this repeats what is already queued.
BUFFERED = 1024
# A provider may ask for patience, not for eternity.
LONGEST_SUSPENSION_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a channel that failed, and of its key where it has several. In seconds."""

    rests_s: float = 0.0
    key_rests_s: float = 0.0
    key_is_bad: bool = False
    has_keys: bool = False
    """The key alone was at fault, and there are others that may be used."""


class Health(Protocol):
    """What a relay tells of its channels."""

    def failed(self, channel: ChannelView, *, group: str, model: str, error: UpstreamFailed) -> Fate:
        """Note that `channel` failed, and return what becomes of it. Never waits."""

    def succeeded(self, channel: ChannelView) -> None:
        """Note a success of `channel`. Never waits."""


class ChannelHealth:
    """Keeps count of how channels do, and acts on it. Implements `Health`."""

    name = "channel-health"

    def __init__(
        self, *, registry: Registry, settings: Settings, journal: Journal, notifier: Notifier | None = None
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._notifier = notifier
        self._seconds = {
            Suspend.RATE_LIMIT: settings.channel_suspend_seconds_for_429,
            Suspend.SERVER: settings.channel_suspend_seconds_for_5xx,
            Suspend.ACCOUNT: settings.channel_suspend_seconds_for_auth,
        }
        self._watches_rate = settings.enable_metric
        self._lowest_rate = settings.metric_success_rate_threshold
        self._recent: defaultdict[int, deque[bool]] = defaultdict(lambda: deque(maxlen=settings.metric_queue_size))
        self._send, self._receive = trio.open_memory_channel[tuple[str, "Callable[[], Awaitable[None]]"]](BUFFERED)

    def failed(self, channel: ChannelView, *, group: str, model: str, error: UpstreamFailed) -> Fate:
        """Note a failure of `channel`. Suspends at once in this process; the rest follows.

        What is the fault of one of several keys befalls that key, and the channel only when no other may be used.
        """
        effect = effect_of(error)
        seconds: float = self._seconds.get(effect.suspend, 0)
        if effect.suspend is Suspend.RATE_LIMIT and error.retry_after_s is not None:
            seconds = min(max(seconds, error.retry_after_s), LONGEST_SUSPENSION_S)
        if channel.key_id and (effect.may_disable or effect.suspend in (Suspend.RATE_LIMIT, Suspend.ACCOUNT)):
            return self._key_failed(channel, effect, max(seconds, 0.0), group=group, model=model, error=error)
        self._befall(channel, effect, seconds, group=group, model=model, error=error)
        return Fate(rests_s=max(seconds, 0.0))

    def _key_failed(
        self, channel: ChannelView, effect: Effect, seconds: float, *, group: str, model: str, error: UpstreamFailed
    ) -> Fate:
        now, is_bad = time.time(), effect.may_disable
        until = 0.0 if is_bad else now + seconds
        failure = KeyFailure(
            key_id=channel.key_id,
            channel_id=channel.id,
            model=model,
            until=until,
            bad=is_bad,
            status=error.status,
            # Some providers repeat the key.
            error=error.message.replace(channel.key, MASK),
        )
        keys = self._registry.keys
        was_bad = keys.is_bad(channel.key_id)
        keys.add(failure, now=now)
        self._later("note a key of", lambda: self._keep_failure(failure))
        if not (is_bad and was_bad):
            fate = "is refused, and left out" if is_bad else f"rests {seconds:.0f} s for {model}"
            self._journal.event(
                "error" if is_bad else "warning",
                "channel.key_refused" if is_bad else "channel.key_rests",
                f"{channel.label}: the key {channel.key_name} {fate}: {error.message}",
                channel=channel.id,
                which=channel.key_name,
                model=model,
                status=error.status,
                seconds=0.0 if is_bad else seconds,
            )
        fate_of_key = Fate(key_rests_s=0.0 if is_bad else seconds, key_is_bad=is_bad)
        whole = self._registry.current.channels.get(channel.id)
        back_at = keys.back_at(whole, model) if whole is not None else None
        if back_at is None:
            # No good key is left: what would befall a channel with one key befalls this one.
            self._befall(channel, effect, seconds, group=group, model=model, error=error)
            return replace(fate_of_key, rests_s=seconds)
        if back_at <= now:
            return replace(fate_of_key, has_keys=True)
        waits = back_at - now
        self._befall(channel, Effect(effect.suspend, may_disable=False), waits, group=group, model=model, error=error)
        return replace(fate_of_key, rests_s=waits)

    async def _keep_failure(self, failure: KeyFailure) -> None:
        await self._registry.fail_key(failure)

    def _befall(
        self, channel: ChannelView, effect: Effect, seconds: float, *, group: str, model: str, error: UpstreamFailed
    ) -> None:
        self._rate(channel, succeeded=False)
        if seconds > 0:
            now = time.time()
            suspension = Suspension(group, model, channel.id, now + seconds)
            self._registry.suspensions.add(suspension, now=now)
            self._later("suspend", lambda: self._registry.suspend(suspension))
            self._journal.event(
                "warning",
                "channel.suspended",
                f"{channel.label} rests {seconds:.0f} s for {group}/{model}: {error.message}",
                channel=channel.id,
                group=group,
                model=model,
                status=error.status,
                seconds=seconds,
            )
        if effect.may_disable and self._registry.current.options.flag("AutomaticDisableChannelEnabled"):
            self._later("disable", lambda: self._disable(channel, error.message))

    def succeeded(self, channel: ChannelView) -> None:
        """Note a success of `channel`."""
        self._rate(channel, succeeded=True)
        if channel.key_id and self._registry.keys.is_bad(channel.key_id):
            self._later("clear a key of", lambda: self._registry.use_key(channel.id, channel.key_id))

    def _rate(self, channel: ChannelView, *, succeeded: bool) -> None:
        if not self._watches_rate:
            return
        recent = self._recent[channel.id]
        recent.append(succeeded)
        rate = sum(recent) / len(recent)
        if len(recent) == recent.maxlen and rate < self._lowest_rate:
            recent.clear()
            self._later("disable", lambda: self._disable(channel, f"success rate {rate:.0%}"))

    def _later(self, what: str, action: Callable[[], Awaitable[None]]) -> None:
        try:
            self._send.send_nowait((what, action))
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            self._journal.event("warning", "health.dropped", f"could not {what} a channel: too much at once")

    async def _disable(self, channel: ChannelView, why: str) -> None:
        if await self._registry.auto_disable(channel.id, why):
            text = f"{channel.label} was switched off: {why}"
            self._journal.event("error", "channel.disabled", text, channel=channel.id)
            if self._notifier is not None:
                self._notifier.tell_root(f"channel {channel.label} was switched off", text)

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Carry effects out, one after another, until closed."""
        task_status.started()
        async for what, action in self._receive:
            try:
                await action()
            except StorageError as error:
                self._journal.event("warning", "health.unstored", f"could not {what} a channel: {error}")

    async def aclose(self) -> None:
        """Let what is queued be carried out; `run` ends then."""
        await self._send.aclose()
