"""Budgets: all of those that the reader may see, and the forms that set, change and remove one.

Those of a user and of a token stand on their own pages, too; the forms lead back to wherever they were opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.forms import Form, as_amount, read_form
from admin_ui.i18n import _
from admin_ui.ui import local_path
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.budgets import edits
from gateway.budgets.periods import DAY, MONTH, PERIODS, WEEK
from gateway.management.guard import actor, author, needs
from storage.records import Role
from storage.repositories.budgets import GROUP, TOKEN, USER, Budget

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.budgets.edits import Standing

_LIST = "/budgets"
_FIELDS = {"such a budget already": "period", "period": "period", "group": "subject", "limit": "hard"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _show(area, ui)
    _set(area, ui)
    _end(area, ui)


def _show(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.USER)
    async def budget_list() -> Response:
        found = await edits.standings(ui.services, actor())
        order = {GROUP: 0, USER: 1, TOKEN: 2}
        found.sort(key=lambda one: (order.get(one.budget.kind, 3), one.subject.text.lower(), one.budget.id))
        return ui.page("pages/budgets.html", budgets=found, may_set_groups=actor().role >= Role.ADMIN)


def _set(area: Blueprint, ui: Ui) -> None:
    def shown(form: Form, before: Standing | None, status: int = 200) -> Response:
        return ui.page(
            "pages/budget_form.html",
            status,
            form=form,
            before=before,
            kind=before.budget.kind if before is not None else form.values.get("kind", ""),
            groups=[(name, name) for name in sorted(ui.options.group_ratio)],
            periods=[(DAY, _("Daily")), (WEEK, _("Weekly")), (MONTH, _("Monthly"))],
            back=local_path(form.values.get("next", ""), _LIST),
        )

    @area.get("/budgets/new")
    @needs(Role.USER)
    async def new_budget() -> Response:
        asked = request.args
        values = {
            "kind": asked.get("kind", GROUP),
            "subject": asked.get("subject", ""),
            "name": asked.get("name", ""),
            "next": local_path(asked.get("next", ""), _LIST),
            "period": MONTH,
        }
        return shown(Form(values=values), None)

    @area.post("/budgets/new")
    @needs(Role.USER)
    async def set_budget() -> Response:
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        new = Budget(
            kind=form.choice("kind", (GROUP, USER, TOKEN)),
            subject=form.text("subject", required=True, most=64),
            period=form.choice("period", PERIODS),
            soft_units=form.units("soft", ui.options, required=False),
            hard_units=form.units("hard", ui.options, required=False),
        )
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(back)
        if form.is_sound:
            try:
                await edits.create_budget(ui.services, author(), new)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go(back, note=_("The budget was set."))
        return shown(form, None, 422)

    @area.get("/budgets/<number>/edit")
    @needs(Role.USER)
    async def budget_form(number: str) -> Response:
        before = await edits.standing(ui.services, actor(), as_number(number))
        budget = before.budget
        values = {
            "soft": as_amount(budget.soft_units, ui.options) if budget.soft_units else "",
            "hard": as_amount(budget.hard_units, ui.options) if budget.hard_units else "",
            "next": local_path(request.args.get("next", ""), _LIST),
        }
        return shown(Form(values=values), before)

    @area.post("/budgets/<number>/edit")
    @needs(Role.USER)
    async def change_one_budget(number: str) -> Response:
        before = await edits.standing(ui.services, actor(), as_number(number))
        form = await read_form()
        soft = form.units("soft", ui.options, required=False)
        hard = form.units("hard", ui.options, required=False)
        if form.is_sound:
            try:
                await edits.change_budget(ui.services, author(), before.budget.id, soft_units=soft, hard_units=hard)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go(local_path(form.values.get("next", ""), _LIST), note=_("The budget was changed."))
        return shown(form, before, 422)


def _end(area: Blueprint, ui: Ui) -> None:
    @area.get("/budgets/<number>/delete")
    @needs(Role.USER)
    async def ask_delete_budget(number: str) -> Response:
        found = await edits.standing(ui.services, actor(), as_number(number))
        back = local_path(request.args.get("next", ""), _LIST)
        return ui.page(
            "pages/confirm.html",
            title=_("Remove the budget of {name}?", name=found.subject.text),
            text=_("Nothing limits what is spent from then on but the balance and other budgets."),
            action=f"/budgets/{found.budget.id}/delete",
            fields={"next": back},
            verb=_("Remove"),
            back=back,
        )

    @area.post("/budgets/<number>/delete")
    @needs(Role.USER)
    async def delete_one_budget(number: str) -> Response:
        back = local_path((await read_form()).values.get("next", ""), _LIST)
        try:
            await edits.delete_budget(ui.services, author(), as_number(number))
        except Refused as error:
            return ui.refused(back, error)
        return ui.go(back, note=_("The budget was removed."))
