"""One's own account: names, address, password, ways to sign in, sessions, access token, display, leaving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request, session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.views.joining import new_password, send_code
from admin_ui.visit import zone_names
from gateway.accounts import recovery, self_service, sessions, user_care
from gateway.accounts.people import LONGEST_DISPLAY_NAME, LONGEST_USERNAME, is_plain_name
from gateway.accounts.proof import knows_password
from gateway.accounts.refusals import Refused
from gateway.identity import addresses
from gateway.management.guard import actor, author, needs, remember, session_secret
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_HERE = "/profile"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _names(area, ui)
    _password(area, ui)
    _ways(area, ui)
    _others(area, ui)


async def shown(ui: Ui, part: str = "", form: Form | None = None, status: int = 200) -> Response:
    """Show the profile; `form` is what was sent for one of its parts."""
    person = actor()
    forms = {
        "names": Form(values={"username": person.username, "display_name": person.display_name}),
        "password": Form(),
        "email": Form(values={"email": person.email}),
    }
    if form is not None:
        forms[part] = form
    options = ui.options
    ways = [
        ("GitHub", "github", person.github_id, options.flag("GitHubOAuthEnabled")),
        ("OpenID Connect", "oidc", person.oidc_id, options.flag("OidcEnabled")),
        ("Lark", "lark", person.lark_id, bool(options.text("LarkClientId"))),
        ("WeChat", "wechat", person.wechat_id, options.flag("WeChatAuthEnabled")),
    ]
    secret = session_secret()
    return ui.page(
        "pages/profile.html",
        status,
        person=person,
        forms=forms,
        ways=[way for way in ways if way[2] or way[3]],
        codes_left=await recovery.left(ui.services, person) if person.totp_secret else 0,
        sessions=await sessions.list_sessions(ui.services, person),
        this_session=sessions.session_id_of(secret) if secret else "",
        program=sessions.device_of,
        invited=await user_care.invitations_of(ui.services, person),
        invitation=invitation_link(ui),
        chosen_zone=request.cookies.get("zone", ""),
        zones=zone_names(),
    )


def invitation_link(ui: Ui) -> str:
    """Return the link by which the reader invites others, empty while they have none."""
    code = actor().aff_code
    return f"{ui.address}/register?aff={code}" if code else ""


def _names(area: Blueprint, ui: Ui) -> None:
    @area.get(_HERE)
    @needs(Role.USER)
    async def profile() -> Response:
        return await shown(ui)

    @area.post(_HERE)
    @needs(Role.USER)
    async def save_names() -> Response:
        form = await read_form()
        name = form.text("username", required=True, least=3, most=LONGEST_USERNAME)
        if name and name != actor().username and not is_plain_name(name):
            form.fault("username", _("Letters, digits, and the signs _ - . only."))
        display = form.text("display_name", required=True, most=LONGEST_DISPLAY_NAME)
        if form.is_sound:
            try:
                await self_service.update_self(
                    ui.services, author(), username=name, display_name=display, password=""
                )
            except Refused as error:
                form.refuse(error, {"username": "username"})
            else:
                return ui.go(_HERE, note=_("Your names were saved."))
        return await shown(ui, "names", form, 422)

    @area.post("/profile/email")
    @needs(Role.USER, critical=True)
    async def change_email() -> Response:
        form = await read_form()
        if form.values.get("do") == "code":
            if await send_code(ui, form):
                ui.note(_("A code is on its way to {address}.", address=form.text("email")))
                return await shown(ui, "email", form)
            return await shown(ui, "email", form, 422)
        address, code = form.text("email", required=True), form.text("code", required=True)
        if form.is_sound:
            try:
                await addresses.bind_address(ui.services, author(), address=address, code=code)
            except Refused as error:
                form.refuse(error, {"code": "code", "email": "email"})
            else:
                return ui.go(_HERE, note=_("Your address was saved."))
        return await shown(ui, "email", form, 422)


async def change_password(ui: Ui, form: Form, *, is_first: bool) -> bool:
    """Give the person the password in `form`; `False` with reasons in it."""
    person = actor()
    has_one = bool(person.password) and not is_first
    old = form.secret("old_password", required=has_one)
    new = new_password(form, "password")
    if form.is_sound and has_one and not await knows_password(ui.services, person, old):
        form.fault("old_password", _("This is not your present password."))
    if not form.is_sound:
        return False
    try:
        version = await self_service.update_self(
            ui.services,
            author(),
            username=person.username,
            display_name=person.display_name or person.username[:LONGEST_DISPLAY_NAME],
            password=new,
        )
    except Refused as error:
        form.refuse(error, {"password": "password"})
        return False
    if version is not None:
        await remember(ui.services, person, version)
    return True


def _password(area: Blueprint, ui: Ui) -> None:
    @area.post("/profile/password")
    @needs(Role.USER, critical=True)
    async def change_own_password() -> Response:
        form = await read_form()
        if await change_password(ui, form, is_first=False):
            return ui.go(_HERE, note=_("The new password is in force; other sessions were ended."))
        return await shown(ui, "password", form, 422)


def _ways(area: Blueprint, ui: Ui) -> None:
    @area.post("/profile/sessions/<session_id>/end")
    @needs(Role.USER)
    async def end_session(session_id: str) -> Response:
        is_ended = await sessions.end(ui.services, author(), session_id[:64])
        text = _("That session is ended.") if is_ended else _("That session was over already.")
        return ui.go(_HERE, note=text, kind="ok" if is_ended else "info")

    @area.get("/profile/untie/<way>")
    @needs(Role.USER)
    async def ask_untie(way: str) -> Response:
        return ui.page(
            "pages/confirm.html",
            title=_("Unlink {name}?", name=_WAY_NAMES.get(way, way)),
            text=_("It no longer signs you in. You can link it again at any time."),
            action=f"/profile/untie/{way}",
            verb=_("Unlink"),
            back=_HERE,
        )

    @area.post("/profile/untie/<way>")
    @needs(Role.USER)
    async def untie_way(way: str) -> Response:
        try:
            await user_care.untie(ui.services, author(), actor(), way)
        except Refused as error:
            return ui.refused(_HERE, error)
        return ui.go(_HERE, note=_("{name} is no longer linked.", name=_WAY_NAMES.get(way, way)))


_WAY_NAMES = {"github": "GitHub", "oidc": "OpenID Connect", "lark": "Lark", "wechat": "WeChat"}


def _others(area: Blueprint, ui: Ui) -> None:
    @area.get("/profile/access-token")
    @needs(Role.USER)
    async def ask_access_token() -> Response:
        return ui.page(
            "pages/confirm.html",
            title=_("Make a new access token?"),
            text=_("It is for scripts that use the management API in your name. The present one stops working."),
            action="/profile/access-token",
            verb=_("Make it"),
            back=_HERE,
        )

    @area.post("/profile/access-token")
    @needs(Role.USER)
    async def new_access_token() -> Response:
        token = await self_service.renew_access_token(ui.services, author())
        return ui.page("pages/access_token.html", token=token)

    @area.post("/profile/invitation")
    @needs(Role.USER)
    async def make_own_invitation() -> Response:
        await self_service.invitation_code(ui.services, actor())
        return ui.go(_HERE)

    @area.get("/profile/delete")
    @needs(Role.USER)
    async def ask_delete_self() -> Response:
        return await _leaving(ui, Form())

    @area.post("/profile/delete")
    @needs(Role.USER)
    async def delete_self() -> Response:
        form = await read_form()
        if form.text("name", required=True) != actor().username:
            form.fault("name", _("Type your name exactly."))
        if form.is_sound:
            try:
                await self_service.delete_self(ui.services, author())
            except Refused as error:
                form.refuse(error)
            else:
                session.clear()
                return ui.go("/login", note=_("Your account is closed."))
        return await _leaving(ui, form, 422)


async def _leaving(ui: Ui, form: Form, status: int = 200) -> Response:
    row = (await user_care.rows_of(ui.services, [actor()]))[actor().id]
    return ui.page("pages/leave.html", status, form=form, person=actor(), tokens=row.facts.tokens)
