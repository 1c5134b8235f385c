"""One's own account: names, address, password, second factor, ways to sign in, access token, leaving."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno
from markupsafe import Markup
from quart import session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.ui import WEAK
from admin_ui.views.joining import send_code
from gateway.accounts import self_service, totp
from gateway.accounts.passwords import LONGEST, SHORTEST
from gateway.accounts.people import LONGEST_DISPLAY_NAME, LONGEST_USERNAME
from gateway.accounts.proof import knows_password
from gateway.accounts.refusals import Refused
from gateway.identity import addresses
from gateway.management.guard import actor, author, needs, remember
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_HERE = "/profile"
_PENDING = "temp_totp_secret"
"""Session member, shared with the API: a secret that is set up and not yet confirmed."""


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _names(area, ui)
    _password(area, ui)
    _second_factor(area, ui)
    _others(area, ui)


def shown(ui: Ui, part: str = "", form: Form | None = None, status: int = 200) -> Response:
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
    return ui.page(
        "pages/profile.html", status, person=person, forms=forms, ways=[way for way in ways if way[2] or way[3]]
    )


def _names(area: Blueprint, ui: Ui) -> None:
    @area.get(_HERE)
    @needs(Role.USER)
    async def profile() -> Response:
        return shown(ui)

    @area.post(_HERE)
    @needs(Role.USER)
    async def save_names() -> Response:
        form = await read_form()
        name = form.text("username", required=True, least=3, most=LONGEST_USERNAME)
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
        return shown(ui, "names", form, 422)

    @area.post("/profile/email")
    @needs(Role.USER, critical=True)
    async def change_email() -> Response:
        form = await read_form()
        if form.values.get("do") == "code":
            if await send_code(ui, form):
                ui.note(_("A code is on its way to {address}.", address=form.text("email")))
                return shown(ui, "email", form)
            return shown(ui, "email", form, 422)
        address, code = form.text("email", required=True), form.text("code", required=True)
        if form.is_sound:
            try:
                await addresses.bind_address(ui.services, actor(), address=address, code=code)
            except Refused as error:
                form.refuse(error, {"code": "code", "email": "email"})
            else:
                return ui.go(_HERE, note=_("Your address was saved."))
        return shown(ui, "email", form, 422)


def _password(area: Blueprint, ui: Ui) -> None:
    async def change(form: Form, *, is_first: bool) -> bool:
        """Give the person the password in `form`; `False` with reasons in it."""
        old = form.secret("old_password", required=not is_first)
        new = form.secret("password", required=True)
        if new and not SHORTEST <= len(new) <= LONGEST:
            form.fault("password", _("Between {a} and {b} characters.", a=SHORTEST, b=LONGEST))
        if form.is_sound and not is_first and not await knows_password(ui.services, actor(), old):
            form.fault("old_password", _("This is not your present password."))
        if not form.is_sound:
            return False
        person = actor()
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
            remember(person, version)
        return True

    @area.post("/profile/password")
    @needs(Role.USER, critical=True)
    async def change_password() -> Response:
        form = await read_form()
        if await change(form, is_first=False):
            return ui.go(_HERE, note=_("The new password is in force; other sessions were ended."))
        return shown(ui, "password", form, 422)

    @area.get("/welcome")
    @needs(Role.USER)
    async def welcome() -> Response:
        if not session.get(WEAK):
            return ui.go("/")
        return ui.page("pages/welcome.html", form=Form())

    @area.post("/welcome")
    @needs(Role.USER)
    async def choose_first_password() -> Response:
        if not session.get(WEAK):
            return ui.go("/")
        form = await read_form()
        if form.values.get("password", "") == "123456":
            form.fault("password", _("Not this one again."))
        # `remember` begins a new session, which is not marked as weak.
        if await change(form, is_first=True):
            return ui.go("/", note=_("The new password is in force."))
        return ui.page("pages/welcome.html", 422, form=form)


def _second_factor(area: Blueprint, ui: Ui) -> None:
    def enrolment(form: Form, status: int = 200) -> Response:
        secret = str(session[_PENDING])
        address = totp.uri(secret, issuer=ui.options.text("SystemName"), account=actor().username)
        spaced = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
        return ui.page("pages/totp.html", status, form=form, qr=_picture(address), secret=spaced)

    @area.get("/profile/2fa")
    @needs(Role.USER)
    async def second_factor() -> Response:
        if actor().totp_secret:
            return ui.page("pages/totp_off.html", form=Form())
        if not session.get(_PENDING):
            session[_PENDING] = totp.new_secret()
        return enrolment(Form())

    @area.post("/profile/2fa")
    @needs(Role.USER, critical=True)
    async def confirm_second_factor() -> Response:
        if not session.get(_PENDING):
            return ui.go("/profile/2fa")
        form = await read_form()
        code = form.text("totp_code", required=True).replace(" ", "")
        if form.is_sound:
            try:
                await ui.plane.totp.pace(actor().id)
                await totp.confirm(ui.services, ui.plane.totp, author(), secret=str(session[_PENDING]), code=code)
            except Refused as error:
                form.refuse(error, {"": "totp_code"})
            else:
                session.pop(_PENDING, None)
                return ui.go(_HERE, note=_("From now on, signing in takes a code as well."))
        return enrolment(form, 422)

    @area.post("/profile/2fa/off")
    @needs(Role.USER, critical=True)
    async def end_second_factor() -> Response:
        form = await read_form()
        code = form.text("totp_code", required=True).replace(" ", "")
        if form.is_sound:
            try:
                await ui.plane.totp.pace(actor().id)
                await totp.disable(ui.services, ui.plane.totp, author(), actor(), code=code)
            except Refused as error:
                form.refuse(error, {"": "totp_code"})
            else:
                return ui.go(_HERE, note=_("The second factor is off."))
        return ui.page("pages/totp_off.html", 422, form=form)


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

    @area.get("/profile/delete")
    @needs(Role.USER)
    async def ask_delete_self() -> Response:
        return ui.page("pages/leave.html", form=Form(), person=actor())

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
        return ui.page("pages/leave.html", 422, form=form, person=actor())


def _picture(text: str) -> Markup:
    """Return a QR code as SVG, drawn here: the secret goes to nobody else."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True)
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno, no text of anybody in it
