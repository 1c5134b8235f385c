"""The models of one channel: what its provider is sent for each, what they cost there, and how they did lately."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from adapters.pricing.figures import UNITS_PER_USD
from adapters.providers.model_facts import load_facts
from gateway.channels.mapping import read_mapping
from gateway.traffic.channels import suspensions_of
from storage.repositories import channel_models
from storage.repositories.channel_models import Did

if TYPE_CHECKING:
    from fractions import Fraction

    from sqlalchemy import Connection

    from adapters.providers.model_facts import FactBook
    from gateway.services import Services
    from storage.records import Channel

LATELY_S: Final = 86_400
"""How far back requests and failures are counted."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One model. Prices are in dollars per million tokens, as clients pay before their group's ratio."""

    model: str
    sent: str
    """What the provider is sent for it."""
    groups_on: int
    """For how many of the channel's groups it is on."""
    groups: int
    input_usd: Fraction
    output_usd: Fraction
    cached_usd: Fraction
    has_price: bool
    is_own_price: bool
    context: int
    """Tokens that prompt and answer may have; 0: not known."""
    limit: int
    """Most tokens of an answer; 0: none is known."""
    did: Did
    """With `sent`, whatever clients called it."""
    back_in_s: float
    """How long it is left alone for at least one group; 0: it is not."""


@cache
def _facts() -> FactBook:
    return load_facts()


async def served_models(services: Services, channel: Channel) -> list[ServedModel]:
    """Return the models of a channel in their order there."""
    until = int(time.time()) + 1

    def work(conn: Connection) -> tuple[dict[str, Did], dict[str, int]]:
        return (
            channel_models.by_model(conn, channel.id, since=until - LATELY_S, until=until),
            channel_models.enabled_groups(conn, channel.id),
        )

    did, on = await services.database.read(work)
    now = time.time()
    waits: dict[str, float] = {}
    for one in suspensions_of(services, channel.id):
        waits[one.model] = max(waits.get(one.model, 0.0), one.until - now)
    view = services.registry.current.channels.get(channel.id)
    configs = view.model_configs if view else {}
    mapping = read_mapping(channel.model_mapping)
    groups = sum(bool(name.strip()) for name in channel.group.split(","))
    found = []
    for model in dict.fromkeys(name.strip() for name in channel.models.split(",") if name.strip()):
        sent = mapping.get(model) or model
        own = configs.get(sent)
        price = services.catalogue.prices.resolve(channel.type, sent, own)
        facts = _facts().of(price.table, sent)
        usd = price.rates.ratio * _MILLION / UNITS_PER_USD
        found.append(
            ServedModel(
                model=model,
                sent=sent,
                groups_on=on.get(model, 0),
                groups=groups,
                input_usd=usd,
                output_usd=usd * price.rates.completion_ratio,
                cached_usd=price.rates.cached_read * _MILLION / UNITS_PER_USD,
                has_price=not price.is_fallback,
                is_own_price=own is not None and bool(own.ratio or own.completion_ratio or own.cached_ratio),
                context=facts.context,
                limit=(own.max_tokens if own else 0) or price.max_tokens or facts.output,
                did=did.get(sent, Did()),
                back_in_s=waits.get(model, 0.0),
            )
        )
    return found
