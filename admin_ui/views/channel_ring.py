"""The keys of one channel: how each one is, adding and removing them, testing one. A key itself is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, told
from admin_ui.shown import duration
from admin_ui.views.channel_frame import frame_of
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import NotFound, Refused
from gateway.channels import edits, key_ring
from gateway.channels.credentials import parts_of_key
from gateway.channels.key_rules import MOST, one_key_only
from gateway.channels.secrets import read_config
from gateway.management.guard import author, needs
from gateway.traffic.log import masked
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.key_ring import KeyFacts
    from storage.records import Channel


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/channels/<number>/keys")
    @needs(Role.ADMIN)
    async def channel_keys(number: str) -> Response:
        return await _page(ui, await edits.read_channel(ui.services, as_number(number)), Form())

    @area.post("/channels/<number>/keys")
    @needs(Role.ADMIN)
    async def add_channel_keys(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        form = await read_form()
        form.text("keys", required=True, most=1_000_000)
        if form.is_sound:
            try:
                count = await key_ring.add_keys(ui.services, author(), channel.id, form.values["keys"])
            except Refused as error:
                form.fault("keys", told(error.message))
            else:
                return ui.go(_path(channel), note=_n("{n} key was added.", "{n} keys were added.", count))
        return await _page(ui, channel, form, 422)

    @area.get("/channels/<number>/keys/<key>/remove")
    @needs(Role.ADMIN)
    async def ask_remove_channel_key(number: str, key: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        one = await _one(ui, channel, key)
        text = _("The channel goes on with its other keys. What runs with this one goes on to its end.")
        if one.is_first:
            text += " " + _("The next key becomes the channel's own, which the original program would use.")
        return ui.page(
            "pages/confirm.html",
            title=_("Remove the key {key} of {name}?", key=one.name, name=channel.name),
            text=text,
            action=f"{_path(channel)}/{one.id}/remove",
            verb=_("Remove"),
            back=_path(channel),
        )

    @area.post("/channels/<number>/keys/<key>/remove")
    @needs(Role.ADMIN)
    async def remove_channel_key(number: str, key: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        one = await _one(ui, channel, key)
        try:
            await key_ring.remove_key(ui.services, author(), channel.id, one.id)
        except Refused as error:
            return ui.refused(_path(channel), error)
        return ui.go(_path(channel), note=_("The key {key} was removed.", key=one.name))

    @area.post("/channels/<number>/keys/<key>/clear")
    @needs(Role.ADMIN)
    async def clear_channel_key(number: str, key: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        one = await _one(ui, channel, key)
        await key_ring.clear_key(ui.services, author(), channel.id, one.id)
        return ui.go(_path(channel), note=_("The key {key} is used again from now on.", key=one.name))

    @area.post("/channels/<number>/keys/<key>/test")
    @needs(Role.ADMIN)
    async def test_channel_key(number: str, key: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        one = await _one(ui, channel, key)
        try:
            outcome = await ui.plane.prober.test(channel.id, key_id=one.id)
        except Refused as error:
            return ui.refused(_path(channel), error)
        if outcome.passed:
            took = duration(outcome.seconds * 1000)
            note = _("{key} passed with {model} in {time}.", key=one.name, model=outcome.model, time=took)
            return ui.go(_path(channel), note=note)
        text = masked(outcome.text)[:300]
        note = _("{key} failed with {model}: {text}", key=one.name, model=outcome.model, text=text)
        return ui.go(_path(channel), note=note, kind="bad")


def _path(channel: Channel) -> str:
    return f"/channels/{channel.id}/keys"


async def _one(ui: Ui, channel: Channel, key: str) -> KeyFacts:
    wanted = as_number(key)
    for one in await key_ring.list_keys(ui.services, channel):
        if one.id == wanted and wanted:
            return one
    raise NotFound(f"the channel has no key {wanted}", status=404)


async def _page(ui: Ui, channel: Channel, form: Form, status: int = 200) -> Response:
    provider = ui.services.catalogue.provider(channel.type)
    return ui.page(
        "pages/channel_keys.html",
        status,
        channel=channel,
        frame=await frame_of(ui, channel, "keys"),
        form=form,
        keys=await key_ring.list_keys(ui.services, channel),
        why_one=one_key_only(provider, read_config(channel.config)) if provider is not None else "",
        key_format="|".join(parts_of_key(provider)) if provider is not None else "",
        most=MOST,
        masked=masked,
    )
