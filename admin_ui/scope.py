"""Whose traffic a page of figures is about, and of which time: read from the address, and written into links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from quart import request

from admin_ui import ranges
from admin_ui.usage_charts import own_name
from admin_ui.visit import current_visit
from gateway.relay.endpoints import Kind
from gateway.traffic.figures import Span
from gateway.traffic.names import channels_called, channels_of, find_user
from storage.repositories.usage import Only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from admin_ui.ranges import Range
    from admin_ui.ui import Ui
    from storage.records import User

_LONGEST = 200
_LONGEST_FOR_USERS = 90 * 86_400
FILTERS = ("user", "model", "channel", "token", "group", "format", "provider")
_OF_ADMINS = ("user", "channel", "provider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What the figures of a page are about. `values` holds filters and choices as they stand in the address."""

    path: str
    range: Range
    edges: Sequence[int]
    only: Only
    values: Mapping[str, str]
    channel_name: str = ""
    """What the channel of the filter is called."""
    is_known: bool = True
    """`False`: a filter names somebody who does not exist, so that nothing can fit."""

    @property
    def span(self) -> Span:
        """The span that services are asked for."""
        return Span(since=self.range.since, until=self.range.until, edges=self.edges, only=self.only)

    @property
    def before(self) -> Span:
        """The span of the same length before it."""
        earlier = self.range.before()
        return Span(since=earlier.since, until=earlier.until, only=self.only)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the time is chosen."""
        return any(self.values.get(name) for name in FILTERS)

    @property
    def compares(self) -> bool:
        """Whether figures stand beside those of the time before."""
        return self.values.get("compare") != "no"

    @property
    def zone(self) -> str:
        """The reader's time zone, as browsers call it."""
        return str(current_visit().zone)

    @property
    def fields(self) -> list[tuple[str, object]]:
        """All of it as fields of a form."""
        return [(name, value) for name, value in {**self.values, **self.range.query}.items() if value]

    @property
    def formats(self) -> list[tuple[str, str]]:
        """What may be chosen as a format."""
        return [(kind.value, own_name("format", kind.value)) for kind in Kind]

    def link(self, path: str = "", **changes: object) -> str:
        """Return the address of this page, or of another one, with some of the wishes changed."""
        wishes: dict[str, object] = {**self.values, **self.range.query}
        if "range" in changes:
            wishes |= {"from": "", "to": ""}
        wishes |= changes
        query = urlencode({name: value for name, value in wishes.items() if value not in ("", None)})
        where = path or self.path
        return f"{where}?{query}" if query else where


async def read_scope(ui: Ui, person: User, *, default: str, choices: Mapping[str, Sequence[str]]) -> Scope:
    """Read the address at hand. `choices`: words that the page knows by name; the first of each is its default."""
    visit, args = current_visit(), request.args
    names = [name for name, seconds in ranges.NAMED.items() if visit.is_admin or seconds <= _LONGEST_FOR_USERS]
    span = ranges.read_range(visit.zone, names=names, default=default)
    if not visit.is_admin and span.seconds > _LONGEST_FOR_USERS:
        span = ranges.Range(span.name, span.until - _LONGEST_FOR_USERS, span.until, span.since_text, span.until_text)
    values = {name: args.get(name, "").replace("\x00", "").strip()[:_LONGEST] for name in FILTERS}
    if not visit.is_admin:
        values |= dict.fromkeys(_OF_ADMINS, "")
    for name, words in choices.items():
        chosen = args.get(name, "")
        values[name] = chosen if chosen in words[1:] else ""
    user_id, is_known = person.id, True
    if visit.is_admin:
        user_id = 0
        if values["user"]:
            found = await find_user(ui.services, values["user"])
            user_id, is_known = (found, True) if found else (0, False)
    values["compare"] = "no" if args.get("compare") == "no" else ""
    channels = channels_of(ui.services, values["provider"]) if values["provider"] else None
    called = channels_called(ui.services, values["channel"]) if values["channel"] else frozenset()
    one = next(iter(called)) if len(called) == 1 else 0
    if len(called) > 1:
        channels = called if channels is None else called & channels
    view = ui.services.registry.current.channels.get(one)
    return Scope(
        path=request.path,
        range=span,
        edges=ranges.edges(span, visit.zone),
        only=Only(
            user_id=user_id,
            token_name=values["token"],
            model=values["model"],
            channel_id=one,
            channels=channels,
            group=values["group"],
            format=values["format"],
        ),
        values=values,
        channel_name=view.name if view is not None and view.name else _unnamed(values["channel"]),
        is_known=is_known and bool(called or not values["channel"]),
    )


def _unnamed(channel: str) -> str:
    return f"#{channel}" if channel.isdigit() else channel
