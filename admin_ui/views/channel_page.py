"""The pages of one channel: how it does, its models, its last requests, and who changed it."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING

from quart import request

from adapters.formats.neutral.terms import FORMAT_TITLES
from admin_ui import ranges
from admin_ui.i18n import _
from admin_ui.lists import in_order, read_query
from admin_ui.shown import dollars
from admin_ui.views.audit import action_word
from admin_ui.views.channel_charts import charts_of
from admin_ui.views.channel_conflict import label_of
from admin_ui.views.channel_frame import frame_of
from admin_ui.views.picked import as_number
from admin_ui.views.requests import outcome_word
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word
from gateway.audit import book
from gateway.channels import standing
from gateway.channels.edits import read_channel
from gateway.channels.served import served_models
from gateway.management.guard import actor, needs
from gateway.traffic import channels as traffic
from gateway.traffic import log
from gateway.traffic.log import Look
from storage.records import Role
from storage.repositories.audit import MOST_SORTED, SORTABLE, AuditFilter
from storage.repositories.log_asked import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from fractions import Fraction

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.served import ServedModel

_SPANS = ("1h", "24h", "7d", "30d")
_LAST = 20
_REQUESTS = 25
_DAY_S = 86_400
_MODEL_SORTS: Mapping[str, Callable[[ServedModel], Fraction | float | str | None]] = {
    "model": lambda row: row.model.lower(),
    # What serves, what serves some, what rests, what is off.
    "state": lambda row: 2 if row.back_in_s > 0 else 3 if not row.groups_on else int(row.groups_on < row.groups),
    "sent": lambda row: row.sent.lower(),
    "input": lambda row: row.input_usd,
    "output": lambda row: row.output_usd,
    "cached": lambda row: row.cached_usd,
    "context": lambda row: row.context or None,
    "limit": lambda row: row.limit or None,
    "requests": lambda row: row.did.answered + row.did.failed,
    "failed": lambda row: row.did.share,
}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/channels/<number>")
    @needs(Role.ADMIN)
    async def channel_page(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        span = ranges.read_range(current_visit().zone, names=_SPANS, default="24h")
        return ui.page(
            "pages/channel.html",
            channel=channel,
            frame=await frame_of(ui, channel, "summary"),
            span=span,
            spans=[(name, _(ranges.TITLES[name])) for name in _SPANS],
            week=await standing.last_week(ui.services, channel.id),
            charts=await charts_of(ui, channel.id, span),
            rests=await standing.rests(ui.services, channel),
            tests=await standing.last_tests(ui.services, channel.id, _LAST),
            failures=await traffic.last_failures(ui.services, channel.id, limit=_LAST),
            failure_word=failure_word,
            format_words=FORMAT_TITLES,
        )

    @area.get("/channels/<number>/models")
    @needs(Role.ADMIN)
    async def channel_models(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        query = read_query(columns=tuple(_MODEL_SORTS))
        rows = await served_models(ui.services, channel)
        found = [row for row in rows if query.q.lower() in f"{row.model} {row.sent}".lower()]
        if value := _MODEL_SORTS.get(query.sort):
            found = in_order(found, value, ascending=query.ascending)
        return ui.page(
            "pages/channel_models.html",
            channel=channel,
            frame=await frame_of(ui, channel, "models"),
            query=query,
            rows=query.rows.of(found),
            total=len(found),
            price=_price,
        )

    @area.get("/channels/<number>/requests")
    @needs(Role.ADMIN)
    async def channel_requests(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        # A busy channel's last ones are found in a day; one that has few is read as a whole as quickly.
        recent = Look(asked=Asked(channel_id=channel.id, since=int(time.time()) - _DAY_S))
        page = await log.read_page(ui.services, actor(), recent, size=_REQUESTS)
        if len(page.entries) < _REQUESTS:
            everything = Look(asked=Asked(channel_id=channel.id))
            page = await log.read_page(ui.services, actor(), everything, size=_REQUESTS)
        return ui.page(
            "pages/channel_requests.html",
            channel=channel,
            frame=await frame_of(ui, channel, "requests"),
            page=page,
            words=outcome_word,
            zone=str(current_visit().zone),
        )

    @area.get("/channels/<number>/history")
    @needs(Role.ADMIN)
    async def channel_history(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        query = read_query(columns=SORTABLE)
        entries, total = await book.read_page(
            ui.services, AuditFilter(kind="channel", object_id=channel.id), query.rows, query.order
        )
        return ui.page(
            "pages/channel_history.html",
            channel=channel,
            frame=await frame_of(ui, channel, "history"),
            query=query,
            entries=entries,
            total=total,
            is_sortable=total <= MOST_SORTED,
            action_word=action_word,
            field_word=_field_word,
        )

    @area.get("/channels/<number>/health")
    @needs(Role.ADMIN)
    async def moved_channel_health(number: str) -> Response:
        query = request.query_string.decode("ascii", "replace")
        return ui.go(f"/channels/{as_number(number)}" + (f"?{query}" if query else ""))


def _price(usd: Fraction) -> str:
    return dollars(Decimal(usd.numerator) / Decimal(usd.denominator))


def _field_word(name: str) -> str:
    """Return what people call a column of a channel."""
    words = {"group": _("Groups"), "status": _("State"), "key": _("Key"), "keys": _("Keys"), "reason": _("Reason")}
    return words.get(name) or label_of(name)
