"""The second factor of one's own account: setting it up, its recovery codes, switching it off."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import segno
from markupsafe import Markup
from quart import session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from gateway.accounts import recovery, totp
from gateway.accounts.refusals import Refused
from gateway.management.guard import actor, author, needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_HERE = "/profile"
_PENDING = "temp_totp_secret"
"""Session member, shared with the API: a secret that is set up and not yet confirmed."""


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _on(area, ui)
    _off(area, ui)


def _on(area: Blueprint, ui: Ui) -> None:
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
        secret = str(session[_PENDING])
        if form.is_sound:
            try:
                await ui.plane.totp.pace(actor().id)
                await totp.confirm(ui.services, ui.plane.totp, author(), secret=secret, code=code)
            except Refused as error:
                form.refuse(error, {"": "totp_code"})
            else:
                session.pop(_PENDING, None)
                ui.note(_("From now on, signing in takes a code as well."))
                codes = await recovery.renew(ui.services, author())
                return ui.page("pages/recovery.html", codes=codes, is_first=True)
        return enrolment(form, 422)


def _off(area: Blueprint, ui: Ui) -> None:
    async def is_proved(form: Form) -> bool:
        """Whether the form carries a code that is right now; `False` with reasons in it."""
        code = form.text("totp_code", required=True).replace(" ", "")
        if form.is_sound:
            try:
                await ui.plane.totp.pace(actor().id)
                await recovery.check_second_factor(ui.services, ui.plane.totp, actor(), code)
            except Refused as error:
                form.refuse(error, {"": "totp_code"})
        return form.is_sound

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

    @area.get("/profile/recovery-codes")
    @needs(Role.USER)
    async def ask_recovery_codes() -> Response:
        if not actor().totp_secret:
            return ui.go("/profile/2fa")
        return ui.page("pages/recovery_ask.html", form=Form(), left=await recovery.left(ui.services, actor()))

    @area.post("/profile/recovery-codes")
    @needs(Role.USER, critical=True)
    async def new_recovery_codes() -> Response:
        if not actor().totp_secret:
            return ui.go("/profile/2fa")
        form = await read_form()
        if await is_proved(form):
            codes = await recovery.renew(ui.services, author())
            return ui.page("pages/recovery.html", codes=codes, is_first=False)
        left = await recovery.left(ui.services, actor())
        return ui.page("pages/recovery_ask.html", 422, form=form, left=left)


def _picture(text: str) -> Markup:
    """Return a QR code as SVG, drawn here: the secret goes to nobody else."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True)
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno, no text of anybody in it
