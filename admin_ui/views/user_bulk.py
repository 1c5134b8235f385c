"""What is done to several accounts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.i18n import _, _n
from admin_ui.views import several
from admin_ui.views.several import Deed, Preview, Question, Several
from admin_ui.views.users import user_query, wanted_users
from gateway.accounts import directory
from gateway.accounts import users as people
from gateway.accounts.users import UserEdit
from gateway.management.guard import actor, needs
from storage.records import Role, UserStatus

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.audit.author import Author
    from storage.records import User
    from storage.repositories.rows import Page

_STATES = {"enable": UserStatus.ENABLED, "disable": UserStatus.DISABLED}
_OTHER = {"enable": "disable", "disable": "enable"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.post("/users/bulk")
    @needs(Role.ADMIN)
    async def bulk_users() -> Response:
        return await _several(ui).answer(ui)

    @area.get("/users/bulk/<job>")
    @needs(Role.ADMIN)
    async def user_job(job: str) -> Response:
        return await several.show_job(ui, job, _several(ui).place)


def _several(ui: Ui) -> Several[User]:
    async def find(address: str, page: Page) -> tuple[list[User], int]:
        query = user_query(ui, address)
        rows, total = await directory.find_users(ui.services, wanted_users(ui, query), query.order, page)
        return [row for row in rows if directory.reaches(actor(), row)], total

    async def read(number: int) -> User:
        return await people.read_user(ui.services, actor(), number)

    def deed(form: Form, count: int) -> Deed[User] | None:
        do = form.values.get("do", "")
        if do in _STATES:
            return _switch(ui, do)
        return _delete(ui, count) if do == "delete" else _change(ui, form, count)

    return Several(path="/users", title=_("Users"), find=find, read=read, deed=deed)


def _switch(ui: Ui, do: str) -> Deed[User]:
    async def step(who: Author, number: int) -> bool:
        user = await people.read_user(ui.services, who, number)
        if user.status == _STATES[do]:
            return False
        await people.manage_user(ui.services, who, username=user.username, action=do)
        return True

    return Deed(action=f"user.{do}", do=step, undo=_OTHER[do])


def _delete(ui: Ui, count: int) -> Deed[User]:
    return Deed(
        action="user.delete",
        do=lambda who, number: people.delete_user(ui.services, who, number),
        question=Question(
            title=_n("Delete {n} user?", "Delete {n} users?", count),
            text=_("Their accounts are closed, their tokens stop working and their balances are lost. Logs stay."),
            verb=_("Delete"),
            preview=lambda row: Preview(name=row.username, before=ui.money(row.quota)),
            danger=True,
        ),
    )


def _change(ui: Ui, form: Form, count: int) -> Deed[User] | None:
    what, value = form.values.get("what", ""), form.values.get("value", "").strip()
    units = form.units("value", ui.options, signed=True) if what == "topup" else 0
    if what == "group" and value not in ui.options.group_ratio:
        form.fault("value", _("There is no such group: {name}", name=value[:60]))
    if not form.is_sound or (what, bool(units)) not in (("topup", True), ("group", False)):
        return None

    async def top_up(who: Author, number: int) -> None:
        await people.top_up(ui.services, who, user_id=number, quota=units, remark="", may_take=True)

    async def to_group(who: Author, number: int) -> None:
        user = await people.read_user(ui.services, who, number)
        name = user.display_name or user.username
        edit = UserEdit(id=user.id, username=user.username, display_name=name, group=value)
        await people.update_user(ui.services, who, edit)

    question: Question[User] = Question(
        title=_n("Change {n} user?", "Change {n} users?", count),
        verb=_("Change"),
        preview=lambda row: _preview(ui, row, value, units),
    )
    if units:
        return Deed(action="user.topup", do=top_up, question=question)
    return Deed(action="user.update", do=to_group, question=question)


def _preview(ui: Ui, user: User, group: str, units: int) -> Preview:
    if units:
        if user.quota + units < 0:
            return Preview(name=user.username, fault="the balance cannot become negative")
        return Preview(name=user.username, before=ui.money(user.quota), after=ui.money(user.quota + units))
    return Preview(name=user.username, before=user.group, after=group)
