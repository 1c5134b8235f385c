"""A channel's own prices: three views of one column, and the defaults that it departs from."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adapters.pricing.model_configs import InvalidModelConfigs, validate_model_configs
from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.channels.edits import found, read_channel
from gateway.channels.trail import noted
from storage.repositories import channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from adapters.pricing.price import Price
    from gateway.audit.author import Author
    from gateway.services import Services

Configs = dict[str, dict[str, object]]

# Channels of these types may carry the models of any provider.
_ANY_PROVIDER = (8, 50)
_FIELDS = ("ratio", "completion_ratio", "cached_ratio", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPrices:
    """Prices by model; `None` where there are none. The two ratio tables are derived from `model_configs`."""

    model_configs: Configs | None
    model_ratio: dict[str, object] | None
    completion_ratio: dict[str, object] | None


async def read_prices(services: Services, channel_id: int) -> ChannelPrices:
    """Return the prices that a channel sets for itself."""
    channel = await read_channel(services, channel_id)
    return _prices(stored_configs(channel.model_configs))


async def set_prices(
    services: Services,
    author: Author,
    channel_id: int,
    *,
    model_configs: object,
    model_ratio: Mapping[str, object],
    completion_ratio: Mapping[str, object],
) -> None:
    """Store prices: whole configs, or else the two older tables; nothing of either changes nothing."""
    await read_channel(services, channel_id)
    configs: object = model_configs
    if not configs:
        configs = _merged(model_ratio, completion_ratio)
        if not configs:
            return
    try:
        validate_model_configs(configs)
    except InvalidModelConfigs as error:
        raise Refused(f"Failed to set model configs: {error}") from error
    await store_configs(services, author, channel_id, json.dumps(configs, ensure_ascii=False))


async def store_configs(services: Services, author: Author, channel_id: int, text: str | None) -> None:
    """Store prices as they are, and put them into force."""

    def work(conn: Connection) -> None:
        before = found(channels.locked(conn, channel_id), channel_id)
        channels.change(conn, channel_id, {"model_configs": text, "updated_at": now_ms()})
        noted(conn, author, "channel.update", before, replace(before, model_configs=text))

    await commit(services, work)
    await services.registry.refresh()


def default_prices(services: Services, type_id: int) -> ChannelPrices:
    """Return the prices of a channel type as the tables have them; types without a table of their own show all."""
    book = services.catalogue.prices
    if type_id in _ANY_PROVIDER:
        table = book.shared_table()
    else:
        family = book.family_of(type_id)
        table = book.table(family) if family and book.has_table(family) else {}
    return _prices({model: _config(price) for model, price in sorted(table.items())})


def stored_configs(text: str | None) -> Configs:
    """Return the column as it was written, without what is no price; zero fields mean "not set"."""
    try:
        stored: object = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(stored, dict):
        return {}
    return {
        model: {name: entry[name] for name in _FIELDS if name in entry}
        for model, entry in stored.items()
        if isinstance(entry, dict)
    }


def _prices(configs: Configs) -> ChannelPrices:
    ratios = {model: entry["ratio"] for model, entry in configs.items() if entry.get("ratio")}
    completions = {m: entry["completion_ratio"] for m, entry in configs.items() if entry.get("completion_ratio")}
    return ChannelPrices(
        model_configs=configs or None, model_ratio=ratios or None, completion_ratio=completions or None
    )


def _merged(ratios: Mapping[str, object], completions: Mapping[str, object]) -> Configs:
    merged: Configs = {}
    for model in dict.fromkeys((*ratios, *completions)):
        entry: dict[str, object] = {"ratio": ratios.get(model, 0)}
        if completions.get(model):
            entry["completion_ratio"] = completions[model]
        if any(entry.values()):
            merged[model] = entry
    return merged


def _config(price: Price) -> dict[str, object]:
    entry: dict[str, object] = {
        "ratio": float(price.rates.ratio),
        "completion_ratio": float(price.rates.completion_ratio),
    }
    if price.max_tokens:
        entry["max_tokens"] = price.max_tokens
    return entry
