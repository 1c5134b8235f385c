"""Which models there are, and what they cost: for dashboards and the public price list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.pricing.figures import UNITS_PER_USD
from adapters.providers.catalogue import CUSTOM_OWNER
from gateway.relay.models import CREATED
from storage.records import ChannelStatus

if TYPE_CHECKING:
    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services
    from storage.records import User

Models = dict[str, dict[str, object]]
"""What models cost, by name."""

_PER_MILLION = 1_000_000


def known_models(services: Services) -> list[dict[str, object]]:
    """Return every model of the catalogue as an entry of OpenAI's list."""
    catalogue = services.catalogue
    return [
        {
            "id": model,
            "object": "model",
            "created": CREATED,
            "owned_by": catalogue.owner_of(model) or CUSTOM_OWNER,
            "permission": [],
            "root": model,
            "parent": None,
        }
        for model in catalogue.models()
    ]


def price_list(services: Services, visitor: User | None, *, keyword: str) -> dict[str, object]:
    """Return models and prices in USD per million tokens, by enabled channel.

    Somebody who signed in sees what their group can use, at what the channel charges; everybody else sees the
    models of the channel's type at list price. Thousands of channels take a while: for a thread.
    """
    shown: dict[str, object] = {}
    wanted, by_type = keyword.lower(), dict[int, Models]()
    for channel in services.registry.current.channels.values():
        if channel.status != ChannelStatus.ENABLED:
            continue
        if visitor is not None and visitor.group not in channel.groups:
            continue
        if visitor is not None:
            found = _filtered(_own(services, channel), wanted)
        elif channel.type in by_type:
            found = by_type[channel.type]
        else:
            found = by_type[channel.type] = _filtered(_listed(services, channel), wanted)
        if found:
            label = f"{channel.provider.key}:{channel.name}"
            shown[label] = {"channel_name": label, "channel_type": channel.type, "models": found}
    return shown


def _filtered(models: Models, wanted: str) -> Models:
    return {name: entry for name, entry in models.items() if wanted in name.lower()}


def _own(services: Services, channel: ChannelView) -> Models:
    """Return what a channel charges for its models."""
    book = services.catalogue.prices
    names = [(name, channel.upstream_model(name)) for name in channel.models]
    return {name: _entry(book.resolve(channel.type, sent, channel.model_configs.get(sent))) for name, sent in names}


def _listed(services: Services, channel: ChannelView) -> Models:
    """Return the models of a channel's type at list price."""
    book = services.catalogue.prices
    family = book.family_of(channel.type)
    table = book.table(family) if family and book.has_table(family) else book.shared_table()
    return {name: _entry(price) for name, price in sorted(table.items())}


def _entry(price: Price) -> dict[str, object]:
    per_million = price.rates.ratio * _PER_MILLION / UNITS_PER_USD
    entry: dict[str, object] = {
        "input_price": float(per_million),
        "output_price": float(per_million * price.rates.completion_ratio),
        "max_tokens": price.max_tokens,
    }
    if price.image is not None:
        entry["image_price"] = float(price.image.usd)
    return entry
