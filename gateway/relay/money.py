"""What a relay must reserve, may outgrow, and finally costs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.pricing.book import UnknownContextSize
from adapters.pricing.charge import Charge, Mode, charge, estimate
from adapters.pricing.usage import Usage
from gateway.relay.endpoints import Kind
from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from adapters.pricing.book import PriceBook
    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.state import Relay

# The least that a top-up covers, so that a long answer is not topped up at every write.
TOP_UP_TOKENS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The price of one relay on one channel."""

    price: Price
    channel: ChannelView
    request_fee_units: int
    mode: Mode

    def cost(self, usage: Usage) -> Charge:
        """Return what `usage` costs on these terms."""
        return charge(
            self.price, usage, self.channel.group_ratio, mode=self.mode, request_fee_units=self.request_fee_units
        )

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """Return the quota units that the original holds before the provider is asked: all at the input price."""
        ratio = self.channel.group_ratio
        least = 0 if self.mode is Mode.TEXT else 1
        units = estimate(self.price, prompt_tokens, output_limit, pre_consumed, ratio, at_least=least)
        return units + self.request_fee_units

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """Return about what has been used up by now."""
        return self.cost(Usage(input=prompt_tokens, output=output_tokens)).units


def terms_for(relay: Relay, channel: ChannelView, prices: PriceBook) -> Terms:
    """Return the terms of `relay` on `channel`. Raises `Invalid` for a search size that is not sold."""
    model = channel.upstream_model(relay.model)
    price = prices.resolve(channel.type, model, channel.model_configs.get(model)).at(time.time())
    fee = 0
    if relay.endpoint.kind is Kind.CHAT:
        try:
            fee = prices.search_fee(model, _context_size(relay.body))
        except UnknownContextSize as error:
            raise Invalid(f"text request validation failed: {error}", code=error.code) from None
    return Terms(price=price, channel=channel, request_fee_units=fee, mode=relay.endpoint.mode)


def _context_size(body: RequestBody) -> str | None:
    options = body.any("web_search_options")
    size = options.get("search_context_size") if isinstance(options, dict) else None
    return size if isinstance(size, str) else None
