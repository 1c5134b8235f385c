"""The part of a channel's form that asks for its key: one text, several parts, an app, or settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from admin_ui.i18n import _
from gateway.accounts.refusals import Refused
from gateway.channels import credentials
from gateway.channels.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider
    from admin_ui.forms import Form
    from storage.records import Channel

PART: Final = "key_part"
_FIRST = {"access": "config_ak", "settings": "config_vertex_ai_project_id"}
"""Which field is at fault where there is no key at all."""
OAUTH: Final = "oauth_jwt"
LINES: Final = "lines"
"""Field that says what several lines of a key make: a channel each, or one that uses them in turn."""
IN_TURN: Final = "turn"


def kind_of_key(provider: Provider) -> str:
    """Return how a provider's key is asked for: `text`, `parts`, `app`, `access` (or a key), `settings`."""
    if provider.wire == credentials.COZE:
        return "app"
    if provider.platform == credentials.BEDROCK:
        return "access"
    if provider.key_settings:
        return "settings"
    return "parts" if credentials.parts_of_key(provider) else "text"


def read_key(form: Form, provider: Provider, channel: Channel | None, config: Mapping[str, object]) -> str:
    """Return the key that was typed, `""` for the stored one; what is wrong is noted at its field."""
    try:
        key = _key(form, provider, config, is_new=channel is None)
    except Refused as error:
        form.refuse(error, {"service account": "config_vertex_ai_adc", "oauth app": "app_json", "": "key"})
        return ""
    if channel is not None and len(key.splitlines()) > 1:
        form.fault("key", _("One key, please: further ones are added under Keys."))
    if not key and channel is None:
        form.fault(_FIRST.get(kind_of_key(provider), "key"), _("Please fill this in."))
    return key


def lines_of(text: str) -> int:
    """Return how many keys a text holds, one a line."""
    return sum(bool(line.strip()) for line in text.splitlines())


def _key(form: Form, provider: Provider, config: Mapping[str, object], *, is_new: bool) -> str:
    kind = kind_of_key(provider)
    typed = form.values.get("key", "").strip()
    account = form.values.get("config_vertex_ai_adc", "").strip()
    if provider.platform == credentials.VERTEX and account:
        credentials.check_google_account(account)
    if kind == "parts":
        parts = form.many.get(PART, [])
        names = credentials.parts_of_key(provider)
        return typed or (credentials.joined(names, parts) if parts else "")
    if kind == "app" and form.values.get("config_auth_type") == OAUTH:
        fields = {name: form.values.get(f"app_{name}", "") for name in credentials.APP_FIELDS}
        return credentials.app_key(form.values.get("app_json", ""), fields)
    if kind == "access" and form.values.get("credential") == "key":
        return typed
    if kind in ("access", "settings"):
        # A key that is made of stored secrets counts as stored: it goes nowhere else.
        is_typed = is_new or any(form.values.get(f"config_{name}", "").strip() for name in SECRETS)
        return typed or (credentials.key_of_settings(provider, config) if is_typed else "")
    return typed


def setting_word(provider: Provider, name: str) -> str:
    """Return what people call a setting of a channel."""
    if name == "user_id":
        return _("User ID") if provider.wire == credentials.COZE else _("Account ID")
    return {
        "ak": _("Access key ID"),
        "api_version": _("API version"),
        "cross_region": _("Cross-region profile"),
        "library_id": _("Knowledge base"),
        "plugin": _("Plug-in"),
        "region": _("Region"),
        "sk": _("Secret access key"),
        "vertex_ai_adc": _("Service account"),
        "vertex_ai_project_id": _("Project"),
    }.get(name, name)
