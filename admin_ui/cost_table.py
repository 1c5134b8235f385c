"""The table of costs: a line for each key, pair of keys, or span of a calendar, with its share and its change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from admin_ui import ranges
from admin_ui.i18n import mark
from admin_ui.tiles import change
from admin_ui.usage_charts import narrowed, own_name, units_per_million
from admin_ui.visit import current_visit
from gateway.traffic import figures
from gateway.traffic.names import labels
from storage.repositories.tallied import SEPARATOR
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from admin_ui.look import Look

TIMES: dict[str, str] = {"day": mark("Day"), "week": mark("Week"), "month": mark("Month")}


@dataclass(frozen=True, slots=True)
class Cut:
    """What a table tells apart: one kind or two. A time, if any, comes first."""

    kinds: tuple[str, ...]

    @property
    def time(self) -> str:
        """The span of the calendar that is one of them."""
        return self.kinds[0] if is_time(self.kinds[0]) else ""

    @property
    def by(self) -> str:
        """The other kinds, as figures know them."""
        return "+".join(kind for kind in self.kinds if not is_time(kind))


def is_time(kind: str) -> bool:
    """Whether it is a span of a calendar."""
    return kind in TIMES


def cut_by(first: str, second: str) -> Cut:
    """Return what the reader chose; a second that says nothing more is left out."""
    if not second or second == first or (is_time(first) and is_time(second)):
        return Cut((first,))
    return Cut((second, first) if is_time(second) else (first, second))


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One line of the table. `links` lead on from each of its `labels`."""

    labels: Sequence[str]
    sums: Sums
    before: Sums | None = None
    share: float = 1.0
    links: Sequence[str] = ()
    requests_link: str = ""

    @property
    def change(self) -> float | None:
        """Against the time before; `None` where there was so little then that it says nothing."""
        return change(self.sums.units, self.before.units) if self.before is not None else None

    @property
    def units_per_request(self) -> float:
        """What a request cost on average."""
        return self.sums.units / self.sums.requests if self.sums.requests else 0.0

    @property
    def units_per_million(self) -> float:
        """What a million tokens cost on average."""
        return units_per_million(self.sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All of it. `totals`: the sums of each key of the kinds that are no times."""

    rows: Sequence[CostRow]
    count: int
    """How many there are with those that were not asked for."""
    total: CostRow
    totals: Mapping[str, Sums]


async def read_table(look: Look, cut: Cut, *, most: int | None = None) -> Table:
    """Return the table, the dearest first, or the newest where it is about times; of that only `most` lines."""
    compares = look.scope.compares
    whole = _sum(await look.whole())
    total = CostRow(labels=(), sums=whole, before=await look.earlier() if compares else None)
    if cut.time:
        rows, sums = await _over_times(look, cut)
        count = len(rows)
        rows = rows[:most]
    else:
        sums = await look.totals(cut.by)
        rows = await _by_key(look, cut, sums, most)
        count = len(sums)
    share = [replace(row, share=row.sums.units / (whole.units or 1)) for row in rows]
    return Table(rows=share, count=count, total=total, totals=sums)


async def _by_key(look: Look, cut: Cut, totals: Mapping[str, Sums], most: int | None) -> list[CostRow]:
    ranked = sorted(totals.items(), key=lambda item: (-item[1].units, -item[1].requests, item[0]))[:most]
    before: Mapping[str, Sums] | None = None
    if look.scope.compares:
        # Of those that are shown: of tokens there may be tens of thousands.
        keys = [key for key, _sums in ranked] if most else None
        before = await figures.totals(look.services, look.before, by=cut.by, keys=keys)
    names = await labels(look.services, cut.by, [key for key, _sums in ranked])
    rows = []
    for key, sums in ranked:
        links, requests = _links(look, cut.kinds, key, names[key])
        rows.append(
            CostRow(
                labels=_labels(cut.kinds, names[key]),
                sums=sums,
                before=before.get(key, Sums()) if before is not None else None,
                links=links,
                requests_link=requests,
            )
        )
    return rows


def _labels(kinds: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(own_name(kind, part) for kind, part in zip(kinds, name.split(SEPARATOR), strict=True))


def _links(look: Look, kinds: Sequence[str], key: str, name: str) -> tuple[list[str], str]:
    """Return where the parts of a key lead, and where its requests are. What is not known leads nowhere."""
    found: list[str] = []
    everything: dict[str, object] = {}
    is_known = True
    for place, (kind, part, called) in enumerate(
        zip(kinds, key.split(SEPARATOR), name.split(SEPARATOR), strict=True)
    ):
        if not part or (kind == "channel" and part == "0"):
            found.append("")
            is_known = False
            continue
        only = narrowed(kind, part, called)
        everything |= only
        others = [other for number, other in enumerate(kinds) if number != place]
        # What one of them was used for is the next question.
        following = others[0] if others else _next(kind)
        found.append(look.scope.link("", **only, **{"by": following, "and": ""}))
    requests = ""
    if is_known and "provider" not in everything:
        requests = look.scope.link("/requests", **everything, **_NOT_OF_REQUESTS)
    return found, requests


_NOT_OF_REQUESTS = {"by": "", "and": "", "measure": "", "as": "", "compare": "", "provider": ""}


def _next(kind: str) -> str:
    if kind != "model":
        return "model"
    return "user" if current_visit().is_admin else "token"


# --- by spans of a calendar ------------------------------------------------------------------------------


async def _over_times(look: Look, cut: Cut) -> tuple[list[CostRow], Mapping[str, Sums]]:
    zone = current_visit().zone
    borders = _borders(look, cut.time, zone)
    span = replace(look.span, edges=borders)
    found = await figures.series(look.services, span, by=cut.by)
    names = await labels(look.services, cut.by, found) if cut.by else dict.fromkeys(found, "")
    rows: list[CostRow] = []
    for place in reversed(range(len(borders) - 1)):
        start = _calendar(borders[place], cut.time, zone)
        link, requests = _of_span(look, borders[place], borders[place + 1], zone)
        keys = sorted((key for key in found if found[key][place].requests), key=lambda key: -found[key][place].units)
        for key in keys:
            # A span that began before the range, or one that runs, is no measure for the next.
            before = found[key][place - 1] if place > 1 else None
            kinds = [kind for kind in cut.kinds if not is_time(kind)]
            more = _links(look, kinds, key, names[key])[0] if kinds else []
            rows.append(
                CostRow(
                    labels=(start, *(_labels(kinds, names[key]) if kinds else ())),
                    sums=found[key][place],
                    before=before,
                    links=(link, *more),
                    requests_link=requests if not kinds else "",
                )
            )
    totals = {key: _sum(values) for key, values in found.items()}
    return rows, totals


def _borders(look: Look, time: str, zone: tzinfo) -> list[int]:
    """Return where spans of the calendar begin that the range touches, and where the last one ends."""
    days = ranges.days(look.span.since, look.span.until, zone)
    found = [days[0]]
    for earlier, later in pairwise(days[:-1]):
        if _calendar(earlier, time, zone) != _calendar(later, time, zone):
            found.append(later)
    return [*found, days[-1]]


def _of_span(look: Look, begin: int, end: int, zone: tzinfo) -> tuple[str, str]:
    """Return where a span is looked at alone, and where its requests are."""
    times = {
        "range": "custom",
        "from": ranges.minute(max(begin, look.span.since), zone),
        "to": ranges.minute(min(end, look.span.until), zone),
    }
    following = {"by": "", "and": ""}
    return look.scope.link("", **following, **times), look.scope.link("/requests", **_NOT_OF_REQUESTS, **times)


def _calendar(moment: float, time: str, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(moment, zone)
    if time == "month":
        return local.strftime("%Y-%m")
    if time == "week":
        year, week, _day = local.isocalendar()
        return f"{year}-W{week:02}"
    return local.strftime("%Y-%m-%d")


def _sum(parts: Iterable[Sums]) -> Sums:
    whole = Sums()
    for sums in parts:
        whole += sums
    return whole
