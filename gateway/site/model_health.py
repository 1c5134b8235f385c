"""How models did of late, for a list of them: from the sums of hours and the requests that failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from gateway.site.uptime import Day
from gateway.traffic.figures import Span, series
from storage.repositories.uptime import DAY_S, failures_by_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.services import Services

DAYS: Final = 7
# A list is looked at, filtered and sorted many times within a minute.
_KEPT_S: Final = 30.0
_MOST_KEPT: Final = 200


class ModelHealth:
    """Answers for pages; made once for each application."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept: dict[tuple[str, ...], tuple[float, Mapping[str, Sequence[Day]]]] = {}

    async def look(self, models: Sequence[str]) -> Mapping[str, Sequence[Day]]:
        """Return the last days of some models, the oldest day first."""
        key = tuple(models)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = await self._look(models)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + _KEPT_S, found)
        return found

    async def _look(self, models: Sequence[str]) -> Mapping[str, Sequence[Day]]:
        if not models:
            return {}
        services = self._services
        since = int(time.time()) // DAY_S * DAY_S - (DAYS - 1) * DAY_S
        edges = [since + number * DAY_S for number in range(DAYS + 1)]
        answered = await series(services, Span(since=since, until=edges[-1], edges=edges), by="model", keys=models)
        failed = await services.database.read(lambda conn: failures_by_day(conn, models, since_s=since))
        return {
            model: [
                Day(
                    start=start,
                    answered=answered[model][number].requests if model in answered else 0,
                    failed=failed.get((model, start), 0),
                )
                for number, start in enumerate(edges[:-1])
            ]
            for model in models
        }


def share_of(days: Sequence[Day]) -> float | None:
    """Return the share of requests that was answered, `None` without any."""
    return Day(start=0, answered=sum(day.answered for day in days), failed=sum(day.failed for day in days)).share
