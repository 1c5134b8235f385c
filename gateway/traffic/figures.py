"""Use, cost, failures and waiting times of any span: from the sums of hours and days as far as they reach, else from
the log itself, so that every figure is exact at every moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from storage.repositories import usage, usage_rolled
from storage.repositories.steps import percentile
from storage.repositories.usage import DAY, HOUR, HOURLY, KINDS, Buckets, Cells, Only, Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.database import Database

Percentiles = tuple[float | None, float | None]
"""The middle, and what nineteen of twenty stay below, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` to before `until` (Unix seconds). `edges`: where buckets begin, and where the last one ends."""

    since: int
    until: int
    edges: Sequence[int] = ()
    only: Only = Only()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class _Part:
    source: Literal["log", "hours", "days"]
    since: int
    until: int


async def totals(services: Services, span: Span, *, by: str) -> dict[str, Sums]:
    """Return sums by one of `usage.KINDS`, or with an empty `by` all together under an empty key."""
    cells = await _charged(services, span, by=by, buckets=Buckets(), keys=None, whole_days=True)
    return {key: sums for (_, key), sums in cells.items()}


async def series(
    services: Services, span: Span, *, by: str = "", keys: Sequence[str] | None = None
) -> dict[str, list[Sums]]:
    """Return sums by key and bucket; with `keys` only theirs."""
    if keys is not None and not keys:
        return {}
    cells = await _charged(services, span, by=by, buckets=_fine(span.edges), keys=keys, whole_days=False)
    found: dict[str, list[Sums]] = defaultdict(lambda: [Sums()] * (len(span.edges) - 1))
    place = _Places(span.edges)
    wanted = None if keys is None else frozenset(keys)
    for (number, key), sums in cells.items():
        if wanted is None or key in wanted:
            found[key][place[number]] += sums
    return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """The largest parts of something over time, what is left, and all of it."""

    parts: Mapping[str, list[Sums]]
    """Largest first."""
    other: list[Sums]
    whole: list[Sums]
    totals: Mapping[str, Sums]
    """Of all keys, largest first."""


async def stacked(services: Services, span: Span, *, by: str, measure: str = "units", most: int = 7) -> Stacked:
    """Return how parts of use moved: the `most` largest by `measure`, a member of `Sums`, and the others as one."""
    whole_of = await totals(services, span, by=by)
    ranked = dict(sorted(whole_of.items(), key=lambda item: (-getattr(item[1], measure), item[0])))
    top = list(ranked)[:most]
    if len(ranked) <= most:
        # No others: the whole is the sum of its parts.
        parts = await series(services, span, by=by, keys=top)
        whole = [Sums()] * (len(span.edges) - 1)
        for values in parts.values():
            whole = [left + right for left, right in zip(whole, values, strict=True)]
    else:
        parts = await series(services, span, by=by, keys=top)
        whole = (await series(services, span)).get("", [Sums()] * (len(span.edges) - 1))
    empty = [Sums()] * (len(span.edges) - 1)
    found = {key: parts.get(key, empty) for key in top}
    other = list(whole)
    for values in found.values():
        other = [left - right for left, right in zip(other, values, strict=True)]
    return Stacked(parts=found, other=other, whole=whole, totals=ranked)


async def failed_attempts(services: Services, span: Span) -> dict[str, list[int]]:
    """Return failed attempts by kind and bucket, whether or not another channel saved the request."""
    buckets = _fine(span.edges)
    cells = await services.database.read(
        lambda conn: usage.attempts_by_kind(
            conn, since=span.since, until=span.until, buckets=buckets, channel_id=span.only.channel_id
        )
    )
    found: dict[str, list[int]] = defaultdict(lambda: [0] * (len(span.edges) - 1))
    place = _Places(span.edges)
    for (number, kind), sums in cells.items():
        found[kind][place[number]] += sums.requests
    return dict(found)


async def failures(services: Services, span: Span) -> tuple[dict[str, int], list[dict[str, int]]]:
    """Return how many requests failed, by `left`, `client`, `upstream` and `logged`, in all and by bucket."""
    cells = await _remembered(services, span, kind="outcome", read=usage.failures)
    return _counts(cells), [_counts(part) for part in _by_bucket(cells, span.edges)]


async def first_content(services: Services, span: Span) -> tuple[Percentiles, list[Percentiles]]:
    """Return how long requests waited for their first content, in all and by bucket."""
    cells = await _remembered(services, span, kind="first", read=usage.first_steps)
    return _percentiles(cells), [_percentiles(part) for part in _by_bucket(cells, span.edges)]


async def durations(services: Services, span: Span) -> tuple[Percentiles, list[Percentiles]]:
    """Return how long charged requests took, in all and by bucket."""
    cells = await _stepped(services, span, kind="took", database=services.log_database, read=usage.steps_from_log)
    return _percentiles(cells), [_percentiles(part) for part in _by_bucket(cells, span.edges)]


# --- where it comes from ---------------------------------------------------------------------------------


async def _charged(
    services: Services, span: Span, *, by: str, buckets: Buckets, keys: Sequence[str] | None, whole_days: bool
) -> Cells:
    kind, wanted = _kind(span.only, by)
    parts = await _parts(services, span, buckets, kind=kind, whole_days=whole_days)
    logged = [part for part in parts if part.source == "log"]
    rolled = [part for part in parts if part.source != "log"]

    def from_log(conn: Connection) -> list[Cells]:
        return [
            usage.from_log(
                conn, by=by, since=part.since, until=part.until, buckets=buckets, only=span.only, keys=keys
            )
            for part in logged
        ]

    def from_sums(conn: Connection) -> list[Cells]:
        chosen = wanted if wanted is not None else keys
        return [_rolled(conn, part, kind, buckets, chosen) for part in rolled]

    found = await services.log_database.read(from_log) if logged else []
    if rolled:
        for cells in await services.database.read(from_sums):
            # One key that was chosen by a filter is all there is.
            found.append(cells if wanted is None else {(number, ""): sums for (number, _), sums in cells.items()})
    return _together(found)


def _rolled(conn: Connection, part: _Part, kind: str, buckets: Buckets, keys: Sequence[str] | None) -> Cells:
    if part.source == "days":
        return usage_rolled.from_days(conn, kind=kind, since=part.since, until=part.until, keys=keys)
    return usage_rolled.from_hours(conn, kind=kind, since=part.since, until=part.until, buckets=buckets, keys=keys)


def _kind(only: Only, by: str) -> tuple[str, list[str] | None]:
    """Return which sums answer a question, and for which keys; an empty kind: only the log does."""
    if only.is_everything:
        return by or "all", None
    if by:
        return "", None
    named = [name for name in ("user_id", "token_name", "model", "channel_id") if getattr(only, name)]
    if named == ["user_id"]:
        return "user", [str(only.user_id)]
    if named == ["user_id", "token_name"]:
        return "token", [f"{only.user_id}:{only.token_name}"]
    if named == ["model"]:
        return "model", [only.model]
    if named == ["channel_id"]:
        return "channel", [str(only.channel_id)]
    return "", None


async def _remembered(services: Services, span: Span, *, kind: str, read: Callable[..., Cells]) -> Cells:
    return await _stepped(services, span, kind=kind, database=services.database, read=read)


async def _stepped(
    services: Services, span: Span, *, kind: str, database: Database, read: Callable[..., Cells]
) -> Cells:
    buckets = _fine(span.edges)
    parts = await _parts(services, span, buckets, kind=kind if span.only.is_everything else "", whole_days=False)

    def from_rows(conn: Connection) -> list[Cells]:
        return [
            read(conn, since=part.since, until=part.until, buckets=buckets, only=span.only)
            for part in parts
            if part.source == "log"
        ]

    def from_sums(conn: Connection) -> list[Cells]:
        return [_rolled(conn, part, kind, buckets, None) for part in parts if part.source != "log"]

    return _together([*await database.read(from_rows), *await services.database.read(from_sums)])


async def _parts(services: Services, span: Span, buckets: Buckets, *, kind: str, whole_days: bool) -> list[_Part]:
    """Return which source answers for which part of a span; together they are all of it, once."""
    everything = [_Part("log", span.since, span.until)]
    # Sums of hours, or where there are none, of days.
    step = DAY if kind in KINDS and kind not in HOURLY else HOUR
    if not kind or span.until - span.since < 2 * step or buckets.step % HOUR or buckets.start % HOUR:
        return everything
    if step == DAY and not whole_days:
        return everything
    first, end = await services.database.read(usage_rolled.rolled_hours)
    begin, stop = _up(max(span.since, first), step), _down(min(span.until, end), step)
    if begin >= stop:
        return everything
    middle = [_Part("hours" if step == HOUR else "days", begin, stop)]
    if whole_days and step == HOUR and _up(begin, DAY) < _down(stop, DAY):
        middle = [
            _Part("hours", begin, _up(begin, DAY)),
            _Part("days", _up(begin, DAY), _down(stop, DAY)),
            _Part("hours", _down(stop, DAY), stop),
        ]
    parts = [_Part("log", span.since, begin), *middle, _Part("log", stop, span.until)]
    return [part for part in parts if part.since < part.until]


def _up(moment: int, step: int) -> int:
    return -(-moment // step) * step


def _down(moment: int, step: int) -> int:
    return moment // step * step


# --- putting it together ---------------------------------------------------------------------------------


def _fine(edges: Sequence[int]) -> Buckets:
    """Return buckets of equal length that those between the edges are made of."""
    if len(edges) < 2:
        return Buckets()
    step = edges[1] - edges[0]
    if step >= DAY - HOUR:
        # Days of a calendar, of which two a year are an hour longer or shorter.
        step = HOUR
    return Buckets(edges[0], step)


class _Places(dict[int, int]):
    """Which bucket between the edges one of `_fine` belongs to."""

    def __init__(self, edges: Sequence[int]) -> None:
        super().__init__()
        self._edges = edges
        self._fine = _fine(edges)

    def __missing__(self, number: int) -> int:
        index = bisect_right(self._edges, self._fine.start + number * self._fine.step) - 1
        place = min(max(index, 0), len(self._edges) - 2)
        self[number] = place
        return place


def _together(parts: Iterable[Cells]) -> Cells:
    whole: Cells = {}
    for cells in sorted(parts, key=len, reverse=True):
        if not whole:
            whole = dict(cells)
            continue
        for place, sums in cells.items():
            whole[place] = whole[place] + sums if place in whole else sums
    return whole


def _by_bucket(cells: Cells, edges: Sequence[int]) -> list[Cells]:
    if len(edges) < 2:
        return []
    parts: list[Cells] = [{} for _ in range(len(edges) - 1)]
    place = _Places(edges)
    for (number, key), sums in cells.items():
        part = parts[place[number]]
        part[0, key] = part[0, key] + sums if (0, key) in part else sums
    return parts


def _counts(cells: Cells) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (_, key), sums in cells.items():
        found[key] += sums.requests
    return dict(found)


def _percentiles(cells: Cells) -> Percentiles:
    counts: Mapping[int, int] = {int(key): number for key, number in _counts(cells).items()}
    return percentile(counts, 0.5), percentile(counts, 0.95)
