"""The form of a channel: knows what each type asks for, its models and their prices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quart import request

from admin_ui.forms import Form, fingerprint, read_form
from admin_ui.i18n import _, _n
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels import directory, edits, price_table
from gateway.channels.edits import ChannelEdit
from gateway.channels.model_list import fetch_models
from gateway.channels.secrets import SECRETS, read_config, without_secrets
from gateway.channels.shares import would_get
from gateway.channels.trial import try_out
from gateway.management.guard import author, needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from adapters.providers.provider import Provider
    from admin_ui.ui import Ui
    from gateway.channels.price_table import PriceRow
    from gateway.channels.question import Outcome
    from gateway.channels.shares import Share
    from storage.records import Channel

_LIST = "/channels"
_OPENAI = 1
_BEDROCK = "bedrock"
_LOOPBACK = ("localhost", "::1", "0.0.0.0")  # noqa: S104 - recognised, not bound to
_MORE = "more_settings"
"""Field of the form for settings that a type does not name, as a JSON object."""
_FIELDS = {
    "name": "name",
    "key": "key",
    "base_url": "base_url",
    "group": "groups",
    "model_mapping": "model_mapping",
    "testing model": "testing_model",
    "model name": "models",
    "arn": "inference_profile_arn_map",
    "config": _MORE,
    "price": "prices",
    "limit": "prices",
}
# Types in the order in which people look for them: the commonest first, then by name.
COMMON = ("openai", "anthropic", "gemini", "azure", "deepseek", "openaicompatible")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _pages(area, ui)
    _saving(area, ui)


def shown(
    ui: Ui, form: Form, channel: Channel | None, status: int = 200, *, outcome: Outcome | None = None
) -> Response:
    """Show the form for what it holds at the moment; `outcome` is that of a test of it."""
    provider = _provider(ui, form)
    models = form.names("models")
    rows = _rows(ui, form, provider)
    alone = directory.only_here(ui.services, channel) if channel else []
    return ui.page(
        "pages/channel_form.html",
        status,
        form=form,
        channel=channel,
        outcome=outcome,
        shares=_shares(ui, form, channel),
        hints=_hints(form),
        provider=provider,
        providers=_sorted(ui),
        chosen_groups=frozenset(form.names("groups")),
        groups=list(dict.fromkeys([*ui.options.group_ratio, *form.names("groups")])),
        models=models,
        rows=rows,
        unpriced=[row.model for row in rows if not row.has_price and not row.own_input],
        health=directory.health(ui.services, channel) if channel else None,
        alone=alone,
        is_bedrock=provider.platform == _BEDROCK,
        secrets=SECRETS,
        stored_secrets=frozenset(SECRETS & _stored_config(channel).keys()),
    )


def _pages(area: Blueprint, ui: Ui) -> None:
    @area.get("/channels/new")
    @needs(Role.ADMIN)
    async def new_channel() -> Response:
        source = as_number(request.args.get("from", ""))
        if source:
            values = _values(ui, await edits.read_channel(ui.services, source))
            values["name"] = _("{name} (copy)", name=values["name"])[:100]
            return shown(ui, Form(values=values | {"version": ""}), None)
        provider = ui.services.catalogue.provider(as_number(request.args.get("type", "")) or _OPENAI)
        kind = provider.id if provider else _OPENAI
        values = {"type": str(kind), "groups": "default", "priority": "0", "weight": "0", "ratelimit": "0"}
        if provider and request.args.get("type"):
            values["name"] = provider.name
            values["models"] = "\n".join(provider.models)
        return shown(ui, Form(values=values), None)

    @area.get("/channels/<number>")
    @needs(Role.ADMIN)
    async def channel_page(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        return shown(ui, Form(values=_values(ui, channel)), channel)


def _saving(area: Blueprint, ui: Ui) -> None:
    @area.post("/channels/new")
    @needs(Role.ADMIN)
    async def create_channel() -> Response:
        form = await read_form()
        if await _helped(ui, form, None):
            return shown(ui, form, None)
        if form.values.get("do") == "try":
            return await _tried(ui, form, None)
        form.secret("key", required=not _config(form, _provider(ui, form), None))
        edit = _read(ui, form, None)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST)
        if form.is_sound:
            try:
                made = await edits.create_channels(ui.services, author(), edit)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                return ui.go(_LIST, note=_n("{n} channel was created.", "{n} channels were created.", made))
        return shown(ui, form, None, 422)

    @area.post("/channels/<number>")
    @needs(Role.ADMIN)
    async def update_channel(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        form = await read_form()
        if await _helped(ui, form, channel):
            return shown(ui, form, channel)
        if form.values.get("do") == "try":
            return await _tried(ui, form, channel)
        edit = _read(ui, form, channel)
        version = _values(ui, channel)["version"]
        if form.is_sound and form.values.get("version", "") != version:
            form.general.append(
                _("Somebody else changed this meanwhile. Below is what you typed; saving again keeps yours.")
            )
            form.values["version"] = version
        if form.is_sound:
            try:
                await edits.update_channel(ui.services, author(), channel.id, edit)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                if form.values.get("do") == "test":
                    return ui.go(f"/channels/{channel.id}/test", note=_("Channel {name} was saved.", name=edit.name))
                return ui.go(_LIST, note=_("Channel {name} was saved.", name=edit.name))
        return shown(ui, form, channel, 422)


async def _helped(ui: Ui, form: Form, channel: Channel | None) -> bool:
    """Do what one of the form's helping buttons asks for; `False` when it was sent to be saved."""
    what = form.values.get("do", "")
    provider = _provider(ui, form)
    if what in ("type", "look"):
        return True
    if what == "fill":
        names = [*form.names("models"), *provider.models]
        form.values["models"] = "\n".join(dict.fromkeys(names))
        form.many.pop("models", None)
        return True
    if what == "clear":
        form.values["models"] = ""
        form.many.pop("models", None)
        return True
    if what == "fetch":
        key, base = form.values.get("key", ""), form.values.get("base_url", "")
        if channel is not None and not key:
            # A stored key goes only where it is stored for.
            key, base = channel.key, channel.base_url
        try:
            config = _config(form, provider, channel)
            found = await fetch_models(ui.services, type_id=provider.id, base_url=base, key=key, config=config)
        except Refused as error:
            form.refuse(error, {"key": "key", "": "models"})
        else:
            form.values["models"] = "\n".join(dict.fromkeys([*form.names("models"), *found]))
            form.many.pop("models", None)
        return True
    return False


async def _tried(ui: Ui, form: Form, channel: Channel | None) -> Response:
    """Test what is typed, and show the form again with how it went."""
    edit = _read(ui, form, channel)
    outcome = None
    if form.is_sound:
        try:
            outcome = await try_out(ui.services, edit, channel)
        except Refused as error:
            form.refuse(error, _FIELDS)
    return shown(ui, form, channel, 200 if form.is_sound else 422, outcome=outcome)


def _shares(ui: Ui, form: Form, channel: Channel | None) -> list[Share]:
    read = Form(values=dict(form.values))
    return would_get(
        ui.services,
        channel_id=channel.id if channel else 0,
        models=form.names("models"),
        groups=form.names("groups"),
        priority=read.integer("priority"),
        weight=read.integer("weight"),
    )


def _hints(form: Form) -> list[str]:
    """Return what is worth a second look at an address, and may well be meant."""
    parts = urlsplit(form.values.get("base_url", "").strip())
    hints = []
    if parts.hostname in _LOOPBACK or (parts.hostname or "").startswith("127."):
        hints.append(_("This address is the gateway's own machine."))
    elif parts.scheme == "http":
        hints.append(_("Over http the key can be read on its way."))
    return hints


def _read(ui: Ui, form: Form, channel: Channel | None) -> ChannelEdit:
    provider = _provider(ui, form)
    models = form.names("models")
    if not models:
        form.fault("models", _("Name at least one model."))
    groups = form.names("groups")
    if not groups:
        form.fault("groups", _("Choose at least one group."))
    base_url = form.text("base_url", required=provider.base_url_required, most=500).rstrip("/")
    if base_url and not base_url.startswith(("http://", "https://")):
        form.fault("base_url", _("Begin with https:// or http://."))
    mapping = form.text("model_mapping")
    _check_object(form, "model_mapping", mapping)
    config = _config(form, provider, channel)
    key = form.values.get("key", "").strip()
    parts = provider.key_format.split("|")
    if not key and len(parts) > 1 and all(made := _key_parts(parts, config)):
        key = "|".join(made)
    configs = ""
    try:
        rows = _rows(ui, form, provider, stored=True)
        configs = price_table.configs_of(rows, _typed(form), form.values.get("model_configs", ""))
    except Refused as error:
        form.refuse(error, {"": "prices"})
    return ChannelEdit(
        type=provider.id,
        name=form.text("name", required=True, most=100),
        key=key or None,
        base_url=base_url,
        models=",".join(models),
        group=",".join(groups),
        priority=form.integer("priority", least=-(10**6), most=10**6),
        weight=form.integer("weight", least=0, most=10**6),
        ratelimit=form.integer("ratelimit", least=0, most=10**6),
        model_mapping=mapping,
        model_configs=configs,
        system_prompt=form.values.get("system_prompt", "").strip(),
        testing_model=form.text("testing_model", most=255),
        config=json.dumps(config, ensure_ascii=False) if config else "{}",
        inference_profile_arn_map=form.text("inference_profile_arn_map"),
    )


def _check_object(form: Form, name: str, text: str) -> None:
    if not text:
        return
    try:
        table = json.loads(text)
    except ValueError as error:
        where = f"{getattr(error, 'lineno', 1)}:{getattr(error, 'colno', 1)}"
        form.fault(name, _("This is not JSON: look at line and column {where}.", where=where))
        return
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        form.fault(name, _("A JSON object of texts is needed."))


def _rows(ui: Ui, form: Form, provider: Provider, *, stored: bool = False) -> list[PriceRow]:
    """Return the price table; what was typed into it is shown again unless `stored` asks for what is in force."""
    try:
        table = json.loads(form.values.get("model_mapping", "") or "{}")
    except ValueError:
        table = {}
    mapping = {k: v for k, v in table.items() if isinstance(v, str)} if isinstance(table, dict) else {}
    text = form.values.get("model_configs", "")
    rows = price_table.price_rows(ui.services, provider.id, form.names("models"), mapping, text)
    rows = list({row.model: row for row in rows}.values())
    if stored:
        return rows
    typed = _typed(form)
    return [price_table.with_typed(row, typed[row.model]) if row.model in typed else row for row in rows]


def _typed(form: Form) -> dict[str, tuple[str, str, str]]:
    """Return what the price table was sent with; its fields are lists of equal length, one entry a row."""
    names = form.many.get("price_model", [])
    columns = [form.many.get(name, []) for name in ("price_input", "price_output", "price_limit")]
    if any(len(column) != len(names) for column in columns):
        return {}
    inputs, outputs, limits = columns
    return {name: (inputs[i].strip(), outputs[i].strip(), limits[i].strip()) for i, name in enumerate(names) if name}


def _key_parts(parts: list[str], config: dict[str, object]) -> list[str]:
    """Return the parts of a key that is made from the fields below it, in the order of the key's format."""
    names = {"AK": "ak", "SK": "sk", "REGION": "region", "PROJECT_ID": "vertex_ai_project_id"}
    return [str(config.get(names.get(part, "vertex_ai_adc"), "")) for part in parts]


def _config(form: Form, provider: Provider, channel: Channel | None) -> dict[str, object]:
    """Return the settings of this type, the further ones, and stored secrets; blank keeps a secret."""
    kept = {name: value for name, value in _stored_config(channel).items() if name in SECRETS}
    given = {name: form.values.get(f"config_{name}", "").strip() for name in provider.config_fields}
    return _more(form) | kept | {name: value for name, value in given.items() if value}


def _more(form: Form) -> dict[str, object]:
    text = form.values.get(_MORE, "").strip()
    try:
        table = json.loads(text or "{}")
    except ValueError as error:
        where = f"{getattr(error, 'lineno', 1)}:{getattr(error, 'colno', 1)}"
        form.fault(_MORE, _("This is not JSON: look at line and column {where}.", where=where))
        return {}
    if not isinstance(table, dict):
        form.fault(_MORE, _("A JSON object is needed."))
        return {}
    return table


def _stored_config(channel: Channel | None) -> dict[str, object]:
    return read_config(channel.config if channel else "")


def _provider(ui: Ui, form: Form) -> Provider:
    catalogue = ui.services.catalogue
    found = catalogue.provider(as_number(form.values.get("type", ""))) or catalogue.provider(_OPENAI)
    assert found is not None  # noqa: S101 - the catalogue always has OpenAI
    return found


def _sorted(ui: Ui) -> list[tuple[str, list[Provider]]]:
    offered = [p for p in ui.services.catalogue.providers if not p.hidden]
    common = [p for key in COMMON for p in offered if p.key == key]
    rest = sorted((p for p in offered if p not in common), key=lambda p: p.name.lower())
    return [(_("Common"), common), (_("All others"), rest)]


def _values(ui: Ui, channel: Channel) -> dict[str, str]:
    values = {
        "type": str(channel.type),
        "name": channel.name,
        "base_url": channel.base_url,
        "models": "\n".join(name.strip() for name in channel.models.split(",") if name.strip()),
        "groups": channel.group,
        "priority": str(channel.priority),
        "weight": str(channel.weight),
        "ratelimit": str(channel.ratelimit),
        "model_mapping": channel.model_mapping or "",
        "model_configs": channel.model_configs or "",
        "system_prompt": channel.system_prompt or "",
        "testing_model": channel.testing_model or "",
        "inference_profile_arn_map": channel.inference_profile_arn_map or "",
    }
    version = fingerprint(values)
    config = _stored_config(channel)
    # Settings that are keys stay here, like the key itself.
    shown = {name: value for name, value in without_secrets(config).items() if name not in SECRETS}
    values |= {f"config_{name}": value for name, value in shown.items() if isinstance(value, str)}
    provider = ui.services.catalogue.provider(channel.type)
    named = provider.config_fields if provider else {}
    more = {name: value for name, value in shown.items() if name not in named}
    values[_MORE] = json.dumps(more, ensure_ascii=False, indent=2) if more else ""
    if channel.other and not values.get("config_api_version"):
        values["config_api_version"] = channel.other
    return values | {"version": version}
