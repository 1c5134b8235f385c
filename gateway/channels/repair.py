"""Tools against damaged price columns, as one-api had them: what they find goes to the program's log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adapters.pricing.model_configs import InvalidModelConfigs, parse_model_configs, validate_model_configs
from gateway.accounts.refusals import NotFound, Refused
from gateway.channels.prices import default_prices, store_configs, stored_configs
from storage.repositories import channels

if TYPE_CHECKING:
    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.records import Channel


async def describe(services: Services, channel_id: int) -> None:
    """Write what a channel's price columns hold to the program's log."""
    _report(services, await _channel(services, channel_id, "Debug failed"))


async def describe_all(services: Services) -> None:
    """Write that of all channels."""
    for channel in await services.database.read(channels.everything):
        _report(services, channel)


async def validate_all(services: Services) -> None:
    """Write every price column that the relay cannot read in full."""
    for channel in await services.database.read(channels.everything):
        _, reason = parse_model_configs(channel.model_configs)
        if reason:
            services.journal.event(
                "warning", "channel.prices", f"{channel.name}#{channel.id}: {reason}", channel=channel.id
            )


async def replace_by_defaults(services: Services, author: Author, channel_id: int) -> None:
    """Replace a channel's prices by the tables' for the models that it has."""
    channel = await _channel(services, channel_id, "Fix failed")
    names = {name.strip() for name in channel.models.split(",")}
    defaults = default_prices(services, channel.type).model_configs or {}
    kept = {model: entry for model, entry in defaults.items() if model in names}
    await store_configs(services, author, channel_id, json.dumps(kept) if kept else None)


async def migrate_all(services: Services, author: Author) -> None:
    """Move prices of the older columns to `model_configs` where that is empty."""
    for channel in await services.database.read(channels.everything):
        if stored_configs(channel.model_configs):
            continue
        ratios, completions = _table(channel.model_ratio), _table(channel.completion_ratio)
        merged = {
            model: {"ratio": ratios.get(model, 0), "completion_ratio": completions.get(model, 0)}
            for model in dict.fromkeys((*ratios, *completions))
        }
        try:
            validate_model_configs(merged)
        except InvalidModelConfigs:
            continue
        if merged:
            await store_configs(services, author, channel.id, json.dumps(merged))


async def clean_all(services: Services, author: Author) -> None:
    """Drop entries that set nothing or cannot be read from every price column."""
    for channel in await services.database.read(channels.everything):
        stored = stored_configs(channel.model_configs)
        kept = {model: entry for model, entry in stored.items() if _is_valid(model, entry)}
        _, reason = parse_model_configs(channel.model_configs)
        if kept != stored or reason:
            await store_configs(services, author, channel.id, json.dumps(kept) if kept else None)


async def migration_status(services: Services, channel_id: int) -> dict[str, object]:
    """Return which of the price columns a channel uses."""
    channel = await services.database.read(lambda conn: channels.by_id(conn, channel_id))
    if channel is None:
        raise NotFound("Channel not found", status=404)
    configs, ratios = stored_configs(channel.model_configs), _table(channel.model_ratio)
    completions = _table(channel.completion_ratio)
    has_old = bool(ratios or completions)
    state = {
        (False, False): "empty",
        (False, True): "needs_migration",
        (True, False): "migrated",
        (True, True): "migrated_with_legacy",
    }[bool(configs), has_old]
    found: dict[str, object] = {
        "channel_id": channel.id,
        "channel_name": channel.name,
        "channel_type": channel.type,
        "has_model_configs": bool(configs),
        "has_model_ratio": bool(ratios),
        "has_completion_ratio": bool(completions),
        "migration_status": state,
    }
    for name, table in (("model_configs", configs), ("model_ratio", ratios)):
        if table:
            found[f"{name}_models"] = list(table)
            found[f"{name}_count"] = len(table)
    return found


async def _channel(services: Services, channel_id: int, failing: str) -> Channel:
    channel = await services.database.read(lambda conn: channels.by_id(conn, channel_id))
    if channel is None:
        # The original answers 500 here, and its dashboard shows the text.
        raise Refused(f"{failing}: channel {channel_id} was not found", status=500)
    return channel


def _report(services: Services, channel: Channel) -> None:
    _, reason = parse_model_configs(channel.model_configs)
    services.journal.event(
        "info",
        "channel.prices",
        f"{channel.name}#{channel.id}: {len(stored_configs(channel.model_configs))} models priced; "
        f"{reason or 'readable'}",
        channel=channel.id,
    )


def _table(text: str | None) -> dict[str, float]:
    try:
        stored: object = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(stored, dict):
        return {}
    return {name: value for name, value in stored.items() if isinstance(value, int | float)}


def _is_valid(model: str, entry: dict[str, object]) -> bool:
    try:
        validate_model_configs({model: entry})
    except InvalidModelConfigs:
        return False
    return True
