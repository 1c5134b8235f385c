"""Where figures come from: sums of hours and days as far as they reach, tallies of quarters of an hour where more is
asked than sums know, and the log itself for what is not summed up yet. Together they are all of a span, once, so that
every figure is exact at every moment.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from gateway.traffic.sums import charges_elsewhere
from storage.repositories import tallied, usage_rolled, usage_rows
from storage.repositories.steps import SPEEDS
from storage.repositories.tallied import SEPARATOR
from storage.repositories.usage import DAY, HOUR, LOGGED, QUARTER, Buckets, Cells, Counts, Only, Spans, Sums

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.repositories.tallies import Charge, Fate

# A longer part of the log is not joined with what is known of its requests, unless that is what is asked for.
_JOINED_S = 2 * DAY
# A shorter span is read from the log, which has it all.
_LEAST_S = 2 * HOUR
_SPANS = {"hours": HOUR, "days": DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` to before `until` (Unix seconds). `edges`: where buckets begin, and where the last one ends."""

    since: int
    until: int
    edges: Sequence[int] = ()
    only: Only = Only()  # noqa: RUF009 - frozen
    rolled: tuple[int, int] | None = None
    """What `rolled` found, so that a page with many questions asks for it once; `None`: not known yet."""


@dataclass(frozen=True, slots=True)
class _Part:
    source: Literal["log", "tallies", "hours", "days"]
    spans: Spans


async def rolled(services: Services) -> tuple[int, int]:
    """Return from when until when hours are summed up, for `Span.rolled` of several questions at once."""
    return await services.database.read(usage_rolled.rolled_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Sums of a span by one or two kinds (`model`, `user+model`; empty: all together) and bucket.

    `most`: only about so many keys of each source, the dearest: of two kinds at once there may be very many.
    """

    span: Span
    by: str
    buckets: Buckets
    keys: Sequence[str] | None = None
    most: int = 0


async def charged(services: Services, questions: Sequence[Question]) -> list[Cells]:
    """Answer questions about what was charged, in one turn where the log is in the same database."""
    known = next((one.span.rolled for one in questions if one.span.rolled is not None), None)
    hours = known if known is not None else await rolled(services)
    is_here = services.log_database is services.database

    def read(conn: Connection) -> list[list[Cells]]:
        return [_charged(conn, one, hours, is_here=is_here) for one in questions]

    found = await services.database.read(read)
    if not is_here:
        for one, cells in zip(questions, found, strict=True):
            for part in _parts_of(one, hours):
                if part.source == "log":
                    cells.append(await _from_log_elsewhere(services, part, one))
    return [together(cells) for cells in found]


def _parts_of(one: Question, hours: tuple[int, int]) -> list[_Part]:
    return _parts(one.span, hours, one.buckets, kind=_kind(one.span.only, one.by)[0])


def _charged(conn: Connection, one: Question, hours: tuple[int, int], *, is_here: bool) -> list[Cells]:
    kind, wanted = _kind(one.span.only, one.by)
    found: list[Cells] = []
    for part in _parts_of(one, hours):
        if part.source in ("hours", "days"):
            keys = wanted if wanted is not None else one.keys
            place: dict[str, Any] = {"kind": kind, "spans": part.spans, "buckets": one.buckets}
            cells = usage_rolled.read(conn, _SPANS[part.source], keys=keys, most=one.most, **place)
            if wanted is not None:
                # One key that was chosen by a filter is all there is.
                cells = {(number, ""): sums for (number, _), sums in cells.items()}
            found.append(cells)
        elif part.source == "tallies":
            found.append(tallied.read(conn, by=one.by, keys=one.keys, most=one.most, **_place(part, one)))
        elif is_here:
            is_plain = _length(part) > _JOINED_S and _is_logged(one)
            read = usage_rows.from_log if is_plain else partial(tallied.read, live=True)
            found.append(read(conn, by=one.by, keys=one.keys, **_place(part, one)))
    return found


def _place(part: _Part, one: Question) -> dict[str, Any]:
    return {"spans": part.spans, "buckets": one.buckets, "only": one.span.only}


def _is_logged(one: Question) -> bool:
    return one.span.only.is_logged and (not one.by or one.by in LOGGED)


async def counted(
    services: Services, span: Span, kinds: Sequence[str], *, models: Sequence[str] | None = None
) -> dict[str, Counts]:
    """Return counts of some of the kinds of `gw_usage` that are not charges, by bucket. `models`: speeds of these."""
    buckets = fine(span.edges)
    hours = span.rolled if span.rolled is not None else await rolled(services)
    parts = [
        # Counts of requests themselves are as good, and there are few in so short a time.
        replace(part, source="log") if part.source == "tallies" and _length(part) < _LEAST_S else part
        for part in _parts(span, hours, buckets, kind="all" if span.only.is_everything else "")
    ]
    is_here = services.log_database is services.database
    more = {"models": models} if models is not None else {}
    keys = [f"{model}:{step}" for model in models for step in range(SPEEDS + 1)] if models is not None else None
    whole: dict[str, Counts] = {kind: {} for kind in kinds}

    def take(found: Mapping[str, Counts]) -> None:
        for kind in kinds:
            counts = whole[kind]
            for place, count in found.get(kind, {}).items():
                counts[place] = counts.get(place, 0) + count

    def work(conn: Connection, *, of_log: bool, of_rest: bool) -> None:
        for part in parts:
            place: dict[str, Any] = {"spans": part.spans, "buckets": buckets}
            if part.source in ("hours", "days"):
                if of_rest:
                    take(usage_rolled.counts(conn, _SPANS[part.source], kinds=kinds, keys=keys, **place))
                continue
            for group, read in usage_rows.COUNTED.items():
                if not set(group) & set(kinds):
                    continue
                if part.source == "tallies" and group in tallied.COUNTED:
                    if of_rest:
                        told = {"kinds": kinds} if "outcome" in group else more
                        take(tallied.COUNTED[group](conn, only=span.only, **place, **told))
                elif "took" not in group:
                    if of_rest:
                        take(read(conn, only=span.only, **place, **more))
                elif of_log and (is_here or span.only.is_logged):
                    take(read(conn, only=span.only, **place))

    await services.database.read(partial(work, of_log=is_here, of_rest=True))
    if not is_here and {"took", "flow"} & set(kinds):
        await services.log_database.read(partial(work, of_log=True, of_rest=False))
    return whole


async def _from_log_elsewhere(services: Services, part: _Part, one: Question) -> Cells:
    if _length(part) > _JOINED_S and _is_logged(one):
        wanted = partial(usage_rows.from_log, by=one.by, keys=one.keys, **_place(part, one))
        return await services.log_database.read(wanted)
    cells: Cells = {}
    buckets, keys = one.buckets, None if one.keys is None or not one.by else frozenset(one.keys)
    async for charge, fate in _charges(services, part.spans):
        if not _fits(charge, fate, one.span.only):
            continue
        key = SEPARATOR.join(_key(services, charge, fate, kind) for kind in one.by.split("+") if kind)
        if keys is not None and key not in keys:
            continue
        number = (charge.second - buckets.start) // buckets.step if buckets.step else 0
        sums = Sums(
            1,
            charge.units,
            charge.prompt_tokens,
            charge.completion_tokens,
            charge.cached_tokens,
            fate.reasoning_tokens,
            fate.saved_units,
            *fate.margin(charge.units),
        )
        cells[number, key] = cells.get((number, key), Sums()) + sums
    return cells


async def _charges(services: Services, spans: Spans) -> AsyncIterator[tuple[Charge, Fate]]:
    for since, until in spans:
        async for pair in charges_elsewhere(services.log_database, services.database, since, until):
            yield pair


def _fits(charge: Charge, fate: Fate, only: Only) -> bool:
    return (
        only.user_id in (0, charge.user_id)
        and only.token_name in ("", charge.token_name)
        and only.model in ("", charge.model)
        and only.channel_id in (0, charge.channel_id)
        and (only.channels is None or charge.channel_id in only.channels)
        and only.group in ("", fate.user_group)
        and only.format in ("", fate.format)
    )


def _key(services: Services, charge: Charge, fate: Fate, kind: str) -> str:
    if kind == "provider":
        view = services.registry.current.channels.get(charge.channel_id)
        return str(view.type) if view is not None else "0"
    if kind == "token":
        return f"{charge.user_id}:{charge.token_name}"
    if kind in ("group", "format"):
        return fate.user_group if kind == "group" else fate.format
    return str({"user": charge.user_id, "channel": charge.channel_id, "model": charge.model}[kind])


def _kind(only: Only, by: str) -> tuple[str, list[str] | None]:
    """Return which sums answer a question, and for which keys; an empty kind: none does."""
    if only.is_everything:
        return ("" if "+" in by else by or "all"), None
    if by or only.channels is not None:
        return "", None
    named = [name for name in _FILTERS if getattr(only, name)]
    if named == ["user_id", "token_name"]:
        return "token", [f"{only.user_id}:{only.token_name}"]
    if len(named) == 1 and named[0] in _KIND_OF:
        return _KIND_OF[named[0]], [str(getattr(only, named[0]))]
    return "", None


_FILTERS = ("user_id", "token_name", "model", "channel_id", "group", "format")
_KIND_OF = {"user_id": "user", "model": "model", "channel_id": "channel", "group": "group", "format": "format"}


def _parts(span: Span, hours: tuple[int, int], buckets: Buckets, *, kind: str) -> list[_Part]:
    """Return which source answers for which part of a span; together they are all of it, once."""
    everything = [_Part("log", [(span.since, span.until)])] if span.since < span.until else []
    if span.until - span.since < _LEAST_S or buckets.step % QUARTER or buckets.start % QUARTER:
        return everything
    first, end = hours
    begin, stop = _up(max(span.since, first), QUARTER), _down(min(span.until, end), QUARTER)
    if begin >= stop:
        return everything
    parts = [_Part("log", _around(span.since, begin, stop, span.until)), *_within(begin, stop, buckets, kind=kind)]
    return [part for part in parts if part.spans]


def _within(begin: int, stop: int, buckets: Buckets, *, kind: str) -> list[_Part]:
    """Cut a span of whole quarters, all of which are summed up."""
    tallies = [_Part("tallies", [(begin, stop)])]
    if not kind or buckets.step % HOUR or buckets.start % HOUR:
        return tallies
    low, high = _up(begin, HOUR), _down(stop, HOUR)
    first_day, last_day = _up(begin, DAY), _down(stop, DAY)
    if kind == "token":
        # By day alone.
        low, high = first_day, last_day
        if buckets.step:
            return tallies
    if low >= high:
        return tallies
    middle = [_Part("hours", [(low, high)])]
    if not buckets.step and first_day < last_day:
        middle = [_Part("hours", _around(low, first_day, last_day, high)), _Part("days", [(first_day, last_day)])]
    return [_Part("tallies", _around(begin, low, high, stop)), *middle]


def _around(begin: int, low: int, high: int, end: int) -> list[tuple[int, int]]:
    """Return what lies before and after the middle of a span."""
    return [(since, until) for since, until in ((begin, low), (high, end)) if since < until]


def _length(part: _Part) -> int:
    return sum(until - since for since, until in part.spans)


def _up(moment: int, step: int) -> int:
    return -(-moment // step) * step


def _down(moment: int, step: int) -> int:
    return moment // step * step


# --- putting it together ---------------------------------------------------------------------------------


def fine(edges: Sequence[int]) -> Buckets:
    """Return buckets of equal length that those between the edges are made of."""
    if len(edges) < 2:
        return Buckets()
    step = edges[1] - edges[0]
    if any(later - earlier != step for earlier, later in pairwise(edges)):
        # Parts of days of a calendar, of which two a year are an hour longer or shorter; in one place half an hour.
        step = HOUR if all((edge - edges[0]) % HOUR == 0 for edge in edges) else QUARTER
    return Buckets(edges[0], step)


class Places(dict[int, int]):
    """Which bucket between the edges one of `fine` belongs to."""

    def __init__(self, edges: Sequence[int]) -> None:
        super().__init__()
        self._edges = edges
        self._fine = fine(edges)

    def __missing__(self, number: int) -> int:
        index = bisect_right(self._edges, self._fine.start + number * self._fine.step) - 1
        place = min(max(index, 0), len(self._edges) - 2)
        self[number] = place
        return place


def together(parts: Iterable[Cells]) -> Cells:
    """Add cells of several sources up."""
    whole: Cells = {}
    for cells in sorted(parts, key=len, reverse=True):
        if not whole:
            whole = dict(cells)
            continue
        for place, sums in cells.items():
            whole[place] = whole[place] + sums if place in whole else sums
    return whole


def by_bucket(counts: Counts, edges: Sequence[int]) -> list[dict[str, int]]:
    """Cut counts of fine buckets into those between the edges, by key."""
    if len(edges) < 2:
        return []
    parts: list[dict[str, int]] = [{} for _ in range(len(edges) - 1)]
    place = Places(edges)
    for (number, key), count in counts.items():
        part = parts[place[number]]
        part[key] = part.get(key, 0) + count
    return parts


def in_all(counts: Counts) -> dict[str, int]:
    """Return how many there were of each key, over all buckets."""
    found: dict[str, int] = {}
    for (_, key), count in counts.items():
        found[key] = found.get(key, 0) + count
    return found
