"""Prices of models as people read them, and what a request would cost: to the unit what is charged."""

from __future__ import annotations

import json
import time
from decimal import Decimal

from adapters.pricing.charge import charge
from adapters.pricing.usage import Usage
from gateway.site.model_table import ModelTable, usable_by
from gateway.site.price_history import price_history
from gateway.site.price_quotes import Tokens, quotes
from storage.records import Token
from tests.management.conftest import site_everywhere
from tests.management.site import Site

__all__ = ["site_everywhere"]

_COMMON = {"type": 1, "key": "k", "base_url": "https://a.example"}


async def made(site: Site, name: str, models: str, **more: object) -> int:
    await site.root.call("POST", "/api/channel/", json={**_COMMON, "name": name, "models": models, **more})
    channels = site.services.registry.current.channels.values()
    return next(channel.id for channel in channels if channel.name == name)


async def test_a_row_spans_its_channels_and_says_what_is_known(site_everywhere: Site) -> None:
    site = site_everywhere
    own = json.dumps({"gpt-4o-mini": {"ratio": 1, "completion_ratio": 2}})
    await made(site, "plain", "gpt-4o-mini,dall-e-3,whisper-1,own-model", group="default")
    await made(site, "own", "gpt-4o-mini", group="vip", model_configs=own)
    await made(site, "off", "asleep", group="default", status=2)
    table = ModelTable(site.services)
    row = table.row(None, "gpt-4o-mini")
    assert row is not None
    assert row.input_usd == (Decimal("0.15"), Decimal(2))
    assert row.output_usd == (Decimal("0.6"), Decimal(4))
    assert row.groups == ("default", "vip")
    assert row.own_prices == 1
    assert row.can == ("vision", "tools")
    theirs = table.row("vip", "gpt-4o-mini")
    assert theirs is not None
    assert theirs.input_usd == (Decimal(2), Decimal(2))
    picture, sound, unknown, idle = (
        table.row(None, name) for name in ("dall-e-3", "whisper-1", "own-model", "asleep")
    )
    assert picture is not None
    assert picture.input_usd is None
    assert picture.pieces["image"] == (Decimal("0.04"), Decimal("0.04"))
    assert sound is not None
    assert sound.input_usd is None
    assert "minute" in sound.pieces
    assert unknown is not None
    assert (unknown.has_price, unknown.can, unknown.context) == (False, (), 0)
    assert idle is not None
    assert idle.channels == ()
    assert table.row("default", "asleep") is None


async def test_a_quote_is_the_charge_itself(site_everywhere: Site) -> None:
    site = site_everywhere
    await made(site, "cheap", "gemini-2.5-pro", type=24)
    table = ModelTable(site.services)
    channels = site.services.registry.current.candidates("default", "gemini-2.5-pro")
    for tokens in (Tokens(prompt=1000, cached=400, completion=50), Tokens(prompt=300_000, cached=0, completion=9)):
        (quote,) = quotes(table.reader, "gemini-2.5-pro", channels, tokens)
        usage = Usage(input=tokens.fresh, cached_read=tokens.cached, output=tokens.completion)
        price = table.reader.price(channels[0], "gemini-2.5-pro").at(time.time())
        assert quote.units == charge(price, usage, channels[0].group_ratio).units
        assert quote.tier_from == (200_001 if tokens.prompt > 200_000 else 0)


async def test_changes_of_prices_are_found_in_the_audit(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await made(site, "one", "gpt-4o-mini,gpt-4o")
    await made(site, "other", "gpt-4o")
    stored = await site.root.call("GET", f"/api/channel/{number}")
    for ratio in (1, 2):
        text = json.dumps({"gpt-4o-mini": {"ratio": ratio}})
        await site.root.call("PUT", "/api/channel/", json={**stored, "model_configs": text})
    await site.root.call("PUT", "/api/option/", json={"key": "GroupRatio", "value": '{"default": 1, "vip": 3}'})
    channels = list(site.services.registry.current.channels.values())
    found = await price_history(site.services, "gpt-4o-mini", channels, ["default", "vip"])
    assert found[0].ratios
    assert [(change.before, change.after) for change in found if change.before] != []
    prices = [change.after.input_usd for change in found if change.after is not None]
    assert prices == [Decimal(4), Decimal(2)]
    assert [c for c in await price_history(site.services, "gpt-4o", channels, []) if c.after] == []


def test_a_token_without_a_list_may_use_every_model() -> None:
    free, narrow = Token(id=1, user_id=1, key="a"), Token(id=2, user_id=1, key="b", models="m, n")
    assert usable_by("m", [free, narrow]) == [free, narrow]
    assert usable_by("x", [free, narrow]) == [free]
