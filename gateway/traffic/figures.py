"""Use, cost, failures and waiting times of any span, by anything; `sources` knows where they come from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.traffic import sources
from gateway.traffic.sources import Places, Question, Span, by_bucket, charged, fine, in_all
from storage.repositories.steps import NUMBER, percentile, percentiles, speed_of
from storage.repositories.usage import Buckets, Cells, Counts, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.services import Services

__all__ = ["Places", "Span", "Sums", "failures", "fine", "series", "stacked", "totals"]

Percentiles = tuple[float | None, float | None]
"""What half and nineteen of twenty stay below, in milliseconds."""
Waits = tuple[float | None, float | None, float | None]
"""The same, and what ninety-nine of a hundred stay below."""


# Pairs of keys: what a table shows and an export is asked for.
_MOST = 5000


async def totals(services: Services, span: Span, *, by: str, keys: Sequence[str] | None = None) -> dict[str, Sums]:
    """Return sums by one of `usage.KINDS` or two (`model+user`), or all together under an empty key.

    With `keys` only theirs. Of two at once there may be very many; then it is the dearest.
    """
    (cells,) = await charged(services, [replace(_in_all(span, by), keys=keys)])
    return {key: sums for (_, key), sums in cells.items()}


async def totals_by(services: Services, span: Span, kinds: Sequence[str], *, most: int = 0) -> list[dict[str, Sums]]:
    """Return the same by several of them; `most`: about so many of each, the dearest."""
    answers = await charged(services, [_in_all(span, by, most) for by in kinds])
    return [{key: sums for (_, key), sums in cells.items()} for cells in answers]


async def series(
    services: Services, span: Span, *, by: str = "", keys: Sequence[str] | None = None
) -> dict[str, list[Sums]]:
    """Return sums by key and bucket; with `keys` only theirs."""
    if keys is not None and not keys:
        return {}
    (cells,) = await charged(services, [Question(span=span, by=by, buckets=fine(span.edges), keys=keys)])
    return _over_time(cells, span, keys)


async def whole_and_before(services: Services, span: Span, before: Span | None) -> tuple[list[Sums], Sums]:
    """Return all use by bucket, and that of another span in all."""
    questions = [Question(span=span, by="", buckets=fine(span.edges))]
    if before is not None:
        questions.append(_in_all(before, ""))
    now, *earlier = await charged(services, questions)
    whole = _over_time(now, span, None).get("", [Sums()] * (len(span.edges) - 1))
    return whole, next((cells.get((0, ""), Sums()) for cells in earlier), Sums())


def _in_all(span: Span, by: str, most: int = 0) -> Question:
    return Question(span=span, by=by, buckets=Buckets(), most=_MOST if "+" in by else most)


def _over_time(cells: Cells, span: Span, keys: Sequence[str] | None) -> dict[str, list[Sums]]:
    found: dict[str, list[Sums]] = defaultdict(lambda: [Sums()] * (len(span.edges) - 1))
    place = Places(span.edges)
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
    other: Sequence[Sums]
    whole: Sequence[Sums]
    totals: Mapping[str, Sums]
    """Of all keys, largest first."""


async def stacked(
    services: Services,
    span: Span,
    sums: Mapping[str, Sums],
    *,
    by: str,
    whole: Sequence[Sums],
    measure: str = "units",
    most: int = 7,
) -> Stacked:
    """Return how parts of use moved: the `most` largest by `measure`, a member of `Sums`, and the others as one.

    `sums` and `whole`: all use, as `totals` and `series` have it.
    """
    ranked = dict(sorted(sums.items(), key=lambda item: (-getattr(item[1], measure), item[0])))
    top = list(ranked)[:most]
    parts = await series(services, span, by=by, keys=top)
    empty = [Sums()] * (len(span.edges) - 1)
    found = {key: parts.get(key, empty) for key in top}
    other = list(whole)
    for values in found.values():
        other = [left - right for left, right in zip(other, values, strict=True)]
    return Stacked(parts=found, other=other, whole=whole, totals=ranked)


async def over_time(services: Services, span: Span, *, kind: str) -> dict[str, list[int]]:
    """Return counts of `tries`, `error` or `lost` by key and bucket."""
    return (await counted(services, span, [kind])).over_time(kind)


async def failures(services: Services, span: Span) -> tuple[dict[str, int], list[dict[str, int]]]:
    """Return how many requests failed, by `left`, `client`, `upstream` and `logged`, in all and by bucket."""
    return (await counted(services, span, ["outcome"])).failures()


async def first_content(services: Services, span: Span) -> tuple[Percentiles, list[Percentiles]]:
    """Return how long requests that ended well waited for their first content, in all and by bucket."""
    whole, parts = (await counted(services, span, ["first"])).waits("first")
    return whole[:2], [part[:2] for part in parts]


async def durations(services: Services, span: Span) -> tuple[Percentiles, list[Percentiles]]:
    """Return how long charged requests took, in all and by bucket."""
    whole, parts = (await counted(services, span, ["took", "flow"])).waits("all")
    return whole[:2], [part[:2] for part in parts]


async def speeds(services: Services, span: Span, *, models: Sequence[str]) -> dict[str, list[float | None]]:
    """Return how many tokens a second streams of some models had in the middle, by bucket."""
    if not models:
        return {}
    found: dict[str, list[float | None]] = {}
    counts = (await sources.counted(services, span, ["speed"], models=models))["speed"]
    for index, part in enumerate(by_bucket(counts, span.edges)):
        steps: dict[str, dict[int, int]] = {}
        for key, count in part.items():
            model, _sep, step = key.rpartition(":")
            steps.setdefault(model, {})[int(step)] = count
        for model, counted_steps in steps.items():
            row = found.setdefault(model, [None] * (len(span.edges) - 1))
            row[index] = speed_of(percentile(counted_steps, 0.5))
    return {model: found[model] for model in models if model in found}


# --- what is counted -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of several kinds that were read at once."""

    edges: Sequence[int]
    kinds: Mapping[str, Counts]

    def failures(self) -> tuple[dict[str, int], list[dict[str, int]]]:
        """Return failures by whose fault they were, in all and by bucket."""
        counts = self.kinds["outcome"]
        return in_all(counts), by_bucket(counts, self.edges)

    def over_time(self, kind: str) -> dict[str, list[int]]:
        """Return counts by key and bucket."""
        found: dict[str, list[int]] = {}
        place = Places(self.edges)
        for (number, key), count in self.kinds[kind].items():
            row = found.get(key)
            if row is None:
                row = found[key] = [0] * (len(self.edges) - 1)
            row[place[number]] += count
        return found

    def waits(self, kind: str) -> tuple[Waits, list[Waits]]:
        """Return how long it took, in all and by bucket: `first` content, streams (`flow`), whole answers (`took`),
        or both (`all`).
        """
        wanted = [self.kinds[one] for one in (("took", "flow") if kind == "all" else (kind,))]
        size = max(len(self.edges) - 1, 0)
        place = Places(self.edges) if size else None
        whole = [0] * (NUMBER + 1)
        parts: list[list[int] | None] = [None] * size
        for counts in wanted:
            for (number, key), count in counts.items():
                step = int(key)
                whole[step] += count
                if place is None:
                    continue
                index = place[number]
                part = parts[index]
                if part is None:
                    part = parts[index] = [0] * (NUMBER + 1)
                part[step] += count
        return _percentiles(whole), [_NOTHING if part is None else _percentiles(part) for part in parts]


async def counted(services: Services, span: Span, kinds: Sequence[str]) -> Counted:
    """Count several kinds at once: `outcome`, `tries`, `first`, `took`, `flow`, `error`, `lost`."""
    return Counted(span.edges, await sources.counted(services, span, kinds))


_NOTHING: Waits = (None, None, None)


def _percentiles(steps: Sequence[int]) -> Waits:
    middle, high, highest = percentiles(steps, (0.5, 0.95, 0.99))
    return middle, high, highest
