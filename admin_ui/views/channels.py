"""The list of channels and what is done to its rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request

from admin_ui.exports import csv_response, instant
from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, said
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path, with_query
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels import bulk, directory, edits
from gateway.channels.balances import update_balance
from gateway.channels.probe import Order
from gateway.management.guard import author, needs
from gateway.traffic import channels as traffic
from storage.records import ChannelStatus, Role
from storage.repositories.channels import SORTABLE
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.records import Channel

_LIST = "/channels"
_RECENT = 20
_COLUMNS = (
    "id", "name", "type", "state", "models", "groups", "priority", "weight", "base_url", "used_units", "balance_usd",
    "tested", "test_ms", "created",
)  # fmt: skip
_STATES = {"1": ChannelStatus.ENABLED, "2": ChannelStatus.DISABLED, "3": ChannelStatus.AUTO_DISABLED}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _tests(area, ui)
    _steps(area, ui)


def channel_query(ui: Ui, address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of channels."""
    types = tuple(str(provider.id) for provider in ui.services.catalogue.providers)
    filters = {"status": tuple(_STATES), "type": types, "group": list(ui.options.group_ratio), "model": None}
    return read_query(columns=SORTABLE, filters=filters, address=address)


def wanted_channels(query: ListQuery) -> Wanted:
    """Return which rows that is."""
    equal: dict[str, int | str] = {
        name: int(query.filters[name]) for name in ("status", "type") if query.filters[name]
    }
    return Wanted(text=query.q, equal=equal, group=query.filters["group"], model=query.filters["model"])


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def channels() -> Response:
        groups = list(ui.options.group_ratio)
        types = {str(p.id): p.name for p in ui.services.catalogue.providers}
        query = channel_query(ui)
        wanted = wanted_channels(query)
        rows, total = await directory.list_channels(ui.services, wanted, query.order, query.rows)
        counts = await directory.count_by_state(ui.services)
        used = {view.type for view in ui.services.registry.current.channels.values()}
        return ui.page(
            "pages/channels.html",
            query=query,
            rows=rows,
            total=total,
            types=types,
            type_filter=[(key, name) for key, name in types.items() if int(key) in used],
            groups=groups,
            counts=counts,
            health={row.id: directory.health(ui.services, row) for row in rows},
            day=await traffic.last_day(ui.services, [row.id for row in rows]),
        )

    @area.get("/channels/export.csv")
    @needs(Role.ADMIN)
    async def export_channels() -> Response:
        query = channel_query(ui)
        types = {provider.id: provider.name for provider in ui.services.catalogue.providers}

        async def read(page: Page) -> tuple[list[Channel], int]:
            return await directory.list_channels(ui.services, wanted_channels(query), query.order, page)

        return csv_response("channels", _COLUMNS, read, lambda channel: _cells(channel, types))

    @area.get("/channels/delete-disabled")
    @needs(Role.ADMIN)
    async def ask_delete_disabled() -> Response:
        counts = await directory.count_by_state(ui.services)
        gone = counts.get(ChannelStatus.DISABLED, 0) + counts.get(ChannelStatus.AUTO_DISABLED, 0)
        wanted = Page(0, _RECENT)
        names: list[str] = []
        for status in (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED):
            found, _total = await directory.list_channels(
                ui.services, Wanted(equal={"status": int(status)}), Sort(), wanted
            )
            names += [channel.name for channel in found]
        return ui.page(
            "pages/confirm.html",
            title=_n("Delete {n} disabled channel?", "Delete {n} disabled channels?", gone),
            text=_("Those switched off by hand and those that went off by themselves. This cannot be undone."),
            items=[*names[:_RECENT], *(["…"] if gone > _RECENT else [])],
            action="/channels/delete-disabled",
            verb=_("Delete"),
            back=_LIST,
        )

    @area.post("/channels/delete-disabled")
    @needs(Role.ADMIN)
    async def delete_disabled() -> Response:
        gone = await edits.delete_disabled(ui.services, author())
        return ui.go(_LIST, note=_n("{n} channel was deleted.", "{n} channels were deleted.", gone))

    @area.post("/channels/balances")
    @needs(Role.ADMIN)
    async def all_balances() -> Response:
        try:
            ui.plane.prober.begin(Order.BALANCES)
        except Refused as error:
            return ui.refused(_LIST, error)
        return ui.go(_LIST, note=_("Providers are being asked for their balances; reload in a moment."), kind="info")


def _cells(channel: Channel, types: Mapping[int, str]) -> list[object]:
    """Return what an export says of a channel: everything but its key."""
    status = channel.status
    return [
        channel.id,
        channel.name,
        types.get(channel.type, channel.type),
        ChannelStatus(status).name.lower() if status in set(ChannelStatus) else status,
        channel.models,
        channel.group,
        channel.priority,
        channel.weight,
        channel.base_url,
        channel.used_quota,
        channel.balance if channel.balance_updated_time else "",
        instant(channel.test_time),
        channel.response_time if channel.test_time else "",
        instant(channel.created_time),
    ]


def _tests(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/test")
    @needs(Role.ADMIN)
    async def test_all() -> Response:
        only_disabled = (await request.form).get("scope") == "disabled"
        try:
            ui.plane.prober.begin(Order.TEST_DISABLED if only_disabled else Order.TEST_ALL)
        except Refused as error:
            return ui.refused(_LIST, error)
        scope = "disabled" if only_disabled else ""
        return ui.go(with_query("/channels/test", since=int(time.time()), scope=scope))

    @area.post("/channels/test/stop")
    @needs(Role.ADMIN)
    async def stop_tests() -> Response:
        ui.plane.prober.stop()
        return ui.go(_LIST, note=_("Testing was stopped; channels that were tested keep their outcome."), kind="info")

    @area.get("/channels/test")
    @needs(Role.ADMIN)
    async def test_progress() -> Response:
        since = as_number(request.args.get("since", ""))
        counts = await directory.count_by_state(ui.services)
        scope = request.args.get("scope", "")
        off = counts.get(ChannelStatus.DISABLED, 0) + counts.get(ChannelStatus.AUTO_DISABLED, 0)
        # `of`: how many were ticked.
        total = as_number(request.args.get("of", "")) or (off if scope == "disabled" else sum(counts.values()))
        done = min(await directory.count_tested_since(ui.services, since), total) if since else 0
        rows, _total = await directory.list_channels(ui.services, Wanted(), Sort("test_time"), Page(0, _RECENT))
        return ui.page(
            "pages/channel_tests.html",
            total=total,
            done=done,
            rows=[row for row in rows if since and row.test_time >= since],
            here=with_query("/channels/test", since=since, scope=scope, of=request.args.get("of", "")),
        )

    @area.get("/channels/<number>/test")
    @needs(Role.ADMIN)
    async def test_page(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        return ui.page("pages/channel_test.html", channel=channel, form=Form(), outcome=None, fault="")

    @area.post("/channels/<number>/test")
    @needs(Role.ADMIN)
    async def test_one(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        form = await read_form()
        outcome, fault = None, ""
        try:
            outcome = await ui.plane.prober.test(channel.id, model=form.text("model"))
        except Refused as error:
            fault = said(error.message)
        return ui.page("pages/channel_test.html", channel=channel, form=form, outcome=outcome, fault=fault)


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.get("/channels/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_channel(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        orphans = directory.only_here(ui.services, channel)
        text = _("What runs on it goes on to its end. This cannot be undone.")
        if orphans:
            text = (
                _n("{n} model will have no other channel:", "{n} models will have no other channel:", len(orphans))
                + " "
                + text
            )
        return ui.page(
            "pages/confirm.html",
            title=_("Delete channel {name}?", name=channel.name),
            text=text,
            items=orphans[:_RECENT],
            action=f"/channels/{channel.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )

    @area.post("/channels/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_channel(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        channel = await edits.read_channel(ui.services, as_number(number))
        if step == "delete":
            await edits.delete_channel(ui.services, author(), channel.id)
            return ui.go(_LIST, note=_("Channel {name} was deleted.", name=channel.name))
        if step == "resume":
            await bulk.clear_suspensions(ui.services, author(), channel.id)
            return ui.go(back, note=_("{name} is tried again from now on.", name=channel.name))
        if step == "balance":
            try:
                balance = await update_balance(ui.services, channel.id)
            except Refused as error:
                return ui.refused(back, error)
            return ui.go(back, note=_("{name} has ${amount} left.", name=channel.name, amount=f"{balance:,.2f}"))
        on = step == "enable"
        await edits.switch_channel(
            ui.services, author(), channel.id, ChannelStatus.ENABLED if on else ChannelStatus.DISABLED
        )
        undo = Undo(f"/channels/{channel.id}/{'disable' if on else 'enable'}", {"next": back})
        text = _("{name} is enabled.", name=channel.name) if on else _("{name} is disabled.", name=channel.name)
        return ui.go(back, note=text, undo=undo)
