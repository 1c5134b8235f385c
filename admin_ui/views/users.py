"""Accounts, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.exports import csv_response, instant
from admin_ui.forms import Form, as_amount, fingerprint, read_form
from admin_ui.i18n import _
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import as_number
from gateway.accounts import directory, totp
from gateway.accounts import users as people
from gateway.accounts.people import LONGEST_DISPLAY_NAME, LONGEST_EMAIL, LONGEST_USERNAME
from gateway.accounts.refusals import Refused
from gateway.accounts.sessions import sign_out
from gateway.accounts.users import UserEdit
from gateway.management.guard import actor, author, needs
from storage.records import Role, User, UserStatus
from storage.repositories.filtered import Wanted
from storage.repositories.users import SORTABLE

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.repositories.rows import Page

_LIST = "/users"
_COLUMNS = (
    "id", "name", "display_name", "email", "role", "state", "group", "balance_units", "used_units", "requests",
    "invited_by", "created",
)  # fmt: skip
_FIELDS = {"username": "username", "display name": "display_name", "email": "email", "password": "password"}
_STEPS = ("enable", "disable", "promote", "demote")
_REVERSED = {"enable": "disable", "disable": "enable", "promote": "demote", "demote": "promote"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _forms(area, ui)
    _steps(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def users() -> Response:
        groups = list(ui.options.group_ratio)
        query = user_query(ui)
        rows, total = await directory.list_users(ui.services, wanted_users(query), query.order, query.rows)
        within_reach = {row.id for row in rows if directory.reaches(actor(), row)}
        return ui.page(
            "pages/users.html", query=query, rows=rows, total=total, groups=groups, within_reach=within_reach
        )

    @area.get("/users/export.csv")
    @needs(Role.ADMIN)
    async def export_users() -> Response:
        query = user_query(ui)

        async def read(page: Page) -> tuple[list[User], int]:
            return await directory.list_users(ui.services, wanted_users(query), query.order, page)

        return csv_response("users", _COLUMNS, read, _cells)


def user_query(ui: Ui, address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of accounts."""
    filters = {"role": ("1", "10", "100"), "status": ("1", "2"), "group": list(ui.options.group_ratio)}
    return read_query(columns=SORTABLE, filters=filters, address=address)


def wanted_users(query: ListQuery) -> Wanted:
    """Return which rows that is."""
    equal: dict[str, int | str] = {
        name: int(query.filters[name]) for name in ("role", "status") if query.filters[name]
    }
    if query.filters["group"]:
        equal["group"] = query.filters["group"]
    return Wanted(text=query.q, equal=equal)


def _cells(user: User) -> list[object]:
    """Return what an export says of an account."""
    role = Role(user.role).name.lower() if user.role in set(Role) else user.role
    status = UserStatus(user.status).name.lower() if user.status in set(UserStatus) else user.status
    return [
        user.id,
        user.username,
        user.display_name,
        user.email,
        role,
        status,
        user.group,
        user.quota,
        user.used_quota,
        user.request_count,
        user.inviter_id or "",
        instant(user.created_at / 1000),
    ]


def _forms(area: Blueprint, ui: Ui) -> None:
    def shown(form: Form, user: User | None, status: int = 200) -> Response:
        roles = [role for role in (Role.USER, Role.ADMIN) if role < actor().role]
        groups = list(dict.fromkeys([*ui.options.group_ratio, *([user.group] if user else [])]))
        return ui.page("pages/user_form.html", status, form=form, user=user, roles=roles, groups=groups)

    def read(form: Form, user: User | None) -> UserEdit:
        roles = [str(int(role)) for role in Role if Role.GUEST < role < actor().role]
        return UserEdit(
            id=user.id if user else 0,
            username=form.text("username", required=True, least=3, most=LONGEST_USERNAME),
            display_name=form.text("display_name", most=LONGEST_DISPLAY_NAME)
            or form.text("username")[:LONGEST_DISPLAY_NAME],
            email=form.text("email", most=LONGEST_EMAIL),
            password=form.secret("password", required=user is None),
            group=form.text("group", required=True, most=32),
            quota=form.units("quota", ui.options),
            role=user.role if user and user.role == Role.ROOT else int(form.choice("role", roles, default="1")),
            status=None if user is None else user.status,
        )

    @area.get("/users/new")
    @needs(Role.ADMIN)
    async def new_user() -> Response:
        gift = as_amount(ui.options.integer("QuotaForNewUser"), ui.options)
        return shown(Form(values={"group": "default", "role": "1", "quota": gift}), None)

    @area.post("/users/new")
    @needs(Role.ADMIN)
    async def create_user() -> Response:
        form = await read_form()
        edit = read(form, None)
        if not form.is_sound:
            return shown(form, None, 422)
        try:
            made = await directory.create_complete_user(ui.services, author(), edit)
        except Refused as error:
            form.refuse(error, _FIELDS)
            return shown(form, None, 422)
        return ui.go(_LIST, note=_("User {name} was created.", name=made.username))

    @area.get("/users/<number>")
    @needs(Role.ADMIN)
    async def user_page(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), as_number(number))
        return shown(Form(values=_values(user, ui)), user)

    @area.post("/users/<number>")
    @needs(Role.ADMIN)
    async def update_user(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), as_number(number))
        form = await read_form()
        edit = read(form, user)
        stored = _values(user, ui)
        if form.is_sound and form.values.get("version", "") != stored["version"]:
            form.general.append(
                _("Somebody else changed this meanwhile. Below is what you typed; saving again keeps yours.")
            )
            form.values["version"] = stored["version"]
        if not form.is_sound:
            return shown(form, user, 422)
        try:
            await people.update_user(ui.services, author(), edit)
        except Refused as error:
            form.refuse(error, _FIELDS)
            return shown(form, user, 422)
        return ui.go(_LIST, note=_("User {name} was saved.", name=edit.username))

    @area.get("/users/<number>/topup")
    @needs(Role.ADMIN)
    async def top_up_page(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), as_number(number))
        return ui.page("pages/user_topup.html", form=Form(), user=user)

    @area.post("/users/<number>/topup")
    @needs(Role.ADMIN)
    async def top_up(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), as_number(number))
        form = await read_form()
        units = form.units("quota", ui.options)
        remark = form.text("remark", most=200)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST)
        if form.is_sound:
            try:
                await people.top_up(ui.services, author(), user_id=user.id, quota=units, remark=remark)
            except Refused as error:
                form.refuse(error, {"quota": "quota"})
        if not form.is_sound:
            return ui.page("pages/user_topup.html", 422, form=form, user=user)
        text = _("{name} now has {amount} more.", name=user.username, amount=ui.money(units))
        return ui.go(_LIST, note=text)


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.post("/users/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_user(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        user = await people.read_user(ui.services, actor(), as_number(number))
        if step == "delete":
            await people.delete_user(ui.services, author(), user.id)
            return ui.go(_LIST, note=_("User {name} was deleted.", name=user.username))
        if step == "sign-out":
            await sign_out(ui.services, user, author=author())
            return ui.go(back, note=_("All sessions of {name} are ended.", name=user.username))
        if step == "reset-2fa":
            await totp.disable_for(ui.services, author(), user.id)
            return ui.go(back, note=_("The second factor of {name} is off.", name=user.username))
        try:
            await people.manage_user(ui.services, author(), username=user.username, action=step)
        except Refused as error:
            return ui.refused(back, error)
        undo = Undo(f"/users/{user.id}/{_REVERSED[step]}", {"next": back}) if step in _STEPS else None
        return ui.go(back, note=_said(step, user.username), undo=undo)

    @area.get("/users/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_user(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), as_number(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Delete user {name}?", name=user.username),
            text=_("The account is closed and signed out, and its tokens stop working. Its log stays."),
            action=f"/users/{user.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )


def _said(step: str, name: str) -> str:
    if step == "enable":
        return _("{name} is enabled.", name=name)
    if step == "disable":
        return _("{name} is disabled.", name=name)
    if step == "promote":
        return _("{name} is an administrator now.", name=name)
    return _("{name} is a user now.", name=name)


def _values(user: User, ui: Ui) -> dict[str, str]:
    values = {
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "group": user.group,
        "role": str(user.role),
        "quota": as_amount(user.quota, ui.options),
        "is_enabled": str(user.status == UserStatus.ENABLED).lower(),
    }
    # The balance moves with every request; whoever sets it is told what it was.
    mark = fingerprint({name: values[name] for name in ("username", "display_name", "email", "group", "role")})
    return values | {"version": mark}
