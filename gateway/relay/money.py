"""What a relay must reserve, may outgrow, and finally costs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from adapters.pricing.book import UnknownContextSize
from adapters.pricing.charge import Charge, Mode, charge, estimate
from adapters.pricing.usage import Usage
from gateway.relay.endpoints import Kind
from gateway.relay.errors import Invalid
from gateway.relay.media.terms import image_terms, listening_terms, speech_terms
from gateway.relay.realtime.terms import SessionTerms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.pricing.book import PriceBook
    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.state import Relay

# The least that a top-up covers, so that a long answer is not topped up at every write.
TOP_UP_TOKENS = 500
_ONE = Decimal(1)


class Terms(Protocol):
    """What one relay costs on one channel."""

    @property
    def channel(self) -> ChannelView:
        """Whose terms these are."""

    @property
    def filled(self) -> Mapping[str, object | None]:
        """Members that these terms are made for and that the body lacks (or, `None`, must not have)."""

    def cost(self, usage: Usage) -> Charge:
        """Return what `usage` costs on these terms."""

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """Return the quota units that the original holds before the provider is asked."""

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """Return about what has been used up by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """A price by tokens."""

    price: Price
    channel: ChannelView
    request_fee_units: int
    mode: Mode
    filled: Mapping[str, object | None] = field(default_factory=dict)

    def cost(self, usage: Usage) -> Charge:
        """See `Terms`."""
        return charge(
            self.price, usage, self.channel.group_ratio, mode=self.mode, request_fee_units=self.request_fee_units
        )

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """See `Terms`. All is held at the input price."""
        ratio = self.channel.group_ratio
        least = 0 if self.mode is Mode.TEXT else 1
        units = estimate(self.price, prompt_tokens, output_limit, pre_consumed, ratio, at_least=least)
        return units + self.request_fee_units

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """See `Terms`."""
        return self.cost(Usage(input=prompt_tokens, output=output_tokens)).units


def terms_for(relay: Relay, channel: ChannelView, prices: PriceBook) -> Terms:
    """Return the terms of `relay` on `channel`. Raises `Invalid` for what is not sold."""
    match relay.endpoint.kind:
        case Kind.IMAGES | Kind.IMAGE_EDITS:
            return image_terms(relay, channel, prices)
        case Kind.TRANSCRIPTIONS | Kind.TRANSLATIONS:
            return listening_terms(relay, channel, prices)
        case Kind.SPEECH:
            return speech_terms(relay, channel, prices)
        case Kind.REALTIME:
            return SessionTerms(price=_price(relay, channel, prices), channel=channel)
        case _:
            return _token_terms(relay, channel, prices)


def _price(relay: Relay, channel: ChannelView, prices: PriceBook) -> Price:
    model = channel.upstream_model(relay.model)
    return prices.resolve(channel.type, model, channel.model_configs.get(model)).at(time.time())


def _token_terms(relay: Relay, channel: ChannelView, prices: PriceBook) -> TokenTerms:
    price = _price(relay, channel, prices)
    fee = 0
    if relay.endpoint.kind is Kind.CHAT:
        try:
            fee = prices.search_fee(channel.upstream_model(relay.model), _context_size(relay.body))
        except UnknownContextSize as error:
            raise Invalid(f"text request validation failed: {error}", code=error.code) from None
    return TokenTerms(price=price, channel=channel, request_fee_units=fee, mode=relay.endpoint.mode)


def list_units(relay: Relay, terms: Terms, cost: Charge, usage: Usage, prices: PriceBook) -> int | None:
    """Return what the same use costs at the provider's list price: without groups and without what the channel sets.

    `None` where no table has a price.
    """
    channel = terms.channel
    plain = channel.group_ratio == 1
    if plain and not channel.model_configs:
        return None if cost.is_fallback else cost.units
    if isinstance(terms, TokenTerms):
        model = channel.upstream_model(relay.model)
        if plain and model not in channel.model_configs:
            return None if cost.is_fallback else cost.units
        price = prices.resolve(channel.type, model).at(time.time())
        listed = charge(price, usage, _ONE, mode=terms.mode, request_fee_units=terms.request_fee_units)
    else:
        # Pictures, sound and sessions are few.
        try:
            bare = replace(channel, group_ratio=_ONE, model_configs={})
            listed = terms_for(relay, bare, prices).cost(usage)
        except Invalid:
            return None
    return None if listed.is_fallback else listed.units


def _context_size(body: RequestBody) -> str | None:
    options = body.any("web_search_options")
    size = options.get("search_context_size") if isinstance(options, dict) else None
    return size if isinstance(size, str) else None
