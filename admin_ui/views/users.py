"""Accounts, for administrators: the list, and what is done to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.arrangement import Column, arrange
from admin_ui.exports import file_response, instant
from admin_ui.i18n import _, _n
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import id_in_address
from gateway.accounts import directory, totp, user_care
from gateway.accounts import users as people
from gateway.accounts.refusals import Refused
from gateway.accounts.sessions import sign_out
from gateway.mail.smtp import MailFailed
from gateway.management.guard import actor, author, needs
from storage.records import Role, User, UserStatus
from storage.repositories.list_figures import OF_USERS
from storage.repositories.people_lists import UserFilter
from storage.repositories.users import SORTABLE

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.arrangement import Arrangement
    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.repositories.rows import Page

_LIST = "/users"
_COLUMNS = (
    "id", "name", "display_name", "email", "role", "state", "group", "balance_units", "used_units", "requests",
    "second_factor", "invited_by", "created", "unlimited"
)  # fmt: skip
_STEPS = ("enable", "disable", "promote", "demote")
_REVERSED = {"enable": "disable", "disable": "enable", "promote": "demote", "demote": "promote"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _steps(area, ui)
    _asking(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.ADMIN)
    async def users() -> Response:
        query = user_query(ui)
        rows, total = await directory.find_users(ui.services, wanted_users(ui, query), query.order, query.rows)
        return ui.page(
            "pages/users.html",
            query=query,
            arranged=await _arranged(ui, query),
            rows=rows,
            total=total,
            groups=list(ui.options.group_ratio),
            known=await user_care.rows_of(ui.services, rows),
            within_reach={row.id for row in rows if directory.reaches(actor(), row)},
            sends_mail=bool(ui.options.text("SMTPServer")),
        )

    @area.get("/users/export.<kind>")
    @needs(Role.ADMIN)
    async def export_users(kind: str) -> Response:
        query = user_query(ui)
        wanted = wanted_users(ui, query)

        async def read(page: Page) -> tuple[list[User], int]:
            return await directory.find_users(ui.services, wanted, query.order, page)

        return file_response("users", kind, _COLUMNS, read, _cells)


async def _arranged(ui: Ui, query: ListQuery) -> Arrangement:
    return await arrange(
        ui,
        "users",
        query,
        path=_LIST,
        columns=[
            Column("role", _("Role")),
            Column("group", _("Group")),
            Column("used", _("Used")),
            Column("requests", _("Requests")),
            Column("active", _("Last active")),
            Column("tokens", _("Tokens")),
            Column("ways", _("Sign-in")),
            Column("inviter", _("Invited by"), usual=False),
            Column("created", _("Created"), usual=False),
        ],
        views=[
            (_("All"), {}),
            (_("Low balance"), {"balance": "low"}),
            (_("Never active"), {"active": "never"}),
            (_("Administrators"), {"role": 10}),
        ],
    )


def user_query(ui: Ui, address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of accounts."""
    filters = {
        "role": ("1", "10", "100"),
        "status": ("1", "2"),
        "group": list(ui.options.group_ratio),
        "balance": ("low",),
        "active": ("never",),
        "second": ("none",),
    }
    words = {
        "role": {"user": "1", "admin": "10", "root": "100"},
        "status": {"enabled": "1", "disabled": "2"},
        "balance": {"low": "low"},
        "active": {"never": "never"},
        "second": {"none": "none"},
    }
    return read_query(columns=(*SORTABLE, *OF_USERS), filters=filters, choices=words, address=address)


def wanted_users(ui: Ui, query: ListQuery) -> UserFilter:
    """Return which rows that is. Low is a balance that its owner would be reminded of."""
    wishes = query.filters
    return UserFilter(
        text=query.q,
        role=int(wishes["role"] or 0),
        status=int(wishes["status"] or 0),
        group=wishes["group"],
        below=ui.options.integer("QuotaRemindThreshold") if wishes["balance"] else None,
        is_idle=bool(wishes["active"]),
        has_no_second_factor=bool(wishes["second"]),
    )


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
        bool(user.totp_secret),
        user.inviter_id or "",
        instant(user.created_at / 1000),
        user.unlimited_quota,
    ]


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.post("/users/<number>/<step>")
    @needs(Role.ADMIN)
    async def step_user(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        if step == "delete":
            await people.delete_user(ui.services, author(), user.id)
            return ui.go(_LIST, note=_("User {name} was deleted.", name=user.username))
        if step == "sign-out":
            await sign_out(ui.services, user, author=author())
            return ui.go(back, note=_("All sessions of {name} are ended.", name=user.username))
        try:
            if step == "reset-2fa":
                await totp.disable_for(ui.services, author(), user.id)
                return ui.go(back, note=_("The second factor of {name} is off.", name=user.username))
            if step == "reset-mail":
                return await _mail_reset(ui, user, back)
            await people.manage_user(ui.services, author(), username=user.username, action=step)
        except Refused as error:
            return ui.refused(back, error)
        undo = Undo(f"/users/{user.id}/{_REVERSED[step]}", {"next": back}) if step in _STEPS else None
        return ui.go(back, note=_said(step, user.username), undo=undo)


async def _mail_reset(ui: Ui, user: User, back: str) -> Response:
    courier = ui.plane.outside.courier
    try:
        address = await user_care.send_reset(ui.services, author(), courier, user.id)
    except MailFailed as error:
        return ui.go(back, note=_("The mail could not be sent: {reason}", reason=error), kind="bad")
    return ui.go(back, note=_("A link to choose a new password is on its way to {address}.", address=address))


def _asking(area: Blueprint, ui: Ui) -> None:
    @area.get("/users/<number>/delete")
    @needs(Role.ADMIN)
    async def ask_delete_user(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        row = (await user_care.rows_of(ui.services, [user]))[user.id]
        return ui.page(
            "pages/confirm.html",
            title=_("Delete user {name}?", name=user.username),
            text=_("The account is closed and signed out. This cannot be undone. What goes with it:"),
            items=[
                _n("{n} token stops working", "{n} tokens stop working", row.facts.tokens),
                _("the balance of {amount} is lost", amount=ui.money(user.quota)),
                _("the name becomes free, the log stays"),
            ],
            action=f"/users/{user.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )

    @area.get("/users/<number>/reset-2fa")
    @needs(Role.ADMIN)
    async def ask_reset_second_factor(number: str) -> Response:
        user = await people.read_user(ui.services, actor(), id_in_address(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Switch off the second factor of {name}?", name=user.username),
            text=_("The password alone lets them in then, until they set up a new one. Recovery codes are void."),
            action=f"/users/{user.id}/reset-2fa",
            verb=_("Switch off"),
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
