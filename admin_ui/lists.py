"""What somebody wants of a list: search text, filters, sorting, page. All of it is in the address, and only there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from quart import request

from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
_LONGEST = 200
_MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A reader's wishes. `filters` holds only the names that the page knows, with values it knows."""

    path: str
    q: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    ascending: bool = False
    page: int = 1
    size: int = DEFAULT_SIZE

    @property
    def rows(self) -> Page:
        """The part of the list, as repositories take it."""
        return Page(self.page - 1, self.size)

    @property
    def order(self) -> Sort:
        """The sorting, as repositories take it."""
        return Sort(self.sort, self.ascending)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the whole list is asked for."""
        return bool(self.q or any(self.filters.values()))

    def link(self, **changes: object) -> str:
        """Return the address of this list with some of the wishes changed; another page only if one is named."""
        values: dict[str, object] = {"q": self.q, **self.filters, "sort": self.sort}
        values["order"] = ("asc" if self.ascending else "desc") if self.sort else ""
        values["size"] = self.size if self.size != DEFAULT_SIZE else ""
        values |= changes
        if values.get("page") == 1:
            del values["page"]
        query = urlencode({name: value for name, value in values.items() if value not in ("", None)})
        return f"{self.path}?{query}" if query else self.path

    @property
    def here(self) -> str:
        """The address of exactly this view."""
        return self.link(page=self.page)

    @property
    def export(self) -> str:
        """The address of everything that matches, as a file."""
        return replace(self, path=f"{self.path}/export.csv").link(size="")

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
    address: str | None = None,
) -> ListQuery:
    """Read the address at hand, or one that a form carried.

    What it does not know is left out; `None` for a filter takes any text.
    """
    parts = urlsplit(address) if address is not None else None
    args: Mapping[str, str] = dict(parse_qsl(parts.query)) if parts is not None else request.args
    wanted: dict[str, str] = {}
    for name, known in (filters or {}).items():
        value = _text(args.get(name, ""))
        wanted[name] = value if known is None or value in known else ""
    sort = args.get("sort", "")
    size = _number(args.get("size", ""))
    return ListQuery(
        path=parts.path if parts is not None else request.path,
        q=_text(args.get("q", "")),
        filters=wanted,
        sort=sort if sort in columns else "",
        ascending=args.get("order") == "asc",
        page=min(max(_number(args.get("page", "")), 1), _MOST_PAGES),
        size=size if size in SIZES else DEFAULT_SIZE,
    )


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()[:_LONGEST]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
