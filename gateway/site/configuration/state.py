"""What is in force, in the words of the file: the same members for export and for comparison."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from gateway.channels.secrets import read_config, without_secrets
from gateway.registry.option_specs import OPTION_SPECS
from gateway.site.configuration.document import STATES
from storage.repositories import channel_labels, channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from adapters.providers.catalogue import Catalogue
    from gateway.registry.options import Options
    from storage.records import Channel

# Groups have a part of their own; the other two are read by nothing.
APART: Final = frozenset(("GroupRatio", "ModelRatio", "CompletionRatio"))
_STATE_WORDS: Final = {number: word for word, number in STATES.items()}


def settings_in_force(options: Options) -> dict[str, str]:
    """Return all options that a file may name: no secrets, no groups."""
    return {key: options.text(key) for key, spec in OPTION_SPECS.items() if not spec.secret and key not in APART}


def channel_members(channel: Channel, catalogue: Catalogue, *, tag: str, note: str) -> dict[str, object]:
    """Return a channel as a file has it, without secrets; what is not set is left out."""
    provider = catalogue.provider(channel.type)
    config = {
        name: value for name, value in without_secrets(read_config(channel.config)).items() if value not in ("", None)
    }
    members: dict[str, object] = {
        "name": channel.name,
        "type": provider.key if provider is not None else str(channel.type),
        "status": _STATE_WORDS.get(channel.status, "disabled"),
        "base_url": channel.base_url,
        "groups": _names(channel.group),
        "models": _names(channel.models),
        "priority": channel.priority,
        "weight": channel.weight,
        "ratelimit": channel.ratelimit,
        "model_mapping": _table(channel.model_mapping),
        "prices": _table(channel.model_configs),
        "system_prompt": channel.system_prompt or "",
        "testing_model": channel.testing_model or "",
        "other": channel.other or "",
        "inference_profiles": _table(channel.inference_profile_arn_map),
        "config": config,
        "tag": tag,
        "note": note,
    }
    always = ("name", "type", "status", "groups", "models", "priority", "weight")
    return {name: value for name, value in members.items() if name in always or value not in ("", {}, 0, [])}


def all_channels(conn: Connection, catalogue: Catalogue) -> list[tuple[Channel, dict[str, object]]]:
    """Return all channels with what a file says of them, oldest first."""
    found = channels.everything(conn)
    labels = channel_labels.of_several(conn, [channel.id for channel in found])
    rows = []
    for channel in found:
        label = labels[channel.id]
        rows.append((channel, channel_members(channel, catalogue, tag=label.tag, note=label.note)))
    return rows


def comparable(members: Mapping[str, object]) -> dict[str, object]:
    """Return members so that equal ones are equal: numbers by value, lists of groups and models by their order."""
    return {name: json.loads(json.dumps(value, default=_plain, sort_keys=True)) for name, value in members.items()}


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _table(text: str | None) -> dict[str, object]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
