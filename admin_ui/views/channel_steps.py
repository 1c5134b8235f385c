"""What is done to one row of the list of channels, and how that is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, told
from admin_ui.ui import Undo, local_path
from admin_ui.views.channels import LIST, arranged, channel_query, rows_of
from admin_ui.views.picked import as_number
from gateway.accounts.preferences import show_column
from gateway.accounts.refusals import Refused
from gateway.channels import bulk, changes, directory, removal
from gateway.channels.balances import update_balance
from gateway.channels.edits import read_channel
from gateway.channels.probe import Order
from gateway.management.guard import actor, author, needs
from storage.records import ChannelStatus, Role
from storage.repositories.channel_lists import WantedChannels
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.changes import Change
    from storage.records import Channel

_NAMED = 20
_LISTED = 500
_FIELDS = ("priority", "weight", "testing_model")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _inline(area, ui)
    _removal(area, ui)
    _steps(area, ui)


def undo_of(batch: str, back: str, *, removed: bool = False) -> Undo | None:
    """Return the form that takes back what was done together."""
    action = "/channels/restore" if removed else "/channels/undo"
    return Undo(action, {"batch": batch, "next": back}) if batch else None


def left_alone(orphans: Sequence[str]) -> str:
    """Say which models have no channel now, empty when there is none."""
    if not orphans:
        return ""
    names = ", ".join(orphans[:3]) + ("…" if len(orphans) > 3 else "")
    return " " + _n(
        "{n} model has no channel now: {names}", "{n} models have no channel now: {names}", len(orphans), names=names
    )


async def _answer(ui: Ui, channel_id: int, back: str) -> Response:
    """Lead back, or where a script asked, answer with the row alone."""
    if not request.headers.get("HX-Request"):
        return ui.go(back)
    query = channel_query(ui, back)
    channel = await read_channel(ui.services, channel_id)
    return ui.page(
        "pages/channel_row.html",
        arranged=await arranged(ui, query),
        shown=await rows_of(ui, query, [channel], {}),
    )


def _inline(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/<number>/inline")
    @needs(Role.ADMIN)
    async def change_inline(number: str) -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), LIST)
        channel = await read_channel(ui.services, as_number(number))
        try:
            change = _read_change(form)
            if change is None:
                ui.note("; ".join(form.errors.values()), kind="bad")
            else:
                done = await bulk.change_channels(ui.services, author(), [channel.id], change)
                for failed in done.failed:
                    ui.note(told(failed.why), kind="bad")
                if done.batch:
                    ui.note(_("{name} was changed.", name=channel.name), undo=undo_of(done.batch, back))
        except Refused as error:
            ui.note(told(error.message), kind="bad")
        return await _answer(ui, channel.id, back)

    @area.get("/channels/<number>/testing-model")
    @needs(Role.ADMIN)
    async def ask_testing_model(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        back = local_path(request.args.get("next", ""), LIST)
        models = sorted(changes.split(channel.models))
        return ui.page("pages/channel_testing_model.html", channel=channel, models=models, back=back)

    @area.post("/channels/undo")
    @needs(Role.ADMIN)
    async def undo_channels() -> Response:
        form = await request.form
        back = local_path(form.get("next", ""), LIST)
        try:
            count = await bulk.undo_changes(ui.services, author(), form.get("batch", ""))
        except Refused as error:
            return ui.refused(back, error)
        note = _n("{n} channel is as it was.", "{n} channels are as they were.", count)
        return ui.go(back, note=note if count else _("Somebody changed it since; nothing was undone."))


def _read_change(form: Form) -> Change | None:
    parts: list[Change] = []
    if "priority" in form.values:
        parts.append(changes.to_priority(form.integer("priority", least=-(10**6), most=10**6)))
    if "weight" in form.values:
        parts.append(changes.to_weight(form.integer("weight", least=0, most=10**6)))
    if "testing_model" in form.values:
        parts.append(changes.to_testing_model(form.text("testing_model", most=255)))
    return changes.together(*parts) if form.is_sound else None


def _removal(area: Blueprint, ui: Ui) -> None:
    @area.get("/channels/delete-disabled")
    @needs(Role.ADMIN)
    async def ask_delete_disabled() -> Response:
        found: list[Channel] = []
        total = 0
        for status in (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED):
            wanted = WantedChannels(status=int(status))
            rows, number = await directory.list_channels(ui.services, wanted, Sort("name", True), Page(0, _LISTED))
            found += rows
            total += number
        more = total - len(found)
        return ui.page(
            "pages/confirm.html",
            title=_n("Delete {n} disabled channel?", "Delete {n} disabled channels?", len(found))
            if found
            else _("No channel is disabled"),
            text=_("Those switched off by hand, and those that went off by themselves. This can be undone at once.")
            + (
                " " + _n("{n} more is left for the next time.", "{n} more are left for the next time.", more)
                if more
                else ""
            ),
            items=[f"{channel.name} #{channel.id}" for channel in found],
            action="/channels/delete-disabled",
            verb=_("Delete"),
            back=LIST,
            fields={"ids": ",".join(str(channel.id) for channel in found)},
        )

    @area.post("/channels/delete-disabled")
    @needs(Role.ADMIN)
    async def delete_disabled() -> Response:
        shown = [as_number(text) for text in (await request.form).get("ids", "").split(",") if text]
        gone = await removal.remove_disabled(ui.services, author(), shown)
        note = _n("{n} channel was deleted.", "{n} channels were deleted.", len(gone.channels))
        return ui.go(LIST, note=note, undo=undo_of(gone.batch, LIST, removed=True))

    @area.post("/channels/restore")
    @needs(Role.ADMIN)
    async def restore_channels() -> Response:
        form = await request.form
        back = local_path(form.get("next", ""), LIST)
        try:
            restored = await removal.restore_channels(ui.services, author(), form.get("batch", ""))
        except Refused as error:
            return ui.refused(back, error)
        return ui.go(back, note=_n("{n} channel is back.", "{n} channels are back.", len(restored)))

    @area.get("/channels/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_channel(number: str) -> Response:
        channel = await read_channel(ui.services, as_number(number))
        back = local_path(request.args.get("next", ""), LIST)
        orphans = directory.only_here(ui.services, channel)
        text = _("What runs on it goes on to its end. This can be undone at once.")
        if orphans:
            loss = _n("{n} model will have no other channel:", "{n} models will have no other channel:", len(orphans))
            text = f"{text} {loss}"
        return ui.page(
            "pages/confirm.html",
            title=_("Delete channel {name}?", name=channel.name),
            text=text,
            items=orphans[:_NAMED],
            action=f"/channels/{channel.id}/delete",
            verb=_("Delete"),
            back=back,
            fields={"next": back},
        )


async def ask_for_balances(ui: Ui, ids: Sequence[int], back: str) -> Response:
    """Have channels (none: all) asked what is left with their providers, and lead to where one sees it.

    The list comes without that column. Raises `Refused` where tests or questions run already.
    """
    ui.plane.prober.begin(Order.BALANCES, ids)
    note = _("Providers are being asked for their balances. Reload in a moment to see them in the column Balance.")
    if await show_column(ui.services, actor().id, "channels", "balance"):
        note += " " + _("It is shown from now on.")
    return ui.go(back, note=note, kind="info")


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/balances")
    @needs(Role.ADMIN)
    async def all_balances() -> Response:
        try:
            return await ask_for_balances(ui, (), LIST)
        except Refused as error:
            return ui.refused(LIST, error)

    @area.post("/channels/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_channel(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), LIST)
        channel = await read_channel(ui.services, as_number(number))
        if step == "delete":
            gone = await removal.remove_channel(ui.services, author(), channel.id)
            note = _("Channel {name} was deleted.", name=channel.name)
            return ui.go(back, note=note, undo=undo_of(gone.batch, back, removed=True))
        if step == "resume":
            await bulk.clear_suspensions(ui.services, author(), channel.id)
            ui.note(_("{name} is tried again from now on.", name=channel.name))
        elif step == "balance":
            try:
                balance = await update_balance(ui.services, channel.id)
            except Refused as error:
                return ui.refused(back, error)
            ui.note(_("{name} has ${amount} left.", name=channel.name, amount=f"{balance:,.2f}"))
        elif step in ("enable", "disable"):
            await _switch(ui, channel, back, enabled=step == "enable")
        else:
            ui.note(_("There is no such page"), kind="bad")
        return await _answer(ui, channel.id, back)


async def _switch(ui: Ui, channel: Channel, back: str, *, enabled: bool) -> None:
    lost = [] if enabled else directory.only_here(ui.services, channel)
    done = await bulk.switch_channels(ui.services, author(), [channel.id], enabled=enabled)
    text = _("{name} is enabled.", name=channel.name) if enabled else _("{name} is disabled.", name=channel.name)
    ui.note(text + left_alone(lost), undo=undo_of(done.batch, back))
