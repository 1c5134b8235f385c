"""Beside the settings: see a text as it will look, send a test, read a provider's endpoints, try a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from quart import Response, session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, told
from admin_ui.markdown import embedded_address
from admin_ui.setting_values import field_value
from admin_ui.views.option_sections import setting_of
from admin_ui.views.settings import section_called, section_shown
from gateway.accounts.refusals import NotFound, Refused
from gateway.identity import addresses, handshake, trial
from gateway.identity.github import GitHub
from gateway.identity.lark import Lark
from gateway.identity.oidc import Oidc
from gateway.identity.wechat import WeChat
from gateway.management.guard import actor, needs
from gateway.site.trials import discover, send_test_mail, send_test_message
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from quart import Blueprint

    from admin_ui.ui import Ui
    from gateway.management.oauth import Provider

_MAIL, _PROVIDERS = "/settings/mail", "/settings/providers"


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _texts(area, ui)
    _messages(area, ui)
    _providers(area, ui)


def _texts(area: Blueprint, ui: Ui) -> None:
    @area.post("/settings/preview")
    @needs(Role.ROOT)
    async def preview_text() -> Response:
        form = await read_form()
        setting = setting_of(form.values.get("field", ""))
        if setting is None or setting.control != "long":
            raise NotFound("there is no such setting", status=404)
        text = form.values.get(setting.key, "").strip()
        address = embedded_address(text) if setting.key in ("HomePageContent", "About") else ""
        return ui.page(
            "pages/settings_preview.html",
            title=_(setting.title),
            text="" if address else text,
            address=address,
            frames=address,
        )


def _messages(area: Blueprint, ui: Ui) -> None:
    @area.get("/settings/mail/test")
    @needs(Role.ROOT)
    async def ask_test_mail() -> Response:
        return ui.page("pages/settings_mail_test.html", form=Form(values={"to": actor().email or ""}))

    @area.post("/settings/mail/test")
    @needs(Role.ROOT, critical=True)
    async def test_mail() -> Response:
        form = await read_form()
        to = form.text("to", required=True)
        if to and not addresses.is_address(to):
            form.fault("to", _("This does not look like an e-mail address."))
        if form.is_sound:
            try:
                await send_test_mail(ui.services, ui.plane.outside, to)
                return ui.go(_MAIL, note=_("The mail server took a test for {address}.", address=to))
            except Refused as error:
                form.fault("to", told(error.message))
        return ui.page("pages/settings_mail_test.html", 422, form=form)

    @area.post("/settings/mail/test-message")
    @needs(Role.ROOT, critical=True)
    async def test_message() -> Response:
        try:
            await send_test_message(ui.services, ui.plane.outside)
        except Refused as error:
            return ui.refused(_MAIL, error)
        return ui.go(_MAIL, note=_("Message Pusher took the test."))


def _providers(area: Blueprint, ui: Ui) -> None:
    @area.post("/settings/providers/discover")
    @needs(Role.ROOT, critical=True)
    async def discover_endpoints() -> Response:
        form, section = await read_form(), section_called("providers")
        # What is not sent back, such as secrets, shows what is stored.
        for setting in section.settings:
            if setting.control != "switch":
                form.values.setdefault(setting.key, field_value(setting, ui.options))
        try:
            found = await discover(ui.plane.outside, form.values.get("OidcWellKnown", ""))
        except Refused as error:
            form.fault("OidcWellKnown", told(error.message))
            return await section_shown(ui, section, form, 422)
        form.values |= found
        ui.note(_("The endpoints were read. They count once they are saved."), kind="info")
        return await section_shown(ui, section, form)

    @area.get("/settings/providers/wechat")
    @needs(Role.ROOT)
    async def ask_wechat_trial() -> Response:
        return _wechat(ui, Form())

    @area.post("/settings/providers/wechat")
    @needs(Role.ROOT, critical=True)
    async def try_wechat() -> Response:
        form = await read_form()
        code = form.text("code", required=True, most=64)
        if not form.is_sound:
            return _wechat(ui, form, 422)
        kept = cast("MutableMapping[str, object]", session)
        try:
            bridge = WeChat(ui.plane.outside.web)
            bridge.check_on(ui.options)
            trial.succeeded(kept, "wechat", await bridge.account(ui.options, code))
        except Refused as error:
            form.fault("code", told(error.message))
            return _wechat(ui, form, 422)
        return ui.go(_PROVIDERS)

    # A link, not a form: the policy lets forms lead nowhere else, not even over a redirect.
    @area.get("/settings/providers/try/<name>")
    @needs(Role.ROOT, critical=True, changes=True)
    async def try_provider(name: str) -> Response:
        outside, options = ui.plane.outside, ui.options
        known: dict[str, Provider] = {
            "github": GitHub(outside.web, outside.endpoints),
            "oidc": Oidc(outside.web, ui.services.journal),
            "lark": Lark(outside.web, outside.endpoints),
        }
        provider = known.get(name)
        if provider is None:
            raise NotFound("there is no such provider", status=404)
        kept = cast("MutableMapping[str, object]", session)
        try:
            provider.check_on(options)
            address = await provider.authorize_url(options, handshake.begin(kept, provider=name))
        except Refused as error:
            return ui.refused(_PROVIDERS, error)
        trial.begin(kept, name)
        return ui.go(address)


def _wechat(ui: Ui, form: Form, status: int = 200) -> Response:
    picture = ui.options.text("WeChatAccountQRCodeImageURL")
    return ui.page("pages/settings_wechat.html", status, form=form, picture=picture, images=picture)
