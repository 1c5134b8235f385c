"""What the same use costs at the provider's list price is kept beside what was charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from trio.testing import MockClock

from adapters.pricing.price import ModelConfig
from tests.relay.harness import Reply, plane
from tests.relay.test_prices import CACHED, chat, completion, of, reply

CHEAP = {"gpt-4o": ModelConfig(ratio=0.5)}


@pytest.mark.parametrize(
    ("model", "changes", "charged", "listed"),
    [
        ("gpt-4o", {}, 2808, 2808),
        ("gpt-4o", {"group_ratio": Decimal(2)}, 5615, 2808),
        ("gpt-4o", {"group_ratio": Decimal("0.5")}, 1404, 2808),
        # 86 plain at half a unit, 1920 cached, 300 out at four times that.
        ("gpt-4o", {"model_configs": CHEAP}, None, 2808),
        ("gpt-4o", {"model_configs": CHEAP, "group_ratio": Decimal(3)}, None, 2808),
        # What the channel says of other models changes nothing.
        ("gpt-4o", {"model_configs": {"else": ModelConfig(ratio=9)}}, 2808, 2808),
        # No table knows it.
        ("nobody-sells-this", {}, None, None),
        ("nobody-sells-this", {"model_configs": {"nobody-sells-this": ModelConfig(ratio=1)}}, None, None),
    ],
)  # fmt: skip
async def test_it_leaves_groups_and_the_channels_prices_out(
    model: str, changes: dict[str, Any], charged: int | None, listed: int | None, autojump_clock: MockClock
) -> None:
    async with plane(channels=[of("openai", model, **changes)]) as p:
        p.transport.script.append(reply(completion(**CACHED)))
        assert (await p.ask(chat(model)[1])).status == 200
    (row,) = p.remembered.rows
    assert row.list_units == listed
    assert row.units == p.books.settled[0].units
    assert charged in (None, row.units)


async def test_pictures_have_a_list_price_too(autojump_clock: MockClock) -> None:
    own = of("openai", "dall-e-3", group_ratio=Decimal(2))
    async with plane(channels=[own]) as p:
        p.transport.script.append(reply({"created": 1, "data": [{"url": "https://h/1.png"}]}))
        got = await p.ask({"model": "dall-e-3", "prompt": "a cat"}, path="/v1/images/generations")
    assert got.status == 200
    (row,) = p.remembered.rows
    assert row.units == 2 * (row.list_units or 0) > 0


async def test_what_failed_has_none(autojump_clock: MockClock) -> None:
    refused = Reply(status=500, headers=((b"content-type", b"application/json"),), pieces=[b"{}"])
    async with plane(channels=[of("openai", "gpt-4o")]) as p:
        p.transport.script.append(refused)
        await p.ask(chat("gpt-4o")[1])
    assert [row.list_units for row in p.remembered.rows] == [None]
