"""The first visit of root: a password, the first channel, the first token with something to paste into a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request, session

from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, _n
from admin_ui.key_snippets import first_calls
from admin_ui.ui import WEAK
from admin_ui.views.channel_shown import COMMON
from admin_ui.views.profile import change_password
from admin_ui.views.token_form import full_key, model_for
from gateway.accounts import tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.tokens import TokenEdit
from gateway.channels.edits import ChannelEdit, create_channels
from gateway.channels.model_list import fetch_models
from gateway.management.guard import author, needs
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quart import Blueprint, Response

    from adapters.providers.provider import Provider
    from admin_ui.ui import Ui
    from storage.records import Token

_HERE = "/welcome"
_DEFAULT_PASSWORD = "123456"  # noqa: S105 - the one that every new installation begins with
_OPENAI = 1
_SUGGESTED = "laptop"
# Settings of a provider that may stay blank.
_OPTIONAL = {"api_version", "plugin"}
# Azure's models are deployments, which only people can name.
_MORE = ("azure",)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _password(area, ui)
    _channel(area, ui)
    _token(area, ui)


def shown(ui: Ui, step: int, form: Form, status: int = 200, *, token: Token | None = None) -> Response:
    """Show the steps, with the form of the one at hand; `token` is what the last one made."""
    calls = []
    if token is not None:
        calls = first_calls(ui.address, full_key(ui, token), model_for(ui, token))
    return ui.page(
        "pages/welcome.html",
        status,
        form=form,
        step=step,
        providers=offered(ui.services.catalogue.providers) if step == 2 else [],
        suggested=_SUGGESTED,
        token=token,
        key=full_key(ui, token) if token is not None else "",
        calls=calls,
    )


def offered(providers: Iterable[Provider]) -> list[Provider]:
    """Return providers that need no more than a key and perhaps an address, the commonest first."""
    simple = [
        p
        for p in providers
        if not p.hidden and p.key_format == "KEY" and p.key not in _MORE and p.config_fields.keys() <= _OPTIONAL
    ]
    common = [p for key in COMMON for p in simple if p.key == key]
    return common + sorted((p for p in simple if p not in common), key=lambda p: p.name.lower())


def _password(area: Blueprint, ui: Ui) -> None:
    @area.get(_HERE)
    @needs(Role.ROOT)
    async def welcome() -> Response:
        if session.get(WEAK):
            return shown(ui, 1, Form())
        has_channels = bool(ui.services.registry.current.channels)
        if not has_channels and request.args.get("step") != "3":
            return shown(ui, 2, Form(values={"type": str(_OPENAI)}))
        return shown(ui, 3, Form(values={"name": _SUGGESTED}))

    @area.post(_HERE)
    @needs(Role.ROOT)
    async def choose_first_password() -> Response:
        if not session.get(WEAK):
            return ui.go(_HERE)
        form = await read_form()
        if form.values.get("password", "") == _DEFAULT_PASSWORD:
            form.fault("password", _("Not this one again."))
        # `remember` begins a new session, which is not marked as weak.
        if await change_password(ui, form, is_first=True):
            return ui.go(_HERE, note=_("The new password is in force."))
        return shown(ui, 1, form, 422)


def _channel(area: Blueprint, ui: Ui) -> None:
    @area.post("/welcome/channel")
    @needs(Role.ROOT)
    async def make_first_channel() -> Response:
        if session.get(WEAK):
            return ui.go(_HERE)
        form = await read_form()
        known = {str(provider.id): provider for provider in offered(ui.services.catalogue.providers)}
        provider = known.get(form.values.get("type", ""))
        if provider is None:
            form.fault("type", _("Please choose one of these."))
        key = form.secret("key", required=True).strip()
        base = form.text("base_url", required=provider is not None and provider.base_url_required, most=500)
        if base and not base.startswith(("http://", "https://")):
            form.fault("base_url", _("Begin with https:// or http://."))
        models = form.names("models")
        if form.is_sound and provider is not None and not models:
            try:
                models = await fetch_models(ui.services, type_id=provider.id, base_url=base, key=key)
            except Refused as error:
                form.refuse(error, {"base_url": "base_url", "": "models"})
            else:
                if not models:
                    form.fault("models", _("The provider names none. Type those that you want to use."))
        if not form.is_sound or provider is None:
            return shown(ui, 2, form, 422)
        if not await ui.is_first(form.values.get("once", "")):
            return ui.go(_HERE)
        edit = ChannelEdit(
            type=provider.id, name=provider.name, key=key, base_url=base.rstrip("/"), models=",".join(models)
        )
        try:
            await create_channels(ui.services, author(), edit)
        except Refused as error:
            form.refuse(error, {"base_url": "base_url", "key": "key", "model": "models"})
            return shown(ui, 2, form, 422)
        text = _n(
            "{name} is connected, with {n} model.",
            "{name} is connected, with {n} models.",
            len(models),
            name=provider.name,
        )
        return ui.go(_HERE, note=text)


def _token(area: Blueprint, ui: Ui) -> None:
    @area.post("/welcome/token")
    @needs(Role.ROOT)
    async def make_first_token() -> Response:
        if session.get(WEAK):
            return ui.go(_HERE)
        form = await read_form()
        name = form.text("name", required=True, most_bytes=tokens.LONGEST_NAME_BYTES)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go("/tokens", note=_("The token was made already."), kind="info")
        if form.is_sound:
            try:
                edit = TokenEdit(name=name, unlimited_quota=True)
                token = await tokens.create_token(ui.services, author(), edit)
            except Refused as error:
                form.refuse(error, {"name": "name"})
            else:
                return shown(ui, 4, form, token=token)
        return shown(ui, 3, form, 422)
