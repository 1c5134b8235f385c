"""Signing in, with the second step, and out."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, cast

from quart import Response, g, request, session

from admin_ui import csrf
from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n, told
from admin_ui.ui import WEAK, local_path
from admin_ui.views.joining import TURNSTILE, prove_person
from admin_ui.visit import current_visit
from gateway.accounts import second_step
from gateway.accounts.refusals import NotAllowed, Refused, SecondFactorWanted, TooManyAttempts
from gateway.accounts.sessions import Signed, leave, sign_out
from gateway.identity import sign_in as foreign
from gateway.identity.wechat import WeChat
from gateway.management.guard import anybody, author, remember, session_secret, whereabouts
from gateway.management.oauth import WENT_WRONG
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from quart import Blueprint

    from admin_ui.ui import Ui
    from gateway.registry.options import Options

_FREE_TRIES = 5
_TRIES_WINDOW_S = 900.0
_DEFAULT_PASSWORD = "123456"  # noqa: S105 - the one that every new installation begins with


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    first, second = partial(_first, ui), partial(_second, ui)

    async def let_in(signed: Signed, form: Form) -> Response:
        await remember(ui.services, signed.user, signed.version)
        return ui.go(local_path(form.values.get("next", "")))

    @area.get("/session")
    @anybody()
    async def session_state() -> Response:
        """Tell a page whose session this is, before it sends what took somebody a while to type."""
        user = current_visit().user
        state = {"user": str(user.id), "csrf": csrf.token()} if user is not None else {"user": ""}
        return Response(json.dumps(state), content_type="application/json", headers={"Cache-Control": "no-store"})

    @area.post("/session")
    @anybody()
    async def stay() -> Response:
        session.modified = True
        state = json.dumps({"left": getattr(session, "left_s", 0)})
        return Response(state, content_type="application/json", headers={"Cache-Control": "no-store"})

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
        challenge = await _challenge(ui, form)
        if not form.is_sound:
            return first(form, status=422, challenge=challenge)
        try:
            signed = await ui.plane.sign_in.by_password(
                username=name, password=password, code="", address=g.client.address
            )
        except SecondFactorWanted as wanted:
            version = await second_step.version_of(ui.services, wanted.user_id)
            second_step.begin(_kept(), user_id=wanted.user_id, version=version)
            return second(Form(values={"next": form.values.get("next", "")}))
        except TooManyAttempts as error:
            return _wait(first(_told_to_wait(form, error), status=429, challenge=challenge), error.wait_s)
        except Refused as error:
            form.refuse(error)
            return first(form, status=422, challenge=challenge)
        if signed.user.role == Role.ROOT and password == _DEFAULT_PASSWORD:
            await remember(ui.services, signed.user, signed.version)
            session[WEAK] = True
            return ui.go("/welcome")
        return await let_in(signed, form)

    # Where third parties lead back to whoever has a second factor.
    @area.get("/login/code")
    @anybody()
    async def login_code_page() -> Response:
        return second(Form()) if second_step.is_awaited(_kept()) else ui.go("/login")

    @area.post("/login/code")
    @anybody(critical=True)
    async def code() -> Response:
        form = await read_form()
        if not second_step.is_awaited(_kept()):
            return ui.go("/login")
        given = form.text("totp_code", required=True).replace(" ", "")
        if not form.is_sound:
            return second(form, status=422)
        try:
            signed = await second_step.finish(ui.services, ui.plane.totp, _kept(), code=given, at=whereabouts())
        except NotAllowed as error:
            form.refuse(error)
            return first(form, status=422)
        except Refused as error:
            form.refuse(error, {"code": "totp_code"})
            return second(form, status=429 if isinstance(error, TooManyAttempts) else 422)
        return await let_in(signed, form)

    _wechat(area, ui)

    @area.post("/logout")
    @anybody()
    async def logout() -> Response:
        user = current_visit().user
        if user is not None:
            await leave(ui.services, user, session_secret())
        session.clear()
        return ui.go("/login", note=_("You are signed out."))

    @area.post("/logout/everywhere")
    @anybody()
    async def logout_everywhere() -> Response:
        user = current_visit().user
        if user is not None:
            await sign_out(ui.services, user, author=author(user))
        session.clear()
        return ui.go("/login", note=_("You are signed out, here and everywhere else."))


def _first(ui: Ui, form: Form, *, status: int = 200, challenge: str = "") -> Response:
    target = local_path(form.values.get("next", request.args.get("next", "")))
    return ui.page(
        "pages/login.html",
        status,
        form=form,
        next=target,
        frames=challenge,
        scripts=challenge,
        challenge=challenge,
        has_ended="ended" in request.args,
        ways=_ways(ui.options),
        # Third parties lead back here with what went wrong.
        error=told(str(session.pop(WENT_WRONG, ""))),
    )


def _second(ui: Ui, form: Form, *, status: int = 200) -> Response:
    by_recovery = (form.values.get("with") or request.args.get("with")) == "recovery"
    target = local_path(form.values.get("next", request.args.get("next", "")))
    return ui.page("pages/login_code.html", status, form=form, next=target, by_recovery=by_recovery)


async def too_often(ui: Ui, wait_s: int) -> Response | None:
    """Return the form that was sent, with what was typed and how long to wait; `None`: it was none for signing in."""
    show = {"/login": _first, "/login/code": _second}.get(request.path)
    if show is None or request.method != "POST":
        return None
    form = await read_form()
    form.general.append(
        _n(
            "Too many attempts from your address. Try again in {n} second.",
            "Too many attempts from your address. Try again in {n} seconds.",
            wait_s,
        )
    )
    return _wait(show(ui, form, status=429), wait_s)


async def _challenge(ui: Ui, form: Form) -> str:
    """Return where the proof of being a person comes from, where it is switched on and wanted by now.

    The first few attempts need none: a key that is set up wrongly must not lock out who could set it right.
    """
    if not ui.options.flag("TurnstileCheckEnabled"):
        return ""
    key = f"login-try:{g.client.address}"
    if await ui.services.windows.hit(key, limit=_FREE_TRIES, window_s=_TRIES_WINDOW_S):
        return ""
    await prove_person(ui, form)
    return TURNSTILE


def _told_to_wait(form: Form, error: TooManyAttempts) -> Form:
    if error.wait_s:
        form.general.append(
            _n(
                "Too many failed attempts. Try again in {n} second.",
                "Too many failed attempts. Try again in {n} seconds.",
                error.wait_s,
            )
        )
    else:
        form.refuse(error)
    return form


def _wait(response: Response, wait_s: int) -> Response:
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def _wechat(area: Blueprint, ui: Ui) -> None:
    """WeChat has no way back for browsers: its account answers a message with a code, which is typed here."""

    def shown(form: Form, status: int = 200) -> Response:
        picture = ui.options.text("WeChatAccountQRCodeImageURL")
        return ui.page("pages/login_wechat.html", status, images=picture, form=form, picture=picture)

    @area.get("/login/wechat")
    @anybody()
    async def wechat_page() -> Response:
        return shown(Form())

    @area.post("/login/wechat")
    @anybody(critical=True)
    async def wechat_sign_in() -> Response:
        form = await read_form()
        code = form.text("code", required=True, most=64)
        wechat = WeChat(ui.plane.outside.web)
        user = current_visit().user
        if form.is_sound:
            try:
                wechat.check_on(ui.options)
                who = await wechat.account(ui.options, code)
                if user is not None:
                    await foreign.bind(ui.services, author(user), who)
                    return ui.go("/profile", note=_("WeChat is linked to your account."))
                signed = await foreign.sign_in(ui.services, who)
            except Refused as error:
                form.refuse(error)
            else:
                if signed.user.totp_secret:
                    second_step.begin(_kept(), user_id=signed.user.id, version=signed.version)
                    return ui.go("/login/code")
                await remember(ui.services, signed.user, signed.version)
                return ui.go("/")
        return shown(form, 422)


def _kept() -> MutableMapping[str, object]:
    return cast("MutableMapping[str, object]", session)


def _ways(options: Options) -> list[tuple[str, str]]:
    """Return the third parties that people may sign in with, and where each begins."""
    ways = (
        ("GitHub", "/api/oauth/github/authorize", options.flag("GitHubOAuthEnabled")),
        ("OpenID Connect", "/api/oauth/oidc/authorize", options.flag("OidcEnabled")),
        ("Lark", "/api/oauth/lark/authorize", bool(options.text("LarkClientId"))),
        ("WeChat", "/login/wechat", options.flag("WeChatAuthEnabled")),
    )
    return [(name, address) for name, address, is_on in ways if is_on]
