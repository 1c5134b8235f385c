"""The list of channels and what is done to its rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, said
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path, with_query
from admin_ui.views.picked import as_number, ask_to_delete, picked_ids
from gateway.accounts.refusals import Refused
from gateway.channels import bulk, directory, edits
from gateway.channels.balances import update_balance
from gateway.channels.probe import Order
from gateway.management.guard import author, needs
from storage.records import ChannelStatus, Role
from storage.repositories.channels import SORTABLE
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_LIST = "/channels"
_RECENT = 20
_STATES = {"1": ChannelStatus.ENABLED, "2": ChannelStatus.DISABLED, "3": ChannelStatus.AUTO_DISABLED}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _bulk(area, ui)
    _tests(area, ui)
    _steps(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def channels() -> Response:
        groups = list(ui.options.group_ratio)
        types = {str(p.id): p.name for p in ui.services.catalogue.providers}
        query = read_query(
            columns=SORTABLE,
            filters={"status": tuple(_STATES), "type": tuple(types), "group": groups, "model": None},
        )
        equal: dict[str, int | str] = {
            name: int(query.filters[name]) for name in ("status", "type") if query.filters[name]
        }
        wanted = Wanted(text=query.q, equal=equal, group=query.filters["group"], model=query.filters["model"])
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
        )

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


def _bulk(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/bulk")
    @needs(Role.ADMIN)
    async def bulk_channels() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        ids = await picked_ids()
        if not ids:
            return ui.go(back, note=_("Nothing was selected."), kind="info")
        what = form.values.get("do", "")
        if what == "change":
            what = form.values.get("what", "")
        if what in ("enable", "disable"):
            done = await bulk.switch_channels(ui.services, author(), ids, enabled=what == "enable")
            return ui.go(back, note=_n("{n} channel was changed.", "{n} channels were changed.", done))
        if what == "delete" and not form.flag("sure"):
            return ask_to_delete(
                ui,
                ids,
                action="/channels/bulk",
                title=_n("Delete {n} channel?", "Delete {n} channels?", len(ids)),
                text=_("What runs on them goes on to its end. This cannot be undone."),
                back=back,
            )
        if what == "delete":
            gone = await bulk.delete_channels(ui.services, author(), ids)
            return ui.go(back, note=_n("{n} channel was deleted.", "{n} channels were deleted.", gone))
        try:
            changed = await _change(form, what, ids)
        except Refused as error:
            return ui.refused(back, error)
        if not form.is_sound:
            return ui.go(back, note="; ".join(form.errors.values()), kind="bad")
        return ui.go(back, note=_n("{n} channel was changed.", "{n} channels were changed.", changed))

    async def _change(form: Form, what: str, ids: Sequence[int]) -> int:
        if what == "priority":
            number = form.integer("value", least=-(10**6), most=10**6)
            return await bulk.set_priority(ui.services, author(), ids, number) if form.is_sound else 0
        if what == "weight":
            number = form.integer("value", least=0, most=10**6)
            return await bulk.set_weight(ui.services, author(), ids, number) if form.is_sound else 0
        columns = {"models": "models", "groups": "group"}
        verb, _dash, noun = what.partition("-")
        names = form.names("value")
        if noun not in columns or not names:
            form.fault("value", _("Please say what to change, and to what."))
            return 0
        do = bulk.add_names if verb == "add" else bulk.remove_names
        return await do(ui.services, author(), ids, column=columns[noun], names=names)


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
        total = off if scope == "disabled" else sum(counts.values())
        done = min(await directory.count_tested_since(ui.services, since), total) if since else 0
        rows, _total = await directory.list_channels(ui.services, Wanted(), Sort("test_time"), Page(0, _RECENT))
        return ui.page(
            "pages/channel_tests.html",
            total=total,
            done=done,
            rows=[row for row in rows if since and row.test_time >= since],
            here=with_query("/channels/test", since=since, scope=scope),
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
