"""What anybody may know of models and services: whether they can be used now, and how often they failed by day.

Models under their own names, and channels only under names that the operator chose for the public: which channels
there are, what they answer and when they were tested, is the operator's business.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gateway.traffic.figures import Span, series
from storage.records import ChannelStatus
from storage.repositories.uptime import DAY_S, failed_attempts_by_day, failures_by_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services

DAYS: Final = 90
State = Literal["up", "paused", "down"]
# Visitors come in crowds just when something is down; they all get the same answer for so long.
_KEPT_S: Final = 30.0
_MOST_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day in UTC: requests that were answered and that failed."""

    start: int
    answered: int = 0
    failed: int = 0

    @property
    def share(self) -> float | None:
        """The share that was answered, `None` without any request."""
        whole = self.answered + self.failed
        return self.answered / whole if whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One model, or a service: `paused` means that all its channels are left alone for a moment after failures."""

    model: str
    """The name that is shown."""
    state: State
    days: Sequence[Day]

    @property
    def share(self) -> float | None:
        """The share that was answered in all days together."""
        return Day(
            start=0, answered=sum(day.answered for day in self.days), failed=sum(day.failed for day in self.days)
        ).share

    @property
    def worst(self) -> Day | None:
        """The worst day, if any request failed."""
        bad = [day for day in self.days if day.failed]
        return min(bad, key=lambda day: (day.share or 0.0, -day.failed), default=None)


class Uptime:
    """Answers for pages; made once for each application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[tuple[str, ...], tuple[float, list[ModelStatus]]] = {}

    def models(self, group: str) -> list[str]:
        """Return the models that a group has, or would have if their channels were on."""
        channels = self._services.registry.current.channels.values()
        return sorted({model for channel in channels if group in channel.groups for model in channel.models})

    async def look(self, group: str, models: Sequence[str]) -> list[ModelStatus]:
        """Return how these models are, in their order."""
        key = (group, *models)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = await self._look(group, models)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + _KEPT_S, found)
        return found

    async def services(self) -> list[ModelStatus]:
        """Return how the channels with public names are, by name; several of one name are one service."""
        options = self._services.registry.current.options
        names = {f"#{channel}": name for channel, name in options.public_names().items()}
        key = ("services", *names, *names.values())
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = await self._look_at_services(options.public_names())
        self._kept[key] = (time.monotonic() + _KEPT_S, found)
        return found

    async def _look_at_services(self, names: Mapping[int, str]) -> list[ModelStatus]:
        services = self._services
        known = services.registry.current.channels
        names = {channel: name for channel, name in names.items() if channel in known}
        since, edges = _days()
        keys = [str(channel) for channel in names]
        answered = await series(services, Span(since=since, until=edges[-1], edges=edges), by="channel", keys=keys)
        failed: dict[tuple[int, int], int] = {}
        if names:
            failed = await services.database.read(
                lambda conn: failed_attempts_by_day(conn, list(names), since_s=since)
            )
        found = []
        for name in sorted(set(names.values())):
            members = [channel for channel, its in names.items() if its == name]
            days = [
                Day(
                    start=start,
                    answered=sum(answered[str(c)][number].requests for c in members if str(c) in answered),
                    failed=sum(failed.get((c, start), 0) for c in members),
                )
                for number, start in enumerate(edges[:-1])
            ]
            found.append(ModelStatus(model=name, state=self._state_of([known[c] for c in members]), days=days))
        return found

    def _state_of(self, channels: Sequence[ChannelView]) -> State:
        on = [channel for channel in channels if channel.status == ChannelStatus.ENABLED]
        if not on:
            return "down"
        return "up" if any(self._has_any(channel) for channel in on) else "paused"

    def _has_any(self, channel: ChannelView) -> bool:
        """Whether anything of a channel is tried; one without models is, for want of anything that is not."""
        pairs = [(group, model) for group in channel.groups for model in channel.models]
        return not pairs or any(self._is_tried(group, model, channel) for group, model in pairs)

    async def _look(self, group: str, models: Sequence[str]) -> list[ModelStatus]:
        services = self._services
        since, edges = _days()
        answered = await series(services, Span(since=since, until=edges[-1], edges=edges), by="model", keys=models)
        failed = await services.database.read(lambda conn: failures_by_day(conn, models, since_s=since))
        found = []
        for model in models:
            sums = answered.get(model)
            days = [
                Day(
                    start=start,
                    answered=sums[number].requests if sums else 0,
                    failed=failed.get((model, start), 0),
                )
                for number, start in enumerate(edges[:-1])
            ]
            found.append(ModelStatus(model=model, state=self._state(group, model), days=days))
        return found

    def _state(self, group: str, model: str) -> State:
        serving = self._services.registry.current.candidates(group, model)
        if not serving:
            return "down"
        return "up" if any(self._is_tried(group, model, channel) for channel in serving) else "paused"

    def _is_tried(self, group: str, model: str, channel: ChannelView) -> bool:
        return self._services.registry.suspensions.until(group, model, channel.id) <= time.time()


def _days() -> tuple[int, list[int]]:
    """Return when the first day begins, and the edges of all of them."""
    since = int(time.time()) // DAY_S * DAY_S - (DAYS - 1) * DAY_S
    return since, [since + number * DAY_S for number in range(DAYS + 1)]
