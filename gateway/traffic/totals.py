"""What a filter of the log comes to: sums, percentiles, and how it spreads over time.

From the sums of hours and days where they can answer, which is for the whole log and for one user, model or channel;
else from every row that fits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.traffic import figures
from gateway.traffic.log import asked_by, for_actor
from gateway.traffic.sources import Places, Span, fine, rolled
from storage.records import LogType
from storage.repositories import log_sums, usage_rolled
from storage.repositories.log_asked import Asked
from storage.repositories.log_sums import Total
from storage.repositories.steps import percentile
from storage.repositories.usage import DAY, HOUR, Buckets, Only, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import User

RECENT_S = 7 * DAY
"""What is slow is judged by the requests of this long."""
_NOTHING = Sums()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over a filter. Percentiles in milliseconds, `None` where nothing was measured."""

    requests: int = 0
    """Charged or not."""
    failed: int = 0
    """Of them, whosever fault it was."""
    left: int = 0
    """Whose clients went before the end, or that somebody ended."""
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    first_ms: tuple[float | None, float | None] = (None, None)
    """The middle, and what nineteen of twenty stay below."""
    took_ms: tuple[float | None, float | None] = (None, None)


async def sum_up(services: Services, actor: User, asked: Asked) -> Totals:
    """Return what all that is asked for comes to."""
    asked = await asked_by(services, actor, asked)
    if asked.fits_nothing:
        return Totals()
    only = _plain(asked)
    if only is not None:
        return await _from_figures(services, asked, only)
    return await _from_rows(services, asked)


async def spread(
    services: Services, actor: User, asked: Asked, edges: Sequence[int]
) -> tuple[list[Sums], list[Mapping[str, int]]]:
    """Return charged requests and failures by bucket, as `figures.series` and `figures.failures` do."""
    asked = await asked_by(services, actor, asked)
    asked = replace(asked, since=max(asked.since, edges[0]), until=asked.until or edges[-1])
    number = len(edges) - 1
    if asked.fits_nothing:
        return [_NOTHING] * number, [{} for _ in range(number)]
    only = _plain(asked)
    if only is not None:
        span = Span(since=asked.since, until=asked.until, edges=edges, only=only)
        charged = (await figures.series(services, span)).get("", [_NOTHING] * number)
        _whole, failed = await figures.failures(services, span)
        return charged, list(failed)
    return await _spread_of_rows(services, asked, edges)


async def slow_ms(services: Services, actor: User) -> int | None:
    """Return what nineteen of twenty requests of the last days stay below; `None` when there were none."""
    now = int(time.time())
    only = Only() if for_actor(actor, Asked()).user_id is None else Only(user_id=actor.id)
    # Whole hours, which the sums of hours have.
    span = Span(since=now - now % HOUR - RECENT_S, until=now + 1, only=only)
    (_middle, most), _parts = await figures.durations(services, span)
    return None if most is None else int(most)


async def begin_of(services: Services) -> int:
    """Return when the first charge of the log was noted, in Unix seconds; 0 when there is none."""
    return await services.log_database.read(usage_rolled.first_charge)


def _plain(asked: Asked) -> Only | None:
    """Return what is asked as figures know it, `None` when they do not."""
    kept = Asked(
        type=asked.type, user_id=asked.user_id, token_name=asked.token_name,
        model=asked.model, channel_id=asked.channel_id, since=asked.since, until=asked.until,
    )  # fmt: skip
    if asked != kept or asked.type not in (0, LogType.CONSUME):
        return None
    return Only(
        user_id=asked.user_id or 0, token_name=asked.token_name, model=asked.model, channel_id=asked.channel_id
    )


async def _from_figures(services: Services, asked: Asked, only: Only) -> Totals:
    now = int(time.time()) + 1
    since = asked.since or await begin_of(services) or now - 1
    # From a whole day on, so that the sums of days and hours answer for nearly all of it.
    span = Span(since=asked.since or since - since % DAY, until=asked.until or now, only=only)
    span = replace(span, rolled=await rolled(services))
    charged = (await figures.totals(services, span, by="")).get("", _NOTHING)
    counted = await figures.counted(services, span, ("outcome", "first", "took", "flow"))
    failed, _buckets = counted.failures()
    waited, _waits = counted.waits("first")
    took, _parts = counted.waits("all")
    lost = failed.get("client", 0) + failed.get("upstream", 0)
    left = failed.get("left", 0)
    return Totals(
        requests=charged.requests + lost + left - failed.get("logged", 0),
        failed=lost,
        left=left,
        units=charged.units,
        prompt_tokens=charged.prompt_tokens,
        completion_tokens=charged.completion_tokens,
        cached_tokens=charged.cached_tokens,
        first_ms=(waited[0], waited[1]),
        took_ms=(took[0], took[1]),
    )


async def _from_rows(services: Services, asked: Asked) -> Totals:
    def of_requests(conn: Connection) -> tuple[Total, log_sums.Steps, log_sums.Steps, Mapping[str, int]]:
        if not asked.only_requests and not asked.wants_failures:
            return Total(), {}, {}, {}
        total, took, first = log_sums.total_of_requests(conn, asked, uncharged=not asked.only_requests)
        faults = log_sums.requests_by_bucket(conn, asked, Buckets(0, 2**40), failed=True)
        return total, took, first, faults.get(0, {})

    total, took, first, faults = await services.database.read(of_requests)
    if not asked.only_requests:
        charged, charged_took = await services.log_database.read(lambda conn: log_sums.total_of_log(conn, asked))
        # What failed without a charge has no place among the times of what was charged.
        total, took = charged + Total(requests=total.requests), charged_took
    return Totals(
        requests=total.requests,
        failed=faults.get("client", 0) + faults.get("upstream", 0),
        left=faults.get("left", 0),
        units=total.units,
        prompt_tokens=total.prompt_tokens,
        completion_tokens=total.completion_tokens,
        cached_tokens=total.cached_tokens,
        first_ms=(percentile(first, 0.5), percentile(first, 0.95)),
        took_ms=(percentile(took, 0.5), percentile(took, 0.95)),
    )


async def _spread_of_rows(
    services: Services, asked: Asked, edges: Sequence[int]
) -> tuple[list[Sums], list[Mapping[str, int]]]:
    buckets = fine(edges)
    place = Places(edges)
    charged = [0] * (len(edges) - 1)
    failed: list[dict[str, int]] = [{} for _ in charged]
    found: Mapping[int, Mapping[str, int]] = {}
    if asked.only_requests or asked.wants_failures:
        found = await services.database.read(
            lambda conn: log_sums.requests_by_bucket(conn, asked, buckets, failed=not asked.only_requests)
        )
    for number, cell in found.items():
        at = place[number]
        for word, count in cell.items():
            if word == "ok":
                charged[at] += count
            else:
                failed[at][word] = failed[at].get(word, 0) + count
                charged[at] += count if word == "logged" and asked.only_requests else 0
    if not asked.only_requests:
        counted = await services.log_database.read(lambda conn: log_sums.logs_by_bucket(conn, asked, buckets))
        for number, count in counted.items():
            charged[place[number]] += count
    return [Sums(requests=count) for count in charged], list(failed)
