"""What becomes of channels that fail: suspensions, automatic disabling, success rates.

Effects are decided at once and carried out by an owned task, so that a client never waits for the book-keeping
of a failure. What does not fit its buffer is dropped: the next failure will say the same.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING

import trio

from gateway.registry.suspensions import Suspension
from gateway.relay.retry import Suspend, effect_of
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


class ChannelHealth:
    """Keeps count of how channels do, and acts on it."""

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

    def failed(self, channel: ChannelView, *, group: str, model: str, error: UpstreamFailed) -> None:
        """Note a failure of `channel`. Suspends at once in this process; the rest follows."""
        effect = effect_of(error)
        seconds: float = self._seconds.get(effect.suspend, 0)
        if effect.suspend is Suspend.RATE_LIMIT and error.retry_after_s is not None:
            seconds = min(max(seconds, error.retry_after_s), LONGEST_SUSPENSION_S)
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
        self._rate(channel, succeeded=False)

    def succeeded(self, channel: ChannelView) -> None:
        """Note a success of `channel`."""
        self._rate(channel, succeeded=True)

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
