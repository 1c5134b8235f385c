"""The form of a channel: knows what each type asks for, its models and their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n
from admin_ui.views import channel_conflict, channel_help
from admin_ui.views.channel_fields import OPENAI, REFUSED, provider_of, read_edit, values_of
from admin_ui.views.channel_frame import frame_of
from admin_ui.views.channel_keys import IN_TURN, LINES
from admin_ui.views.channel_shown import shown
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels import edits, labels
from gateway.channels.trial import try_out
from gateway.management.guard import author, needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.edits import ChannelEdit
    from storage.records import Channel

_LIST = "/channels"
_SAVES = ("save", "test")
"""Buttons that write the channel; all others show the form again."""


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _pages(area, ui)
    _saving(area, ui)


def _pages(area: Blueprint, ui: Ui) -> None:
    @area.get("/channels/new")
    @needs(Role.ADMIN)
    async def new_channel() -> Response:
        source = as_number(request.args.get("from", ""))
        if source:
            values = await _values(ui, await edits.read_channel(ui.services, source))
            values["name"] = _("{name} (copy)", name=values["name"])[:100]
            return shown(ui, Form(values=values), None)
        kind = as_number(request.args.get("type", ""))
        values = {"type": str(kind or OPENAI), "groups": "default", "priority": "0", "weight": "0", "ratelimit": "0"}
        form = Form(values=values)
        provider = provider_of(ui, form)
        values["type"], values["name"] = str(provider.id), channel_help.suggested_name(ui, provider)
        if kind:
            values["models"] = "\n".join(provider.models)
        return shown(ui, form, None)

    @area.get("/channels/<number>/edit")
    @needs(Role.ADMIN)
    async def edit_channel(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        values = await _values(ui, channel)
        values[channel_conflict.MARKS] = channel_conflict.marks_of(values)
        return shown(ui, Form(values=values), channel, frame=await frame_of(ui, channel, "settings"))


def _saving(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/new")
    @needs(Role.ADMIN)
    async def create_channel() -> Response:
        form = await read_form()
        note = await channel_help.helped(ui, form, None)
        if note is not None:
            return shown(ui, form, None, note=note)
        edit = read_edit(ui, form, None)
        if form.values.get("do") == "try":
            return await _tried(ui, form, None, edit)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST)
        if form.is_sound:
            try:
                in_turn = form.values.get(LINES) == IN_TURN
                made = await edits.create_channels(ui.services, author(), edit, numbered=True, in_turn=in_turn)
            except Refused as error:
                form.refuse(error, REFUSED)
            else:
                return _made(ui, form, made)
        return shown(ui, form, None, 422)

    @area.post("/channels/<number>/edit")
    @needs(Role.ADMIN)
    async def update_channel(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        frame = await frame_of(ui, channel, "settings")
        form = await read_form()
        note = await channel_help.helped(ui, form, channel)
        if note is not None:
            return shown(ui, form, channel, frame=frame, note=note)
        values = await _values(ui, channel)
        channel_conflict.choose(form, values)
        found = channel_conflict.differences(form, values)
        form.values[channel_conflict.MARKS] = channel_conflict.marks_of(values)
        edit = read_edit(ui, form, channel)
        if form.values.get("do") == "try":
            return await _tried(ui, form, channel, edit)
        if form.is_sound and not found:
            try:
                await edits.update_channel(ui.services, author(), channel.id, edit)
            except Refused as error:
                form.refuse(error, REFUSED)
            else:
                path = f"/channels/{channel.id}" + ("/test" if form.values.get("do") == "test" else "")
                return ui.go(path, note=_("Channel {name} was saved.", name=edit.name))
        return shown(ui, form, channel, 409 if found else 422, frame=frame, conflict=found)


def _made(ui: Ui, form: Form, made: list[int]) -> Response:
    note = _n("{n} channel was created.", "{n} channels were created.", len(made))
    if len(made) > 1:
        return ui.go(_LIST, note=note)
    return ui.go(f"/channels/{made[0]}" + ("/test" if form.values.get("do") == "test" else ""), note=note)


async def _tried(ui: Ui, form: Form, channel: Channel | None, edit: ChannelEdit) -> Response:
    """Test what is typed, and show the form again with how it went."""
    frame = await frame_of(ui, channel, "settings") if channel else None
    outcome = None
    if form.is_sound:
        try:
            outcome = await try_out(ui.services, edit, channel)
        except Refused as error:
            form.refuse(error, REFUSED)
    return shown(ui, form, channel, 200 if form.is_sound else 422, frame=frame, outcome=outcome)


async def _values(ui: Ui, channel: Channel) -> dict[str, str]:
    return values_of(ui, channel, await labels.read_label(ui.services, channel.id))
