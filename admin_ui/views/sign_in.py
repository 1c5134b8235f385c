"""Signing in, with the second step, and out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from quart import Response, g, request, session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.ui import WEAK, local_path
from admin_ui.visit import current_visit
from gateway.accounts import second_step
from gateway.accounts.refusals import NotAllowed, Refused, TooManyAttempts
from gateway.accounts.sessions import Signed, sign_out
from gateway.management.guard import anybody, remember
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui

_DEFAULT_PASSWORD = "123456"  # noqa: S105 - the one that every new installation begins with
_WAITING = "waiting"
"""Session member: account, session version and time of a password that was right, while its code is awaited."""


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    def first(form: Form, *, status: int = 200) -> Response:
        target = local_path(form.values.get("next", request.args.get("next", "")))
        return ui.page("pages/login.html", status, form=form, next=target, has_ended="ended" in request.args)

    def second(form: Form, *, status: int = 200) -> Response:
        return ui.page("pages/login_code.html", status, form=form, next=local_path(form.values.get("next", "")))

    def let_in(signed: Signed, form: Form) -> Response:
        remember(signed.user, signed.version)
        return ui.go(local_path(form.values.get("next", "")))

    @area.get("/login")
    @anybody()
    async def login_page() -> Response:
        if current_visit().user is not None:
            return ui.go(local_path(request.args.get("next", "")))
        return first(Form())

    @area.post("/login")
    @anybody(critical=True)
    async def login() -> Response:
        form = await read_form()
        name = form.text("username", required=True)
        password = form.secret("password", required=True)
        if not form.is_sound:
            return first(form, status=422)
        try:
            signed = await ui.plane.sign_in.by_password(
                username=name, password=password, code="", address=g.client.address
            )
        except Refused as error:
            if error.message == "totp_required" and isinstance(error.data, dict):
                user_id = int(error.data["user_id"])
                version = await second_step.version_of(ui.services, user_id)
                session[_WAITING] = [user_id, version, int(time.time())]
                return second(Form(values={"next": form.values.get("next", "")}))
            form.refuse(error)
            return first(form, status=429 if isinstance(error, TooManyAttempts) else 422)
        if signed.user.role == Role.ROOT and password == _DEFAULT_PASSWORD:
            remember(signed.user, signed.version)
            session[WEAK] = True
            return ui.go("/welcome")
        return let_in(signed, form)

    @area.post("/login/code")
    @anybody(critical=True)
    async def code() -> Response:
        form = await read_form()
        waiting = session.get(_WAITING)
        if not isinstance(waiting, list) or len(waiting) != 3:
            return ui.go("/login")
        given = form.text("totp_code", required=True).replace(" ", "")
        if not form.is_sound:
            return second(form, status=422)
        user_id, version, began_at = waiting
        try:
            signed = await second_step.finish(
                ui.services, ui.plane.totp, user_id=user_id, version=version, began_at=began_at, code=given
            )
        except NotAllowed as error:
            session.pop(_WAITING, None)
            form.refuse(error)
            return first(form, status=422)
        except Refused as error:
            form.refuse(error, {"code": "totp_code"})
            return second(form, status=429 if isinstance(error, TooManyAttempts) else 422)
        return let_in(signed, form)

    @area.post("/logout")
    @anybody()
    async def logout() -> Response:
        user = current_visit().user
        if user is not None:
            await sign_out(ui.services, user.id)
        session.clear()
        return ui.go("/login", note=_("You are signed out."))
