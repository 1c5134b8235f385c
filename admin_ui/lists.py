"""What somebody wants of a list: search text, filters, sorting, page. All of it is in the address, and only there."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from quart import request

from admin_ui.visit import current_visit
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

RowT = TypeVar("RowT")

SIZES = (25, 50, 100, 200)
DEFAULT_SIZE = 50
PHONE_SIZE = 20
"""Rows that phones show at first, and with each "More"."""
MOST_PARTS = 10
"""So many of them at once at most."""
_LONGEST = 200
_TICKED = "ticked"
_ALL = "all"
_MOST_PAGES = 1_000_000
_PART = re.compile(r'(?:[a-zA-Z_]+:)?"[^"]*"|\S+')


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A reader's wishes. `filters` holds only the names that the page knows, with values it knows."""

    path: str
    q: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For filters with few values: the words that may be typed as `filter:word`, and the value of each."""
    sort: str = ""
    ascending: bool = False
    page: int = 1
    size: int = DEFAULT_SIZE
    usual: int = DEFAULT_SIZE
    """The size that a reader has who asks for none."""
    more: int = 1
    """Pages that are shown as one, from `page` on: phones have the next one below."""

    @property
    def rows(self) -> Page:
        """The part of the list, as repositories take it."""
        return Page(self.page - 1, self.size, self.more)

    @property
    def order(self) -> Sort:
        """The sorting, as repositories take it."""
        return Sort(self.sort, self.ascending)

    @property
    def set(self) -> list[str]:
        """The filters that are set."""
        return [name for name, value in self.filters.items() if value]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the whole list is asked for."""
        return bool(self.q or any(self.filters.values()))

    def link(self, **changes: object) -> str:
        """Return the address of this list with some of the wishes changed; another page only if one is named."""
        values: dict[str, object] = {"q": self.q, **self.filters, "sort": self.sort}
        values["order"] = ("asc" if self.ascending else "desc") if self.sort else ""
        values["size"] = self.size
        values |= changes
        if values.get("page") == 1:
            del values["page"]
        if values.get("more") == 1:
            del values["more"]
        # Pages are counted by their size, so an address that names one names both.
        if values["size"] == (DEFAULT_SIZE if {"page", "more"} & values.keys() else self.usual):
            del values["size"]
        query = urlencode({name: value for name, value in values.items() if value not in ("", None)})
        return f"{self.path}?{query}" if query else self.path

    @property
    def here(self) -> str:
        """The address of exactly this view."""
        return self.link(page=self.page, more=self.more)

    def export(self, kind: str = "csv") -> str:
        """Return the address of everything that matches, as a file of that kind."""
        return replace(self, path=f"{self.path}/export.{kind}").link(size="")

    @property
    def words(self) -> list[str]:
        """What a search box suggests."""
        found = [f"{name}:{word}" for name, words in self.choices.items() for word in words]
        return [*found, *(f"{name}:" for name in self.filters if name not in self.choices)]

    def sort_link(self, column: str) -> str:
        """Return where a click on a header leads: ascending, then descending, then as it comes."""
        if self.sort != column:
            return self.link(sort=column, order="asc")
        return self.link(order="desc") if self.ascending else self.link(sort="", order="")

    def sorted_by(self, column: str) -> str:
        """Return the value of `aria-sort` for a column."""
        if self.sort != column:
            return "none"
        return "ascending" if self.ascending else "descending"

    def pages(self, total: int) -> int:
        """Return how many pages `total` rows make, at least one."""
        return max(math.ceil(total / self.size), 1)


def read_query(
    *,
    columns: Sequence[str] = (),
    filters: Mapping[str, Sequence[str] | None] | None = None,
    choices: Mapping[str, Mapping[str, str]] | None = None,
    address: str | None = None,
) -> ListQuery:
    """Read the address at hand, or one that a form carried.

    What it does not know is left out; `None` for a filter takes any text. In the search text, `filter:value` stands
    for the filter; `choices` names words that may be typed for its values (`{"status": {"enabled": "1"}}`).
    """
    parts = urlsplit(address) if address is not None else None
    args: Mapping[str, str] = dict(parse_qsl(parts.query)) if parts is not None else request.args
    wanted: dict[str, str] = {}
    for name, known in (filters or {}).items():
        value = _text(args.get(name, ""))
        wanted[name] = value if known is None or value in known else ""
    text, typed = read_search(args.get("q", ""), filters or {}, choices or {})
    wanted |= typed
    sort = args.get("sort", "")
    usual = usual_size()
    has_place = bool(_number(args.get("page", "")) or _number(args.get("more", "")))
    size = read_size(args.get("size", ""), DEFAULT_SIZE if has_place else usual)
    return ListQuery(
        path=parts.path if parts is not None else request.path,
        q=text,
        filters=wanted,
        choices=choices or {},
        sort=sort if sort in columns else "",
        ascending=args.get("order") == "asc",
        page=min(max(_number(args.get("page", "")), 1), _MOST_PAGES),
        size=size,
        usual=usual,
        more=read_more(args.get("more", ""), size),
    )


def usual_size() -> int:
    """Return how many rows whoever looks is shown if they do not say."""
    return PHONE_SIZE if current_visit().is_narrow else DEFAULT_SIZE


def read_size(text: str, otherwise: int) -> int:
    """Return how many rows a page has."""
    size = _number(text)
    return size if size in (PHONE_SIZE, *SIZES) else otherwise


def read_more(text: str, size: int) -> int:
    """Return how many pages are shown as one; together no more than the largest page has."""
    return min(max(_number(text), 1), MOST_PARTS, max(SIZES[-1] // size, 1))


def ticking(address: str, ids: Sequence[int], *, everything: bool = False) -> str:
    """Return the address of a list that has these rows ticked, or all that match, for a form to be sent again."""
    ticks = _ALL if everything else ",".join(map(str, ids[: SIZES[-1]]))
    return f"{address}{'&' if '?' in address else '?'}{urlencode({_TICKED: ticks}, safe=',')}" if ticks else address


def is_ticked(number: int) -> bool:
    """Whether the address at hand has a row ticked; 0: all that match."""
    ticks = request.args.get(_TICKED, "")
    return ticks == _ALL if not number else str(number) in ticks.split(",")


def in_order(rows: Iterable[RowT], value: Callable[[RowT], Any], *, ascending: bool) -> list[RowT]:
    """Sort rows that no database holds, equals as they come; what has no such figure stands last, whichever way."""
    valued = [(value(row), row) for row in rows]
    known = sorted((pair for pair in valued if pair[0] is not None), key=itemgetter(0), reverse=not ascending)
    return [row for _value, row in known] + [row for found, row in valued if found is None]


def read_search(
    text: str, filters: Mapping[str, Sequence[str] | None], choices: Mapping[str, Mapping[str, str]]
) -> tuple[str, dict[str, str]]:
    """Split a search into its text and the filters in it, `filter:value`; `"…"` keeps spaces together."""
    rest: list[str] = []
    found: dict[str, str] = {}
    for part in _PART.findall(_text(text)):
        name, colon, value = part.partition(":")
        value = value.strip('"')
        known = filters.get(name.lower(), ()) if colon and value else ()
        value = choices.get(name.lower(), {}).get(value.lower(), value)
        if known is None or value in known:
            found[name.lower()] = value
        else:
            rest.append(part)
    return " ".join(rest), found


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()[:_LONGEST]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
