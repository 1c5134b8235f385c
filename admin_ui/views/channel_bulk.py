"""What is done to several channels at once: shown first, with what would break, then done; it can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.lists import ticking
from admin_ui.ui import local_path
from admin_ui.views import several
from admin_ui.views.channel_steps import ask_for_balances, left_alone, undo_of
from admin_ui.views.channel_tests import begin_tests
from admin_ui.views.channels import LIST, channel_query, wanted_channels
from admin_ui.views.picked import as_number, ticking_again
from admin_ui.views.several import Place
from gateway.accounts.refusals import Refused
from gateway.channels import bulk, changes, removal
from gateway.channels.edits import read_channel
from gateway.channels.jobs import Done
from gateway.channels.probe import Order
from gateway.management.guard import author, needs
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.channels.bulk import Plan
    from gateway.channels.changes import Change
    from gateway.channels.jobs import Progress

_COLUMNS = {"models": "models", "groups": "group"}
_SHOWN = 50
_DELETED = "channel.delete"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/channels/bulk")
    @needs(Role.ADMIN)
    async def bulk_channels() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), LIST)
        try:
            ids = await _ids(ui, form, back)
            if not ids:
                return ui.go(back, note=_("Nothing was selected."), kind="info")
            return await _do(ui, form, ids, back)
        except Refused as error:
            return ui.refused(await ticking_again(back), error)

    @area.get("/channels/jobs/<job>")
    @needs(Role.ADMIN)
    async def channel_job(job: str) -> Response:
        return await several.show_job(ui, job, _place())


async def _ids(ui: Ui, form: Form, back: str) -> list[int]:
    if form.flag("all"):
        return await bulk.matching_ids(ui.services, await wanted_channels(ui, channel_query(ui, back)))
    sent = await request.form
    # Whoever was shown what would be done sends all of them in one field.
    texts = [*sent.getlist("id"), *sent.get("ids", "").split(",")]
    return [number for text in texts[: bulk.MOST + 1] if (number := as_number(text))]


async def _do(ui: Ui, form: Form, ids: Sequence[int], back: str) -> Response:
    what = form.values.get("do", "")
    if what in ("enable", "disable"):
        return await _switch(ui, form, ids, back, enabled=what == "enable")
    if what == "delete":
        return await _delete(ui, form, ids, back)
    if what == "test":
        return await begin_tests(ui, Order.TEST_SOME, ids, back, again=await ticking_again(back))
    if what == "balance":
        return await ask_for_balances(ui, ids, back)
    change = await _change(ui, form)
    if change is None and what == "copy":
        return _shown(ui, form, ids, back, None)
    if change is None:
        form.fault("value", _("Please say what to change, and to what."))
        return ui.go(await ticking_again(back), note="; ".join(form.errors.values()), kind="bad")
    if not form.flag("sure"):
        return _shown(ui, form, ids, back, await bulk.plan_change(ui.services, ids, change))
    who = author()

    async def work(told: Progress) -> Done:
        return await bulk.change_channels(ui.services, who, ids, change, told)

    return await several.run(ui, _place(), "channel.update", len(ids), work, back)


async def _switch(ui: Ui, form: Form, ids: Sequence[int], back: str, *, enabled: bool) -> Response:
    plan = None if enabled else await bulk.plan_absence(ui.services, ids)
    if plan is not None and plan.orphans and not form.flag("sure"):
        return _shown(ui, form, ids, back, plan)
    who = author()

    async def work(told: Progress) -> Done:
        return await bulk.switch_channels(ui.services, who, ids, enabled=enabled, progress=told)

    lost = left_alone(plan.orphans) if plan is not None else ""
    what = "channel.enable" if enabled else "channel.disable"
    return await several.run(ui, _place(), what, len(ids), work, back, lost)


async def _delete(ui: Ui, form: Form, ids: Sequence[int], back: str) -> Response:
    if not form.flag("sure"):
        return _shown(ui, form, ids, back, await bulk.plan_absence(ui.services, ids))
    who = author()

    async def work(told: Progress) -> Done:
        gone = await removal.remove_channels(ui.services, who, ids, told)
        return Done(changed=[channel.id for channel in gone.channels], batch=gone.batch)

    return await several.run(ui, _place(), _DELETED, len(ids), work, back)


def _place() -> Place:
    return Place(
        path=LIST,
        title=_("Channels"),
        jobs="/channels/jobs",
        undo=lambda what, batch, back: undo_of(batch, back, removed=what == _DELETED),
    )


async def _change(ui: Ui, form: Form) -> Change | None:
    """Return what is to become of each channel, `None` while that is not said yet."""
    if form.values.get("do") == "copy":
        source = as_number(form.values.get("source", ""))
        fields = form.many.get("field", [])
        if not source or not fields:
            return None
        return changes.copied_from(await read_channel(ui.services, source), fields)
    what = form.values.get("what", "")
    if what == "priority":
        number = form.integer("value", least=-(10**6), most=10**6)
        return changes.to_priority(number) if form.is_sound and form.values.get("value") else None
    if what == "weight":
        number = form.integer("value", least=0, most=10**6)
        return changes.to_weight(number) if form.is_sound and form.values.get("value") else None
    if what == "tag":
        # Nothing typed takes tags away; the preview says so.
        return changes.to_tag(form.text("value"))
    verb, _dash, noun = what.partition("-")
    names = form.names("value")
    make = {"add": changes.with_names, "remove": changes.without_names, "set": changes.to_names}.get(verb)
    if make is None or noun not in _COLUMNS or not names:
        return None
    if noun == "groups" and verb != "remove":
        changes.check_groups(names, ui.options.group_ratio)
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
        count=len(ids),
        back=ticking(back, ids),
        kept=kept | {"next": back, "ids": ",".join(map(str, ids))},
        fields=form.many.get("field", []),
        copied=[(name, field_word(name)) for name in changes.COPIED],
        channels=[(c.id, c.label) for c in sorted(snapshot.channels.values(), key=lambda c: c.name.lower())]
        if plan is None
        else [],
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
        "tag": _("Tag"),
        "testing_model": _("Testing model"),
    }.get(name, name)
