"""What somebody should look at: channels that are off or fail, models that nobody serves, accounts that run dry."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.traffic.figures import Span, totals
from storage.records import ChannelStatus
from storage.repositories import channel_traffic, upkeep_counts, users
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.registry.suspensions import Suspension
    from gateway.services import Services

HOUR_S, DAY_S = 3600, 86_400
# Fewer attempts say nothing.
LEAST_ATTEMPTS = 10
WORST_SHARE = 0.2
SOON_S = 48 * HOUR_S
_SPENDERS = 20
_STALE_MS = HOUR_S * 1000


@dataclass(frozen=True, slots=True)
class NamedChannel:
    """A channel."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that failed at a good part of what it was asked in the last hour."""

    channel: NamedChannel
    failed: int
    attempts: int


@dataclass(frozen=True, slots=True)
class RunningDry:
    """An account whose balance lasts for `seconds` more if it goes on spending as in the last day."""

    user_id: int
    username: str
    units: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """All of it; most often empty."""

    switched_off: Sequence[NamedChannel] = ()
    suspended: Sequence[tuple[NamedChannel, Sequence[Suspension]]] = ()
    """By channel; the shortest suspension first."""
    unserved: Sequence[str] = ()
    """Models that only channels have that are off."""
    failing: Sequence[Failing] = ()
    running_dry: Sequence[RunningDry] = ()
    stale_reservations: int = 0
    parked: int = 0
    """Settlements that the database refused."""
    now: float = field(default_factory=time.time)

    @property
    def is_empty(self) -> bool:
        """Whether all is well."""
        return not (
            self.switched_off
            or self.suspended
            or self.unserved
            or self.failing
            or self.running_dry
            or self.stale_reservations
            or self.parked
        )


async def look(services: Services) -> Attention:
    """Return what needs attention now."""
    now = time.time()
    views = services.registry.current.channels
    by_channel: dict[int, list[Suspension]] = defaultdict(list)
    for suspension in services.registry.suspensions.active(now):
        by_channel[suspension.channel_id].append(suspension)

    def named(number: int) -> NamedChannel:
        view = views.get(number)
        return NamedChannel(number, view.name if view is not None and view.name else f"#{number}")

    until = int(now) + 1

    def work(conn: Connection) -> tuple[channel_traffic.Counts, channel_traffic.Counts, int, int]:
        span = {"channels": None, "since": until - HOUR_S, "until": until, "step": HOUR_S}
        failed = channel_traffic.failed(conn, **span)  # type: ignore[arg-type]
        answered = channel_traffic.answered(conn, **span) if failed else {}  # type: ignore[arg-type]
        stale = upkeep_counts.reservations_older_than(conn, int(now * 1000) - _STALE_MS)
        return answered, failed, stale, upkeep_counts.parked(conn)

    answered, failed, stale, parked = await services.database.read(work)
    failing = [
        Failing(named(channel), count, count + answered.get((channel, bar), 0))
        for (channel, bar), count in failed.items()
        if count + answered.get((channel, bar), 0) >= LEAST_ATTEMPTS
        and count / (count + answered.get((channel, bar), 0)) >= WORST_SHARE
    ]
    return Attention(
        switched_off=[named(view.id) for view in views.values() if view.status == ChannelStatus.AUTO_DISABLED],
        suspended=[(named(channel), found) for channel, found in by_channel.items() if channel in views],
        unserved=_unserved(services),
        failing=sorted(failing, key=lambda one: -one.failed / one.attempts),
        running_dry=await _running_dry(services, until),
        stale_reservations=stale,
        parked=parked,
        now=now,
    )


def _unserved(services: Services) -> list[str]:
    snapshot = services.registry.current
    served = {model for _group, model in snapshot.serving}
    named = {model for view in snapshot.channels.values() for model in view.models}
    return sorted(named - served)


async def _running_dry(services: Services, until: int) -> list[RunningDry]:
    spent = await totals(services, Span(since=until - DAY_S, until=until), by="user")
    top = sorted(spent.items(), key=lambda item: -item[1].units)[:_SPENDERS]
    rates = {number: sums.units / DAY_S for key, sums in top if (number := as_id(key)) and sums.units > 0}
    people = await services.database.read(lambda conn: users.by_ids(conn, list(rates)))
    found = [
        RunningDry(person.id, person.username, person.quota, max(person.quota, 0) / rates[person.id])
        for person in people
        if person.quota / rates[person.id] < SOON_S
    ]
    return sorted(found, key=lambda one: one.seconds)
