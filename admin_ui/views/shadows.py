"""Shadow tests: another channel answers a share of a model's requests as well, and both are compared."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _
from admin_ui.views.picked import as_number
from admin_ui.views.requests import outcome_word
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word
from gateway.accounts.refusals import Refused
from gateway.management.guard import author, needs
from gateway.relay.shadow.copies import LIMIT
from gateway.relay.shadow.copyable import MOST_BYTES
from gateway.site import shadow_tests
from storage.records import Role
from storage.repositories.shadows import ShadowTest

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_LIST = "/routing/shadows"
_FIELDS = {
    "channel": "channel",
    "have the model": "channel",
    "name the model": "model",
    "share": "share",
    "limit of cost": "limit",
    "test ends": "until",
    "time of the end": "until",
}
_USUAL_UNITS = 500_000


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def shadow_list() -> Response:
        return ui.page(
            "pages/shadows.html",
            tests=await shadow_tests.list_tests(ui.services),
            state_of=lambda test: shadow_tests.state_of(test, time.time()),
            state_word=state_word,
            channel_name=lambda number: _channel_name(ui, number),
        )

    @area.get(f"{_LIST}/new")
    @needs(Role.ADMIN)
    async def new_shadow() -> Response:
        values = {
            "model": request.args.get("model", "")[:191],
            "channel": request.args.get("channel", ""),
            "share": "1",
            "copies": "1000",
            "limit": as_amount(_USUAL_UNITS, ui.options),
        }
        return _form(ui, Form(values=values))

    @area.post(f"{_LIST}/new")
    @needs(Role.ADMIN)
    async def create_shadow() -> Response:
        form = await read_form()
        test = _read(ui, form)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST)
        if form.is_sound:
            try:
                number = await shadow_tests.create_test(ui.services, author(), test)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go(f"{_LIST}/{number}", note=_("The test has begun."))
        return _form(ui, form, 422)

    @area.get(f"{_LIST}/<number>")
    @needs(Role.ADMIN)
    async def one_shadow(number: str) -> Response:
        test = await shadow_tests.read_test(ui.services, as_number(number))
        return ui.page(
            "pages/shadow.html",
            test=test,
            state=shadow_tests.state_of(test, time.time()),
            state_word=state_word,
            found=await shadow_tests.compare(ui.services, test.id),
            most=shadow_tests.COMPARED,
            channel_name=lambda number: _channel_name(ui, number),
            failure_word=lambda kind: _("ended by the limit") if kind == LIMIT else failure_word(kind),
            words=outcome_word,
        )

    @area.post(f"{_LIST}/<number>/stop")
    @needs(Role.ADMIN)
    async def stop_shadow(number: str) -> Response:
        await shadow_tests.stop_test(ui.services, author(), as_number(number))
        return ui.go(f"{_LIST}/{as_number(number)}", note=_("The test has ended."))

    @area.get(f"{_LIST}/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_shadow(number: str) -> Response:
        test = await shadow_tests.read_test(ui.services, as_number(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Delete the shadow test of {model}?", model=test.model),
            text=_("What came of it is deleted with it. No request and no charge is concerned."),
            action=f"{_LIST}/{test.id}/delete",
            verb=_("Delete"),
            back=f"{_LIST}/{test.id}",
        )

    @area.post(f"{_LIST}/<number>/delete")
    @needs(Role.ADMIN)
    async def delete_shadow(number: str) -> Response:
        await shadow_tests.delete_test(ui.services, author(), as_number(number))
        return ui.go(_LIST, note=_("The test was deleted."))


def state_word(state: str) -> tuple[str, str]:
    """Return how a state is shown, and in which words."""
    return {
        "runs": ("ok", _("Runs")),
        "time": ("idle", _("Its time is over")),
        "copies": ("idle", _("All requests copied")),
        "cost": ("warn", _("Cost limit reached")),
    }.get(state, ("idle", _("Stopped")))


def _channel_name(ui: Ui, number: int) -> str:
    view = ui.services.registry.current.channels.get(number)
    return view.name if view is not None and view.name else f"#{number}"


def _read(ui: Ui, form: Form) -> ShadowTest:
    share = form.text("share", required=True, most=6).replace("%", "").replace(",", ".").strip()
    try:
        per_mille = round(float(share) * 10)
    except (ValueError, OverflowError):
        per_mille = 0
    if not 1 <= per_mille <= 1000:
        form.fault("share", _("Must be between {a} and {b}.", a="0.1", b="100"))
    until = form.moment("until", current_visit().zone)
    return ShadowTest(
        model=form.text("model", required=True, most=191),
        user_group=form.text("group", most=64),
        channel_id=form.integer("channel", least=0),
        per_mille=per_mille,
        until_at=until * 1000 if until else 0,
        max_copies=form.integer("copies", least=0, most=10**9),
        max_units=form.units("limit", ui.options),
        created_at=0,
    )


def _form(ui: Ui, form: Form, status: int = 200) -> Response:
    snapshot = ui.services.registry.current
    views = sorted(snapshot.channels.values(), key=lambda view: (view.name.lower(), view.id))
    return ui.page(
        "pages/shadow_form.html",
        status,
        form=form,
        groups=[("", _("all"))] + [(name, name) for name in ui.options.group_ratio],
        channels=[(str(view.id), view.label) for view in views],
        models=sorted({model for _group, model in snapshot.serving}),
        most_kib=MOST_BYTES >> 10,
    )
