"""What the helping buttons of a channel's form do: they change what is typed, and never what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.i18n import _, _n, told
from admin_ui.views import channel_tables
from admin_ui.views.channel_fields import MORE, provider_of, read_settings, stored_config
from admin_ui.views.channel_keys import PART
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels.credentials import key_of_settings
from gateway.channels.key_rules import lines_of
from gateway.channels.model_list import fetch_models

if TYPE_CHECKING:
    from adapters.providers.provider import Provider
    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from storage.records import Channel

_SENDS = ("", "save", "test", "try")
_SHOWN = 8


async def helped(ui: Ui, form: Form, channel: Channel | None) -> str | None:
    """Do what one of the helping buttons asks for, and return what is to be said of it.

    `None` when the form was sent to be saved or tested. Tables are settled either way.
    """
    what = form.values.get("do", "")
    if what.startswith("type:"):
        _switch(ui, form, as_number(what.removeprefix("type:")), is_new=channel is None)
    provider = provider_of(ui, form)
    channel_tables.settle(ui, form, provider)
    if what in _SENDS:
        return None
    text = form.values.get(MORE, "").strip()
    if channel_tables.json_object(form, MORE, text) is not None and what == "format-more":
        form.values[MORE] = channel_tables.pretty(text)
    if what == "fill":
        before = form.names("models")
        set_models(form, [*before, *provider.models])
        added = len(set(provider.models) - set(before))
        return _n("{n} model was added.", "{n} models were added.", added)
    if what == "clear":
        set_models(form, [])
    elif what == "defaults":
        channel_tables.set_default_prices(ui, form, provider)
    elif what == "fetch":
        return await _fetch(ui, form, channel, provider)
    return ""


def suggested_name(ui: Ui, provider: Provider) -> str:
    """Return a name for a new channel that no other has."""
    taken = {view.name for view in ui.services.registry.current.channels.values()}
    name, number = provider.name, 2
    while name in taken:
        name, number = f"{provider.name} {number}", number + 1
    return name


def set_models(form: Form, names: list[str]) -> None:
    """Write the list of models."""
    form.values["models"] = "\n".join(dict.fromkeys(names))
    form.many.pop("models", None)


def _switch(ui: Ui, form: Form, kind: int, *, is_new: bool) -> None:
    """Take another type. What was typed stays; what only came from the type before makes place."""
    before, after = provider_of(ui, form), ui.services.catalogue.provider(kind)
    if after is None or after.id == before.id:
        return
    form.values["type"] = str(kind)
    if not is_new:
        return
    if form.names("models") in ([], list(before.models)):
        set_models(form, list(after.models))
    name = form.values.get("name", "").strip()
    if not name or name.rstrip(" 0123456789") == before.name.rstrip(" 0123456789"):
        form.values["name"] = suggested_name(ui, after)


async def _fetch(ui: Ui, form: Form, channel: Channel | None, provider: Provider) -> str:
    """Add the models that the provider says it has."""
    base, config = form.values.get("base_url", ""), read_settings(form, provider, channel)
    parts = [part.strip() for part in form.many.get(PART, [])]
    key = next(iter(lines_of(form.values.get("key", ""))), "") or ("|".join(parts) if any(parts) else "")
    if not key and channel is not None:
        # A stored key goes only where it is stored for.
        key, base, config = channel.key, channel.base_url, stored_config(channel)
    elif not key:
        key = key_of_settings(provider, config)
    try:
        found = await fetch_models(ui.services, type_id=provider.id, base_url=base, key=key, config=config)
    except Refused as error:
        form.fault("models", told(error.message))
        return ""
    before = form.names("models")
    new = [name for name in found if name not in before]
    gone = [name for name in before if name not in found]
    set_models(form, [*before, *new])
    text = _n("The provider has {n} model;", "The provider has {n} models;", len(found))
    text += " " + _n("{n} of them is new here.", "{n} of them are new here.", len(new))
    if gone:
        names = ", ".join(gone[:_SHOWN]) + ("…" if len(gone) > _SHOWN else "")
        text += " " + _("Not among them: {names}.", names=names)
    return text
