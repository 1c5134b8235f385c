"""Prices that people type become ratios, and what they leave alone stays to the last digit."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from adapters.providers.catalogue import load_catalogue
from gateway.accounts.refusals import Refused
from gateway.channels.price_table import Own, PriceRow, configs_of, only_in_text, price_rows, with_typed
from gateway.services import Services

OPENAI = 1


@pytest.fixture(scope="module")
def services() -> Services:
    """Only what prices need."""
    return cast("Services", SimpleNamespace(catalogue=load_catalogue()))


def rows(services: Services, configs: str = "", models: tuple[str, ...] = ("gpt-4o",)) -> list[PriceRow]:
    """The table of a channel to OpenAI."""
    return price_rows(services, OPENAI, models, {}, configs)


def after(services: Services, typed: dict[str, Own], configs: str = "") -> str:
    """The column after somebody filled the table in."""
    return configs_of(with_typed(services, OPENAI, rows(services, configs), typed), configs)


def test_defaults_are_dollars_per_million_tokens(services: Services) -> None:
    (row,) = rows(services)
    assert (row.input_usd, row.output_usd, row.cached_usd, row.has_price) == ("2.5", "10", "1.25", True)
    assert row.own == Own()


def test_a_model_of_no_table_is_named_as_such(services: Services) -> None:
    (row,) = rows(services, models=("nobody-knows-it",))
    assert (row.has_price, row.input_usd, row.output_usd) == (False, "2.5", "2.5")


def test_a_mapped_model_is_priced_as_what_the_provider_is_sent(services: Services) -> None:
    (row,) = price_rows(services, OPENAI, ["mine", "gpt-4o"], {"mine": "gpt-4o"}, "")
    assert (row.model, row.input_usd) == ("gpt-4o", "2.5")


def test_typed_prices_become_ratios(services: Services) -> None:
    found = json.loads(after(services, {"gpt-4o": Own("3", "12", "0.75", "4096")}))
    assert found == {"gpt-4o": {"ratio": 1.5, "completion_ratio": 4.0, "cached_ratio": 0.25, "max_tokens": 4096}}


def test_an_output_price_alone_is_kept_beside_the_default_input_price(services: Services) -> None:
    text = after(services, {"gpt-4o": Own(output="5")})
    assert json.loads(text) == {"gpt-4o": {"completion_ratio": 2.0}}
    assert rows(services, text)[0].own == Own(output="5")


def test_untouched_ratios_keep_every_digit(services: Services) -> None:
    stored = json.dumps({"gpt-4o": {"ratio": 0.123456789012, "completion_ratio": 3.3333333333333335}})
    (row,) = rows(services, stored)
    assert json.loads(after(services, {"gpt-4o": row.own}, stored)) == json.loads(stored)


def test_emptied_prices_fall_back_to_the_default(services: Services) -> None:
    assert after(services, {"gpt-4o": Own()}, json.dumps({"gpt-4o": {"ratio": 1.5}})) == ""


def test_prices_of_models_that_are_not_served_are_shown_as_such_and_stay(services: Services) -> None:
    stored = json.dumps({"gpt-4.1": {"ratio": 2.0}, "$image-tier:dall-e-3|size=1024x1024": {"ratio": 2}})
    assert [(row.model, row.is_listed) for row in rows(services, stored)] == [("gpt-4o", True), ("gpt-4.1", False)]
    assert only_in_text(stored) == 1
    found = json.loads(after(services, {"gpt-4o": Own("1")}, stored))
    assert found == {**json.loads(stored), "gpt-4o": {"ratio": 0.5}}


def test_a_model_that_was_added_to_the_table_gets_its_price(services: Services) -> None:
    assert json.loads(after(services, {"gpt-4.1": Own("4")})) == {"gpt-4.1": {"ratio": 2.0}}


def test_it_is_told_by_how_much_a_price_departs_from_the_default(services: Services) -> None:
    (row,) = rows(services, json.dumps({"gpt-4o": {"ratio": 2.5, "completion_ratio": 4}}))
    assert (row.differs("input"), row.differs("output"), row.differs("cached")) == ("+100 %", "+100 %", "")
    (same,) = rows(services, json.dumps({"gpt-4o": {"ratio": 1.25}}))
    assert same.differs("input") == ""


@pytest.mark.parametrize("typed", [Own("x"), Own("-1"), Own("NaN"), Own("0", "5"), Own("1", "", "", "1.5")])
def test_what_is_no_price_is_refused(services: Services, typed: Own) -> None:
    with pytest.raises(Refused, match="gpt-4o"):
        after(services, {"gpt-4o": typed})
