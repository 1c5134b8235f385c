"""Registering, and forgotten passwords."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio
from quart import g, request, session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.visit import current_visit
from gateway.accounts.passwords import LONGEST, SHORTEST, is_acceptable
from gateway.accounts.people import LONGEST_EMAIL, LONGEST_USERNAME, is_plain_name
from gateway.accounts.refusals import Refused
from gateway.accounts.self_service import register as open_account
from gateway.identity import addresses
from gateway.identity.turnstile import REMEMBERED_S, check_person
from gateway.mail.smtp import MailFailed
from gateway.management.guard import anybody, whereabouts

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.mail.letters import Language

TURNSTILE = "https://challenges.cloudflare.com/turnstile/v0/api.js"
# As long as it takes whether or not the address is an account's, so that the time does not tell.
_ANSWER_S = 0.5
_PASSED = "turnstile"
_FIELDS = {"username": "username", "verification code": "code", "email": "email"}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _registration(area, ui)
    _reset(area, ui)


def language() -> Language:
    """Return the language that mails are written in."""
    return "zh" if current_visit().language == "zh" else "en"


def new_password(form: Form, name: str, *, required: bool = True) -> str:
    """Return a password that somebody chooses in a form; what is wrong with it is noted there."""
    password = form.secret(name, required=required)
    if password and not SHORTEST <= len(password) <= LONGEST:
        form.fault(name, _("Between {a} and {b} characters.", a=SHORTEST, b=LONGEST))
    elif password and not is_acceptable(password):
        form.fault(name, _("Too long: letters beyond plain ones count several times."))
    return password


async def send_code(ui: Ui, form: Form) -> bool:
    """Mail a code to the address in a form; `False` when it could not be sent, with the reason in the form."""
    address = form.text("email", required=True, most=LONGEST_EMAIL)
    if address and not addresses.is_address(address):
        form.fault("email", _("This does not look like an e-mail address."))
    if not form.is_sound:
        return False
    try:
        letter = await addresses.new_code(ui.services, address, language=language())
        await ui.plane.outside.courier.send(address, letter)
    except Refused as error:
        form.refuse(error, {"": "email"})
    except MailFailed as error:
        form.fault("email", _("The mail could not be sent: {reason}", reason=error))
    return form.is_sound


async def prove_person(ui: Ui, form: Form) -> None:
    """Note in the form if the visitor has to prove to be a person and did not."""
    if not ui.options.flag("TurnstileCheckEnabled"):
        return
    passed_at = session.get(_PASSED)
    if isinstance(passed_at, int) and 0 <= time.time() - passed_at < REMEMBERED_S:
        return
    outside = ui.plane.outside
    try:
        await check_person(
            outside.web,
            outside.endpoints,
            ui.options,
            token=form.values.get("cf-turnstile-response", ""),
            address=g.client.address,
        )
    except Refused as error:
        form.refuse(error)
    else:
        session[_PASSED] = int(time.time())


def _registration(area: Blueprint, ui: Ui) -> None:
    def shown(form: Form, status: int = 200) -> Response:
        is_open = ui.options.flag("RegisterEnabled") and ui.options.flag("PasswordRegisterEnabled")
        challenge = TURNSTILE if ui.options.flag("TurnstileCheckEnabled") else ""
        return ui.page(
            "pages/register.html",
            status,
            frames=challenge,
            scripts=challenge,
            form=form,
            is_open=is_open,
            challenge=challenge,
            needs_mail=ui.options.flag("EmailVerificationEnabled"),
        )

    @area.get("/register")
    @anybody()
    async def register_page() -> Response:
        return shown(Form(values={"aff": request.args.get("aff", "")[:32]}))

    @area.post("/register")
    @anybody(critical=True)
    async def register_account() -> Response:
        form = await read_form()
        needs_mail = ui.options.flag("EmailVerificationEnabled")
        await prove_person(ui, form)
        if form.values.get("do") == "code":
            if await send_code(ui, form):
                ui.note(_("A code is on its way to {address}.", address=form.text("email")))
                return shown(form)
            return shown(form, 422)
        name = form.text("username", required=True, least=3, most=LONGEST_USERNAME)
        if name and not is_plain_name(name):
            form.fault("username", _("Letters, digits, and the signs _ - . only."))
        password = new_password(form, "password")
        email = form.text("email", required=True) if needs_mail else ""
        code = form.text("code", required=True) if needs_mail else ""
        if form.is_sound:
            try:
                await open_account(
                    ui.services,
                    username=name,
                    password=password,
                    display_name="",
                    email=email,
                    code=code,
                    aff_code=form.text("aff"),
                    at=whereabouts(),
                )
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go("/login", note=_("Welcome. Your account is ready, please sign in."))
        return shown(form, 422)


def _reset(area: Blueprint, ui: Ui) -> None:
    def asked(form: Form, status: int = 200, *, is_sent: bool = False) -> Response:
        challenge = TURNSTILE if ui.options.flag("TurnstileCheckEnabled") else ""
        return ui.page(
            "pages/reset.html",
            status,
            frames=challenge,
            scripts=challenge,
            form=form,
            is_sent=is_sent,
            challenge=challenge,
        )

    @area.get("/reset")
    @anybody()
    async def reset_page() -> Response:
        return asked(Form())

    @area.post("/reset")
    @anybody(critical=True)
    async def ask_reset() -> Response:
        answer_at = trio.current_time() + _ANSWER_S
        form = await read_form()
        address = form.text("email", required=True, most=LONGEST_EMAIL)
        if address and not addresses.is_address(address):
            form.fault("email", _("This does not look like an e-mail address."))
        await prove_person(ui, form)
        courier = ui.plane.outside.courier
        if form.is_sound:
            try:
                courier.check_configured()
                for to, letter in await addresses.new_resets(ui.services, address, language=language()):
                    courier.post(to, letter)
            except MailFailed:
                form.general.append(_("This site sends no mail. Ask its administrator for a new password."))
            except Refused as error:
                form.refuse(error)
        await trio.sleep_until(answer_at)
        return asked(form, is_sent=True) if form.is_sound else asked(form, 422)

    @area.get("/user/reset")
    @anybody()
    async def choose_page() -> Response:
        kept = {name: request.args.get(name, "")[:200] for name in ("email", "token")}
        return ui.page("pages/reset_choose.html", form=Form(values=kept))

    @area.post("/user/reset")
    @anybody(critical=True)
    async def choose_password() -> Response:
        form = await read_form()
        password = new_password(form, "password")
        if form.is_sound:
            try:
                await addresses.reset_password(
                    ui.services,
                    address=form.text("email"),
                    token=form.text("token"),
                    password=password,
                    at=whereabouts(),
                )
            except Refused as error:
                form.refuse(error)
            else:
                return ui.go("/login", note=_("The new password is in force. Please sign in."))
        return ui.page("pages/reset_choose.html", 422, form=form)
