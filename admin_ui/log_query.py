"""What somebody wants of the log, read from the address: filters, range, view, sorting. It is only there."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from quart import request

from admin_ui import ranges
from admin_ui.i18n import _, mark
from admin_ui.lists import DEFAULT_SIZE, read_more, read_search, read_size, usual_size
from admin_ui.visit import current_visit
from gateway.management.guard import actor, author
from gateway.recordings import search
from gateway.relay.endpoints import Kind
from gateway.traffic import totals
from gateway.traffic.log import FORMATS, Look
from gateway.traffic.names import channels_called, find_user
from storage.repositories.log_asked import Asked
from storage.repositories.log_pages import SORTABLE
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from admin_ui.ranges import Range
    from admin_ui.ui import Ui
    from gateway.recordings.search import Found

PATH = "/requests"
TYPES: dict[str, str] = {
    "2": mark("Requests"),
    "1": mark("Top-ups"),
    "3": mark("Management"),
    "4": mark("System"),
    "5": mark("Channel tests"),
}
STATUSES = ("2xx", "4xx", "5xx", "400", "401", "403", "404", "429", "499", "500", "502", "503", "504")
VIEWS = ("failed", "slow", "retried")
_YES_NO = ("yes", "no")
_FILTERS: dict[str, Sequence[str] | None] = {
    "view": VIEWS,
    "status": None,
    "model": None,
    "channel": None,
    "user": None,
    "token": None,
    "group": None,
    "type": tuple(TYPES),
    "format": tuple(Kind),
    "stream": _YES_NO,
    "retried": _YES_NO,
    "min_cost": None,
    "max_cost": None,
    "min_first": None,
    "min_ms": None,
    "session": None,
    "error": None,
    "content": None,
    "said": None,
}
_FOR_ADMINS = ("channel", "user", "group")
_VIEWING = ("view", "type", "min_ms", "retried")
_CHOICES: dict[str, dict[str, str]] = {
    "status": {word: word for word in STATUSES},
    "type": {"request": "2", "topup": "1", "management": "3", "system": "4", "test": "5"},
    "format": {name: endpoint for endpoint, name in FORMATS.items()} | {kind.value: kind.value for kind in Kind},
    "stream": {"yes": "yes", "no": "no"},
    "retried": {"yes": "yes", "no": "no"},
}
_LONGEST = 200
_ID_LENGTHS = (31, 32)
_CODES = range(100, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """A reader's wishes. `filters` holds all that the page knows, empty where nothing is asked."""

    q: str
    filters: Mapping[str, str]
    span: Range
    sort: str
    size: int
    ascending: bool = False
    """Where it is sorted: from the smallest on."""
    usual: int = DEFAULT_SIZE
    """The size that a reader has who asks for none."""
    more: int = 1
    """Pages that are shown as one: phones have the next one below."""
    path: str = PATH
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    suggests: Mapping[str, str] = field(default_factory=lambda: {"model": "words-model"})
    """Lists of words, by their ids, for filters that take any text."""

    def link(self, path: str = "", /, **changes: object) -> str:
        """Return an address with some wishes changed; from the newest entry on unless a place is named."""
        wishes: dict[str, object] = {"q": self.q, **self.filters}
        wishes["order"] = "asc" if self.sort and self.ascending else ""
        wishes |= self.span.query | {"sort": self.sort, "size": self.size if self.size != self.usual else ""}
        if "range" in changes:
            wishes |= {"from": "", "to": ""}
        wishes |= changes
        query = urlencode({name: value for name, value in wishes.items() if value not in ("", None)})
        where = path or self.path
        return f"{where}?{query}" if query else where

    @property
    def rows(self) -> int:
        """How many rows are shown."""
        return self.size * self.more

    @property
    def here(self) -> str:
        """The address of this list from its beginning."""
        return self.link()

    def sort_link(self, column: str) -> str:
        """Return where a click on a header leads: the largest first, then the smallest, then as it comes."""
        if self.sort != column:
            return self.link(sort=column, order="")
        return self.link(sort="", order="") if self.ascending else self.link(order="asc")

    @property
    def words(self) -> list[str]:
        """What a search box suggests."""
        found = [f"{name}:{word}" for name, words in self.choices.items() for word in words]
        hidden = () if current_visit().is_admin else _FOR_ADMINS
        return [*found, *(f"{n}:" for n in _FILTERS if n not in (*self.choices, *hidden, "view"))]

    @property
    def set(self) -> list[str]:
        """The filters that are set."""
        return [name for name, value in self.filters.items() if value and name != "view"]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the whole log is asked for."""
        return bool(self.span.name or self.q or any(self.filters.values()))

    def view(self, **wishes: str) -> dict[str, object]:
        """Return the query of a view that keeps what else is set: range and filters, but no other view's."""
        kept = {name: value for name, value in self.filters.items() if name not in _VIEWING}
        found = {"q": self.q, **kept, **self.span.query, **wishes}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A query as services take it."""

    look: Look
    faults: Mapping[str, str]
    """What is wrong with a filter, by its name; then it is left out."""
    slow_ms: int | None = None
    """What nineteen of twenty requests stay below, where that is asked for."""
    found: Found | None = None
    """What a search in recorded messages came to, where that is asked for."""


def read_log_query(text: str | None = None) -> LogQuery:
    """Read the address at hand, or a query. What makes no sense in it is left out."""
    args: Mapping[str, str] = request.args if text is None else dict(parse_qsl(text))
    known = {name: words for name, words in _FILTERS.items() if _may_ask(name)}
    values = dict.fromkeys(_FILTERS, "")
    for name, words in known.items():
        value = _clean(args.get(name, ""))
        values[name] = value if words is None or value in words else ""
    search, typed = read_search(args.get("q", ""), known, _CHOICES)
    size = read_size(args.get("size", ""), usual_size())
    sort = args.get("sort", "")
    return LogQuery(
        q=search,
        filters=values | typed,
        span=ranges.read_range(current_visit().zone, names=tuple(ranges.NAMED), default=""),
        sort=sort if sort in SORTABLE else "",
        size=size,
        ascending=args.get("order") == "asc",
        usual=usual_size(),
        more=read_more(args.get("more", ""), size),
        choices=_CHOICES,
    )


async def read_look(ui: Ui, query: LogQuery) -> Read:
    """Return what a query asks of the log, and what is wrong with it."""
    values, faults = query.filters, {}

    def number(name: str, fault: str) -> int:
        found = as_id(values[name]) if values[name] else 0
        if found is None:
            faults[name] = fault
        return found or 0

    def one_channel() -> int:
        called = sorted(channels_called(ui.services, values["channel"])) if values["channel"] else []
        if len(called) > 1:
            numbers = ", ".join(map(str, called))
            faults["channel"] = _("Several are called that. Please enter a number: {numbers}.", numbers=numbers)
        elif values["channel"] and not called:
            faults["channel"] = _("No channel has this name.")
        return called[0] if len(called) == 1 else 0

    whole = _("Please enter a whole number.")
    units = {name: _units(ui, values[name]) if values[name] else None for name in ("min_cost", "max_cost")}
    for name, amount in units.items():
        if values[name] and amount is None:
            faults[name] = _("Please enter a number.")
    status = _status(values["status"])
    if values["status"] and not status:
        faults["status"] = _("Please enter a code such as 429, or a class such as 5xx.")
    slow = None
    least_ms = number("min_ms", whole)
    if values["view"] == "slow":
        slow = await totals.slow_ms(ui.services, actor())
        least_ms = max(least_ms, slow or 0)
    found = None
    if values["said"]:
        number_of_user = await find_user(ui.services, values["user"]) if values["user"] else None
        found = await search.find(
            ui.services,
            author(),
            values["said"],
            user_id=number_of_user,
            since=query.span.since,
            until=query.span.until,
        )
    text, view = query.q, values["view"]
    is_id = len(text) in _ID_LENGTHS and text.isascii() and text.isalnum()
    asked = Asked(
        type=int(values["type"] or (2 if view == "slow" else 0)),
        username=values["user"],
        token_name=values["token"],
        model=values["model"],
        channel_id=one_channel(),
        since=query.span.since,
        until=query.span.until,
        text="" if is_id else text,
        id=text if is_id else "",
        request_ids=tuple(found.request_ids) if found is not None else None,
        content=values["content"],
        error=values["error"],
        least_units=units["min_cost"] or 0,
        most_units=units["max_cost"],
        least_ms=least_ms,
        least_first_ms=number("min_first", whole),
        is_stream={"yes": True, "no": False}.get(values["stream"]),
        status=status,
        endpoints=(values["format"],) if values["format"] else (),
        group=values["group"],
        session=values["session"],
        has_failed=view == "failed",
        is_retried=True if view == "retried" else {"yes": True, "no": False}.get(values["retried"]),
    )
    look = Look(asked=asked, sort="" if asked.only_requests else query.sort, ascending=query.ascending)
    return Read(look=look, faults=faults, slow_ms=slow, found=found)


def _may_ask(name: str) -> bool:
    return current_visit().is_admin or name not in _FOR_ADMINS


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()[:_LONGEST]


def _status(text: str) -> int:
    """Return a code, or the first digit of a class; 0 for what is neither."""
    if len(text) == 3 and text[0] in "12345" and text[1:].lower() == "xx":
        return int(text[0])
    code = as_id(text) or 0
    return code if code in _CODES else 0


def _units(ui: Ui, text: str) -> int | None:
    try:
        amount = Decimal(text.replace(",", "").lstrip("$"))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < 10**12:
        return None
    if ui.options.flag("DisplayInCurrencyEnabled"):
        amount *= ui.options.number("QuotaPerUnit")
    return int(amount)
