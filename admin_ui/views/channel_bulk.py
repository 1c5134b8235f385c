"""What is done to several channels at once: shown first, with what would break, then done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n
from admin_ui.ui import Undo, local_path, with_query
from admin_ui.views.channels import channel_query, wanted_channels
from admin_ui.views.picked import as_number, picked_ids
from gateway.accounts.refusals import Refused
from gateway.channels import bulk
from gateway.channels.edits import read_channel
from gateway.channels.probe import Order
from gateway.management.guard import author, needs
from storage.records import ChannelStatus, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.bulk import Change, Plan

_LIST = "/channels"
_COLUMNS = {"models": "models", "groups": "group"}
_SHOWN = 50
# What an undo needs is kept in a cookie until the next page.
_UNDONE = 100


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/channels/bulk")
    @needs(Role.ADMIN)
    async def bulk_channels() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        try:
            ids = await _ids(ui, form, back)
            if not ids:
                return ui.go(back, note=_("Nothing was selected."), kind="info")
            return await _do(ui, form, ids, back)
        except Refused as error:
            return ui.refused(back, error)


async def _ids(ui: Ui, form: Form, back: str) -> list[int]:
    if form.flag("all"):
        return await bulk.matching_ids(ui.services, wanted_channels(channel_query(ui, back)))
    return await picked_ids()


async def _do(ui: Ui, form: Form, ids: Sequence[int], back: str) -> Response:
    what = form.values.get("do", "")
    if what in ("enable", "disable"):
        return await _switch(ui, form, ids, back, enabled=what == "enable")
    if what == "delete":
        return await _delete(ui, form, ids, back)
    if what == "test":
        ui.plane.prober.begin(Order.TEST_SOME, ids)
        return ui.go(with_query("/channels/test", since=int(time.time()), of=len(ids)))
    if what == "balance":
        ui.plane.prober.begin(Order.BALANCES, ids)
        note = _("Providers are being asked for their balances; reload in a moment.")
        return ui.go(back, note=note, kind="info")
    change = await _change(ui, form)
    if change is None and what == "copy":
        return _shown(ui, form, ids, back, None)
    if change is None:
        form.fault("value", _("Please say what to change, and to what."))
        return ui.go(back, note="; ".join(form.errors.values()), kind="bad")
    if not form.flag("sure"):
        return _shown(ui, form, ids, back, await bulk.plan_change(ui.services, ids, change))
    done = await bulk.change_channels(ui.services, author(), ids, change)
    return ui.go(back, note=_n("{n} channel was changed.", "{n} channels were changed.", done))


async def _switch(ui: Ui, form: Form, ids: Sequence[int], back: str, *, enabled: bool) -> Response:
    plan = await bulk.plan_absence(ui.services, ids)
    if not enabled and plan.orphans and not form.flag("sure"):
        return _shown(ui, form, ids, back, plan)
    after = ChannelStatus.ENABLED if enabled else ChannelStatus.DISABLED
    meant = [row.channel.id for row in plan.rows if row.channel.status != after]
    done = await bulk.switch_channels(ui.services, author(), meant, enabled=enabled)
    undo = None
    if 0 < done <= _UNDONE:
        fields = {
            "ids": ",".join(map(str, meant)),
            "do": "disable" if enabled else "enable",
            "next": back,
            "sure": "1",
        }
        undo = Undo("/channels/bulk", fields)
    note = _n("{n} channel is enabled now.", "{n} channels are enabled now.", done)
    if not enabled:
        note = _n("{n} channel is disabled now.", "{n} channels are disabled now.", done)
    return ui.go(back, note=note, undo=undo)


async def _delete(ui: Ui, form: Form, ids: Sequence[int], back: str) -> Response:
    if not form.flag("sure"):
        return _shown(ui, form, ids, back, await bulk.plan_absence(ui.services, ids))
    gone = await bulk.delete_channels(ui.services, author(), ids)
    return ui.go(back, note=_n("{n} channel was deleted.", "{n} channels were deleted.", gone))


async def _change(ui: Ui, form: Form) -> Change | None:
    """Return what is to become of each channel, `None` while that is not said yet."""
    if form.values.get("do") == "copy":
        source = as_number(form.values.get("source", ""))
        fields = form.many.get("field", [])
        if not source or not fields:
            return None
        return bulk.copied_from(await read_channel(ui.services, source), fields)
    what = form.values.get("what", "")
    if what == "priority":
        number = form.integer("value", least=-(10**6), most=10**6)
        return bulk.to_priority(number) if form.is_sound and form.values.get("value") else None
    if what == "weight":
        number = form.integer("value", least=0, most=10**6)
        return bulk.to_weight(number) if form.is_sound and form.values.get("value") else None
    verb, _dash, noun = what.partition("-")
    names = form.names("value")
    make = {"add": bulk.with_names, "remove": bulk.without_names, "set": bulk.to_names}.get(verb)
    if make is None or noun not in _COLUMNS or not names:
        return None
    return make(_COLUMNS[noun], names)


def _shown(ui: Ui, form: Form, ids: Sequence[int], back: str, plan: Plan | None) -> Response:
    """Show what would be done, or for copying ask what."""
    what = form.values.get("do", "")
    kept = {name: form.values[name] for name in ("do", "what", "value", "source") if form.values.get(name)}
    snapshot = ui.services.registry.current
    return ui.page(
        "pages/channel_bulk.html",
        what=what,
        plan=plan,
        most=_SHOWN,
        ids=ids,
        back=back,
        kept=kept | {"next": back},
        fields=form.many.get("field", []),
        copied=[(name, field_word(name)) for name in bulk.COPIED],
        channels=[(c.id, c.label) for c in sorted(snapshot.channels.values(), key=lambda c: c.name.lower())],
        field_word=field_word,
    )


def field_word(name: str) -> str:
    """Return what a column of channels is called."""
    return {
        "models": _("Models"),
        "group": _("Groups"),
        "model_mapping": _("Names of models"),
        "model_configs": _("Prices"),
        "ratelimit": _("Rate limit"),
        "system_prompt": _("System prompt"),
        "priority": _("Priority"),
        "weight": _("Weight"),
    }.get(name, name)
