"""The form of an account, and topping it up, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.conflicts import find_conflicts
from admin_ui.forms import Form, as_amount, fingerprint, read_form
from admin_ui.i18n import _
from admin_ui.ui import local_path
from admin_ui.views.joining import new_password
from admin_ui.views.picked import id_in_address
from gateway.accounts import users as people
from gateway.accounts.people import LONGEST_DISPLAY_NAME, LONGEST_EMAIL, LONGEST_USERNAME, is_plain_name
from gateway.accounts.refusals import Refused
from gateway.accounts.users import LONGEST_REMARK, UserEdit
from gateway.identity.addresses import is_address
from gateway.management.guard import actor, author, needs
from storage.records import Role, User, UserStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from admin_ui.conflicts import Conflict
    from admin_ui.ui import Ui

_LIST = "/users"
_FIELDS = {"username": "username", "display name": "display_name", "email": "email", "password": "password"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _forms(area, ui)
    _topping_up(area, ui)


def _forms(area: Blueprint, ui: Ui) -> None:
    def shown(form: Form, user: User | None, status: int = 200, *, conflicts: Sequence[Conflict] = ()) -> Response:
        roles = [role for role in (Role.USER, Role.ADMIN) if role < actor().role]
        groups = list(dict.fromkeys([*ui.options.group_ratio, *([user.group] if user else [])]))
        return ui.page(
            "pages/user_form.html",
            status,
            form=form,
            conflicts=conflicts,
            user=user,
            roles=roles,
            groups=groups,
        )

    @area.get("/users/new")
    @needs(Role.ADMIN)
    async def new_user() -> Response:
        gift = as_amount(ui.options.integer("QuotaForNewUser"), ui.options)
        return shown(Form(values={"group": "default", "role": "1", "status": "1", "quota": gift}), None)

    @area.post("/users/new")
    @needs(Role.ADMIN)
    async def create_user() -> Response:
        form = await read_form()
        edit = _read(ui, form, None)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST, note=_("The user was created already."), kind="info")
        if not form.is_sound:
            return shown(form, None, 422)
        try:
            await people.create_complete_user(ui.services, author(), edit)
        except Refused as error:
            form.refuse(error, _FIELDS)
            return shown(form, None, 422)
        return ui.go(_LIST, note=_("User {name} was created.", name=edit.username))

    @area.get("/users/<number>/edit")
    @needs(Role.ADMIN)
    async def edit_user(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        return shown(Form(values=_values(user, ui)), user)

    @area.post("/users/<number>/edit")
    @needs(Role.ADMIN)
    async def save_user(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        form = await read_form()
        conflicts = find_conflicts(form, _values(user, ui), _labels())
        edit = _read(ui, form, user)
        if not form.is_sound:
            return shown(form, user, 422, conflicts=conflicts)
        try:
            await people.update_user(ui.services, author(), edit)
        except Refused as error:
            form.refuse(error, _FIELDS)
            return shown(form, user, 422)
        return ui.go(f"{_LIST}/{user.id}", note=_("User {name} was saved.", name=edit.username))


def _labels() -> dict[str, str]:
    return {
        "username": _("Name"),
        "display_name": _("Display name"),
        "email": _("E-mail address"),
        "role": _("Role"),
        "status": _("State"),
        "group": _("Group"),
        "unlimited_quota": _("Unlimited balance"),
    }


def _read(ui: Ui, form: Form, user: User | None) -> UserEdit:
    roles = [str(int(role)) for role in Role if Role.GUEST < role < actor().role]
    name = form.text("username", required=True, least=3, most=LONGEST_USERNAME)
    # Names from before stay as they are: whoever has one may keep it.
    if name and (user is None or name != user.username) and not is_plain_name(name):
        form.fault("username", _("Letters, digits, and the signs _ - . only."))
    email = form.text("email", most=LONGEST_EMAIL)
    if email and (user is None or email != user.email) and not is_address(email):
        form.fault("email", _("This does not look like an e-mail address."))
    is_root = user is not None and user.role == Role.ROOT
    states = [str(int(state)) for state in (UserStatus.ENABLED, UserStatus.DISABLED)]
    return UserEdit(
        id=user.id if user else 0,
        username=name,
        display_name=form.text("display_name", most=LONGEST_DISPLAY_NAME) or name[:LONGEST_DISPLAY_NAME],
        email=email,
        password=new_password(form, "password", required=user is None),
        group=form.choice("group", _groups(ui, user), default="default"),
        unlimited_quota=form.flag("unlimited_quota"),
        quota=form.units("quota", ui.options) if user is None else None,
        quota_change=form.units_change("quota", ui.options) if user is not None else 0,
        role=user.role if user and is_root else int(form.choice("role", roles, default="1")),
        status=user.status if user and is_root else int(form.choice("status", states, default="1")),
    )


def _groups(ui: Ui, user: User | None) -> list[str]:
    return [*ui.options.group_ratio, *([user.group] if user else [])]


def _values(user: User, ui: Ui) -> dict[str, str]:
    values = {
        "username": user.username,
        "display_name": user.display_name,
        "email": user.email,
        "group": user.group,
        "role": str(user.role),
        "status": str(user.status),
        "unlimited_quota": "true" if user.unlimited_quota else "",
        "quota": as_amount(user.quota, ui.options),
        "quota_was": str(user.quota),
    }
    # The balance moves with every request; whoever sets it is told what it was.
    fixed = ("username", "display_name", "email", "group", "role", "status", "unlimited_quota")
    return values | {"version": fingerprint({name: values[name] for name in fixed})}


def _topping_up(area: Blueprint, ui: Ui) -> None:
    @area.get("/users/<number>/topup")
    @needs(Role.ADMIN)
    async def top_up_page(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        form = Form(values={"next": local_path(request.args.get("next", ""), _LIST)})
        return ui.page("pages/user_topup.html", form=form, user=user)

    @area.post("/users/<number>/topup")
    @needs(Role.ADMIN)
    async def top_up(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        form = await read_form()
        back = local_path(form.values.get("next", ""), _LIST)
        units = form.units("quota", ui.options, signed=True)
        remark = form.text("remark", most=LONGEST_REMARK)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(back)
        if form.is_sound:
            try:
                before, after = await people.top_up(
                    ui.services, author(), user_id=user.id, quota=units, remark=remark, may_take=True
                )
            except Refused as error:
                form.refuse(error, {"quota": "quota", "balance": "quota", "remark": "remark"})
            else:
                return ui.go(
                    back,
                    note=_(
                        "{name}: {amount} more, {before} → {after}.",
                        name=user.username,
                        amount=ui.money(units),
                        before=ui.money(before),
                        after=ui.money(after),
                    )
                    if units > 0
                    else _(
                        "{name}: {amount} less, {before} → {after}.",
                        name=user.username,
                        amount=ui.money(-units),
                        before=ui.money(before),
                        after=ui.money(after),
                    ),
                )
        return ui.page("pages/user_topup.html", 422, form=form, user=user)
