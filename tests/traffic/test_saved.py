"""What a cache saved: what the same tokens would have cost more at the price of input."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from adapters.pricing.charge import charge
from adapters.pricing.price import AudioPrice, Price, Unit, make_rates
from adapters.pricing.usage import Usage
from gateway.traffic.facts import saved_units


def test_saved_is_the_difference_to_the_price_of_input() -> None:
    price = Price(
        table="x",
        unit=Unit.TOKEN,
        rates=make_rates(ratio=Fraction(2), completion_ratio=Fraction(4), cached_read=Fraction(1, 2)),
        audio=AudioPrice(),
        embedding={},
        tool_units={},
    )
    usage = Usage(input=100, cached_read=1000, output=10)
    half = Decimal("0.5")
    cost = charge(price, usage, half)
    full = charge(price, Usage(input=1100, output=10), half)
    assert saved_units(cost, usage) == full.units - cost.units == 750
    assert saved_units(full, Usage(input=1100, output=10)) == 0
