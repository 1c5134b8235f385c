"""How channels have done lately: what they answered and failed at, and what they are left alone for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.repositories import channel_traffic, requests
from storage.repositories.steps import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.registry.suspensions import Suspension
    from gateway.services import Services
    from storage.repositories.requests import FailedAttempt

HALF_HOUR_S = 1800
BARS = 48


@dataclass(frozen=True, slots=True)
class Slice:
    """One bucket of a channel's last day."""

    start: int
    answered: int
    failed: int

    @property
    def share(self) -> float | None:
        """What part was answered; `None` without any traffic."""
        total = self.answered + self.failed
        return self.answered / total if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """A channel's last day. `slices` oldest first; `p95_ms`: nineteen of twenty requests had content by then."""

    slices: Sequence[Slice]
    p95_ms: float | None = None

    @property
    def answered(self) -> int:
        """How many requests it answered."""
        return sum(part.answered for part in self.slices)

    @property
    def failed(self) -> int:
        """How many attempts came to nothing."""
        return sum(part.failed for part in self.slices)

    @property
    def share(self) -> float | None:
        """What part of its attempts was answered; `None` without any."""
        total = self.answered + self.failed
        return self.answered / total if total else None


async def last_day(
    services: Services, channel_ids: Sequence[int], *, step: int = HALF_HOUR_S, bars: int = BARS
) -> dict[int, Doing]:
    """Return how some channels did over the last `bars` buckets of `step` seconds, the running one included."""
    until = -(-int(time.time()) // step) * step
    since = until - bars * step
    wanted = list(channel_ids)
    if not wanted:
        return {}

    def work(
        conn: Connection,
    ) -> tuple[channel_traffic.Counts, channel_traffic.Counts, dict[int, dict[int, int]]]:
        return (
            channel_traffic.answered(conn, channels=wanted, since=since, until=until, step=step),
            channel_traffic.failed(conn, channels=wanted, since=since, until=until, step=step),
            channel_traffic.waits(conn, channels=wanted, since=since, until=until),
        )

    answered, failed, waits = await services.database.read(work)
    return {
        channel: Doing(
            slices=[
                Slice(since + bar * step, answered.get((channel, bar), 0), failed.get((channel, bar), 0))
                for bar in range(bars)
            ],
            p95_ms=percentile(waits.get(channel, {}), 0.95),
        )
        for channel in wanted
    }


async def last_failures(services: Services, channel_id: int, *, limit: int = 20) -> list[FailedAttempt]:
    """Return the newest attempts at which a channel failed."""
    return await services.database.read(lambda conn: requests.failures_of_channel(conn, channel_id, limit))


def suspensions_of(services: Services, channel_id: int) -> list[Suspension]:
    """Return for which groups and models a channel is left alone, the shortest first."""
    active = services.registry.suspensions.active(time.time())
    return [suspension for suspension in active if suspension.channel_id == channel_id]
