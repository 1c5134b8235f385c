"""One model: what it can do and costs, for whom, over which channels, and what a request of some size would cost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request

from admin_ui import model_words
from admin_ui.i18n import _
from admin_ui.ui import with_query
from admin_ui.views.models import GROUP, SHOWN, groups_of, own_tokens, shown_group
from admin_ui.views.status import bars, percent
from admin_ui.visit import current_visit
from gateway.accounts.refusals import NotFound
from gateway.channels.kinds import ENDPOINTS, kind_of
from gateway.management.guard import anybody
from gateway.relay import endpoints
from gateway.relay.routing import Asked, routing
from gateway.site.model_offers import group_prices, offers
from gateway.site.model_table import ModelTable, usable_by
from gateway.site.price_history import price_history
from gateway.site.price_quotes import MOST_TOKENS, Tokens, quotes
from gateway.site.uptime import DAYS, Uptime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.routing import Routing
    from gateway.site.model_offers import Hours
    from gateway.site.model_prices import PriceReader
    from gateway.site.price_quotes import Quote

_WIDTH, _HEIGHT = DAYS * 5, 24
_MOST_ROWS = 200
_WEEKDAYS = 7


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    table, uptime = ModelTable(ui.services), Uptime(ui.services)

    @area.get("/models/<path:name>")
    @anybody()
    async def model_page(name: str) -> Response:
        visit, args = current_visit(), request.args
        if visit.user is None and not ui.options.flag(SHOWN):
            return ui.go(with_query("/login", next=request.path))
        groups = groups_of(ui) if visit.is_admin else []
        chosen = args.get("of", "") if visit.is_admin else ""
        group = shown_group(chosen if chosen in (f"{GROUP}{one}" for one in groups) else "", visit.user) or ""
        row = table.row(None if visit.is_admin else group, name)
        if row is None:
            raise NotFound("there is no such model")
        snapshot = ui.services.registry.current
        serving = sorted(snapshot.candidates(group, name), key=lambda channel: (-channel.priority, channel.id))
        having = [one for one in snapshot.channels.values() if name in one.models] if visit.is_admin else serving
        tokens = await own_tokens(ui, visit.user)
        asked, numbers = _tokens(args.get("in", ""), args.get("cached", ""), args.get("out", ""))
        health = (await uptime.look(group, [name]))[0] if visit.user is not None else None
        return ui.page(
            "pages/model.html",
            row=row,
            of_group=group,
            groups=groups,
            offers=offers(table.reader, name, serving or having),
            is_served=bool(serving),
            tokens=tokens,
            usable=usable_by(name, tokens),
            by_group=group_prices(table.reader, snapshot, name, groups),
            route=_route(ui, table.reader, name, group, serving or having) if visit.is_admin else None,
            asked=asked,
            numbers=numbers,
            quotes=_quotes(table.reader, name, serving or having, asked) if asked is not None else [],
            health=health,
            paths=bars(health) if health is not None else {},
            n_days=DAYS,
            bar=(_WIDTH, _HEIGHT),
            percent=percent,
            history=await price_history(ui.services, name, having, groups) if visit.is_admin else [],
            words=model_words,
            hours=hours_in_words,
        )


def hours_in_words(hours: Hours) -> str:
    """Return at which times a price holds."""
    window = hours.window
    zone = f"UTC{window.utc_offset_h:+d}" if window.utc_offset_h else "UTC"
    spans = ", ".join(f"{start:%H:%M}–{end:%H:%M}" for start, end in window.hours)  # noqa: RUF001 - from, to
    days = [_("Sun"), _("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat")]
    on = ", ".join(days[day] for day in sorted(window.weekdays)) if len(window.weekdays) < _WEEKDAYS else ""
    since = _("from {day} on", day=window.since.isoformat()) if window.since else ""
    until = _("before {day}", day=window.until.isoformat()) if window.until else ""
    return " · ".join(filter(None, (f"{spans} {zone}", on, since, until)))


def _tokens(*texts: str) -> tuple[Tokens | None, dict[str, str]]:
    """Return the request that was asked about, `None` without any number, and what stands in the fields."""
    numbers = [_number(text) for text in texts]
    shown = {
        name: "" if number is None else str(number)
        for name, number in zip(("in", "cached", "out"), numbers, strict=True)
    }
    if not any(numbers):
        return None, shown
    prompt, cached, completion = (number or 0 for number in numbers)
    return Tokens(prompt=prompt, cached=min(cached, prompt), completion=completion), shown


def _number(text: str) -> int | None:
    digits = text.replace(",", "").replace(" ", "").strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 12:
        return None
    return min(int(digits), MOST_TOKENS)


def _quotes(
    reader: PriceReader, model: str, channels: Sequence[ChannelView], asked: Tokens
) -> list[tuple[Quote, int]]:
    """Return quotes, each with for how many channels it stands: people who do not run them see prices only."""
    found = quotes(reader, model, channels, asked)
    if current_visit().is_admin:
        return [(quote, 1) for quote in found[:_MOST_ROWS]]
    distinct: dict[tuple[object, ...], tuple[Quote, int]] = {}
    for quote in found:
        key = (quote.channel.provider.name, quote.units, quote.price, quote.group_ratio)
        first, number = distinct.get(key, (quote, 0))
        distinct[key] = (first, number + 1)
    return list(distinct.values())


def _route(ui: Ui, reader: PriceReader, model: str, group: str, channels: Sequence[ChannelView]) -> Routing:
    suspensions = ui.services.registry.suspensions
    asked = Asked(
        group=group,
        model=model,
        endpoint=_endpoint(reader, model, channels),
        smallest_limit=ui.services.settings.default_use_min_max_tokens_model,
    )
    return routing(
        ui.services.registry.current,
        asked,
        suspended_until=lambda number: suspensions.until(group, model, number),
        now=time.time(),
    )


def _endpoint(reader: PriceReader, model: str, channels: Sequence[ChannelView]) -> Endpoint:
    """Return the endpoint at which a model is asked: that of its kind."""
    for channel in channels[:1]:
        kind = kind_of(channel, channel.upstream_model(model), reader.price(channel, model))
        if kind is not None:
            return ENDPOINTS[kind]
    return endpoints.CHAT
