"""The fields of a channel's form: what they hold for a channel, and the channel that they describe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from admin_ui.i18n import _
from admin_ui.views.channel_keys import read_key
from admin_ui.views.channel_tables import MAPPING, PRICES, PROFILES, json_object, pretty
from admin_ui.views.picked import as_number
from gateway.channels.edits import ChannelEdit
from gateway.channels.secrets import SECRETS, read_config, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider
    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from storage.records import Channel
    from storage.repositories.channel_labels import Label

MORE: Final = "more_settings"
"""Field for settings that a type does not name, as a JSON object."""
REFUSED: Final[Mapping[str, str]] = {
    "name": "name",
    "key": "key",
    "oauth app": "app_json",
    "base_url": "base_url",
    "group": "groups",
    "mapping": "mapping",
    "is mapped": "mapping",
    "testing model": "testing_model",
    "tag": "tag",
    "note": "note",
    "model name": "models",
    "arn": "profiles",
    "service account": "config_vertex_ai_adc",
    "config": MORE,
    "price": "prices",
    "limit": "prices",
}
"""Which words of a service's refusal are about which field."""
OPENAI: Final = 1
BEDROCK: Final = "bedrock"
_USUAL_SIGN_IN = "personal_access_token"
_NEEDED = {"bedrock": ("region",), "vertex": ("region", "vertex_ai_project_id")}
"""By platform: settings without which no request can be made."""
_LEAST_PRIORITY, _MOST = -(10**6), 10**6


def provider_of(ui: Ui, form: Form) -> Provider:
    """Return the provider that is chosen."""
    catalogue = ui.services.catalogue
    found = catalogue.provider(as_number(form.values.get("type", ""))) or catalogue.provider(OPENAI)
    assert found is not None  # noqa: S101 - the catalogue always has OpenAI
    return found


def values_of(ui: Ui, channel: Channel, label: Label) -> dict[str, str]:
    """Return what the fields hold for a channel: everything but what is secret."""
    values = {
        "type": str(channel.type),
        "name": channel.name,
        "base_url": channel.base_url,
        "models": "\n".join(name.strip() for name in channel.models.split(",") if name.strip()),
        "groups": ",".join(name.strip() for name in channel.group.split(",") if name.strip()),
        "priority": str(channel.priority),
        "weight": str(channel.weight),
        "ratelimit": str(channel.ratelimit),
        MAPPING: pretty(channel.model_mapping),
        PRICES: pretty(channel.model_configs),
        "system_prompt": channel.system_prompt or "",
        "testing_model": channel.testing_model or "",
        PROFILES: pretty(channel.inference_profile_arn_map),
        "tag": label.tag,
        "note": label.note,
    }
    config = stored_config(channel)
    # Settings that are keys stay here, like the key itself.
    shown = {name: value for name, value in without_secrets(config).items() if name not in SECRETS}
    values |= {f"config_{name}": value for name, value in shown.items() if isinstance(value, str)}
    provider = ui.services.catalogue.provider(channel.type)
    named = provider.config_fields if provider else {}
    more = {name: value for name, value in shown.items() if name not in named}
    values[MORE] = json.dumps(more, ensure_ascii=False, indent=2) if more else ""
    if channel.other and provider and not values.get(f"config_{provider.other_setting}"):
        values[f"config_{provider.other_setting}"] = channel.other
    if provider and provider.platform == BEDROCK and not config.get("ak"):
        values["credential"] = "key"
    return values


def stored_config(channel: Channel | None) -> dict[str, object]:
    """Return a channel's settings."""
    return read_config(channel.config if channel else "")


def read_edit(ui: Ui, form: Form, channel: Channel | None) -> ChannelEdit:
    """Return the channel that a form describes; what is wrong is noted at its field.

    The tables of names and prices have been settled (`channel_tables.settle`).
    """
    provider = provider_of(ui, form)
    models, groups = form.names("models"), form.names("groups")
    if not models:
        form.fault("models", _("Name at least one model."))
    if not groups:
        form.fault("groups", _("Choose at least one group."))
    base_url = form.text("base_url", required=provider.base_url_required, most=500).rstrip("/")
    if base_url and not base_url.startswith(("http://", "https://")):
        form.fault("base_url", _("Begin with https:// or http://."))
    config = read_settings(form, provider, channel)
    for name in _NEEDED.get(provider.platform, ()):
        if not config.get(name) and not provider.settings_in(channel.key if channel else ""):
            form.fault(f"config_{name}", _("Please fill this in."))
    tested = form.text("testing_model", most=255)
    return ChannelEdit(
        type=provider.id,
        name=form.text("name", required=True, most=100),
        key=read_key(form, provider, channel, config) or None,
        base_url=base_url,
        models=",".join(models),
        group=",".join(groups),
        priority=form.integer("priority", least=_LEAST_PRIORITY, most=_MOST),
        weight=form.integer("weight", least=0, most=_MOST),
        ratelimit=form.integer("ratelimit", least=0, most=_MOST),
        model_mapping=_as_stored(form.values.get(MAPPING, ""), channel.model_mapping if channel else None),
        model_configs=_as_stored(form.values.get(PRICES, ""), channel.model_configs if channel else None),
        system_prompt=form.values.get("system_prompt", "").strip(),
        testing_model=tested if tested in models else "",
        config=json.dumps(config, ensure_ascii=False) if config else "{}",
        inference_profile_arn_map=_as_stored(
            form.values.get(PROFILES, ""), channel.inference_profile_arn_map if channel else None
        ),
        tag=form.text("tag", most=50),
        note=form.text("note", most=500),
    )


def read_settings(form: Form, provider: Provider, channel: Channel | None) -> dict[str, object]:
    """Return the settings of this type, the further ones, and stored secrets; blank keeps a secret."""
    stored = stored_config(channel)
    kept = {name: value for name, value in stored.items() if name in SECRETS}
    given = {name: form.values.get(f"config_{name}", "").strip() for name in provider.config_fields}
    if provider.platform == BEDROCK and form.values.get("credential") == "key":
        # A Bedrock API key takes the place of an access key.
        for name in ("ak", "sk"):
            kept.pop(name, None)
            given.pop(name, None)
    if given.get("auth_type") == _USUAL_SIGN_IN and "auth_type" not in stored:
        # It says what is so without it.
        del given["auth_type"]
    return _more(form) | kept | {name: value for name, value in given.items() if value}


def _more(form: Form) -> dict[str, object]:
    table = json_object(form, MORE, form.values.get(MORE, "").strip())
    return {} if table is None else table


def _as_stored(text: str, stored: str | None) -> str:
    """Return a column in one line; as it was stored where it says the same, so that nothing changes in vain."""
    if pretty(text) == pretty(stored):
        return stored or ""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False) if text.strip() else ""
    except ValueError:
        return text
