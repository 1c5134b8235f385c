"""Showing the form of a channel for what it holds at the moment: also what would come of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admin_ui.forms import Form
from admin_ui.i18n import _
from admin_ui.views import channel_tables
from admin_ui.views.channel_fields import BEDROCK, provider_of, read_settings, stored_config
from admin_ui.views.channel_frame import letters_of, tint_of
from admin_ui.views.channel_keys import IN_TURN, LINES, kind_of_key, lines_of, setting_word
from gateway.channels import credentials, mapping, price_table
from gateway.channels.address import doubles_version
from gateway.channels.secrets import SECRETS
from gateway.channels.shares import nobody_else, would_get
from gateway.channels.trial import verdict_on
from gateway.registry.key_names import end_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Response

    from adapters.providers.provider import Provider
    from admin_ui.ui import Ui
    from admin_ui.views.channel_conflict import Difference
    from admin_ui.views.channel_frame import Frame
    from gateway.channels.question import Outcome
    from gateway.channels.shares import Share
    from storage.records import Channel

_LOOPBACK = ("localhost", "::1", "0.0.0.0")  # noqa: S104 - recognised, not bound to
COMMON = ("openai", "anthropic", "gemini", "azure", "deepseek", "openaicompatible")
"""Types in the order in which people look for them: the commonest first, then by name."""


def shown(
    ui: Ui,
    form: Form,
    channel: Channel | None,
    status: int = 200,
    *,
    frame: Frame | None = None,
    outcome: Outcome | None = None,
    note: str = "",
    conflict: Sequence[Difference] = (),
) -> Response:
    """Show the form; `outcome` is that of a test of it, `note` what a helping button did."""
    provider = provider_of(ui, form)
    models = form.names("models")
    names = mapping.read_mapping(form.values.get(channel_tables.MAPPING))
    rows = channel_tables.price_rows(ui, form, provider)
    unpriced = [row for row in rows if row.is_listed and not row.has_price and not row.own.input]
    return ui.page(
        "pages/channel_form.html",
        status,
        form=form,
        channel=channel,
        key_end=end_of(channel.key) if channel else "",
        frame=frame,
        outcome=outcome,
        verdict=verdict_on(ui.options, outcome) if outcome else None,
        note=note,
        conflict=conflict,
        provider=provider,
        providers=_sorted(ui),
        letters=letters_of,
        tint=tint_of,
        chosen_groups=frozenset(form.names("groups")),
        groups=list(dict.fromkeys([*ui.options.group_ratio, *form.names("groups")])),
        models=models,
        mapped=names,
        unpriced=unpriced,
        unpriced_names=frozenset(row.model for row in unpriced),
        map_rows=channel_tables.name_rows(form, channel_tables.MAPPING),
        profile_rows=channel_tables.name_rows(form, channel_tables.PROFILES),
        rows=rows,
        price_rows=channel_tables.worth_showing(form, rows),
        hidden_prices=price_table.only_in_text(form.values.get(channel_tables.PRICES)),
        spare_prices=channel_tables.spare(form, "prices"),
        shares=_shares(ui, form, channel),
        alone=nobody_else(ui.services, channel.id if channel else 0, models),
        hints=_hints(form, provider, channel),
        setting_word=partial(setting_word, provider),
        key_kind=kind_of_key(provider),
        key_parts=credentials.parts_of_key(provider),
        key_lines=lines_of(form.values.get("key", "")),
        in_turn=form.values.get(LINES) == IN_TURN,
        key_count=_key_count(ui, channel),
        app_fields=credentials.APP_FIELDS,
        regions=credentials.AWS_REGIONS,
        is_bedrock=provider.platform == BEDROCK,
        secrets=SECRETS,
        stored_secrets=frozenset(SECRETS & stored_config(channel).keys()),
    )


def _key_count(ui: Ui, channel: Channel | None) -> int:
    view = ui.services.registry.current.channels.get(channel.id) if channel else None
    return len(view.ring) if view is not None else 0


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


def _hints(form: Form, provider: Provider, channel: Channel | None) -> list[str]:
    """Return what is worth a second look at an address, and may well be meant."""
    address = form.values.get("base_url", "").strip().rstrip("/")
    parts = urlsplit(address)
    hints = []
    if parts.hostname in _LOOPBACK or (parts.hostname or "").startswith("127."):
        hints.append(_("This address is the gateway's own machine."))
    elif parts.scheme == "http":
        hints.append(_("Over http the key can be read on its way."))
    if address and doubles_version(
        provider, address, read_settings(Form(values=dict(form.values)), provider, channel)
    ):
        hints.append(_("Requests would go to /v1/v1: leave /v1 out here."))
    return hints


def _sorted(ui: Ui) -> list[tuple[str, list[Provider]]]:
    offered = [p for p in ui.services.catalogue.providers if not p.hidden]
    common = [p for key in COMMON for p in offered if p.key == key]
    rest = sorted((p for p in offered if p not in common), key=lambda p: p.name.lower())
    return [(_("Common"), common), (_("All others"), rest)]
