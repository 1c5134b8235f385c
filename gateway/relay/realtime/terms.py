"""What a realtime session costs: its tokens, and a little held ahead of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from adapters.pricing.charge import Charge, charge, estimate
from adapters.pricing.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView

UNUSED = "realtime session, no quota consumption"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """A price by tokens for something that has no end in sight. See `gateway.relay.money.Terms`."""

    price: Price
    channel: ChannelView
    filled: Mapping[str, object | None] = field(default_factory=dict)

    def cost(self, usage: Usage) -> Charge:
        """Return what `usage` costs; nothing was said is said in the log."""
        found = charge(self.price, usage, self.channel.group_ratio)
        return found if usage.prompt_total + usage.completion_total else replace(found, text=UNUSED)

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """Return what is held ahead of the session's use at any time."""
        del prompt_tokens, output_limit
        return estimate(self.price, 0, None, pre_consumed, self.channel.group_ratio)

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """Return about what has been used up by now."""
        return self.cost(Usage(input=prompt_tokens, output=output_tokens)).units
