"""Prices that people type become ratios, and what they leave alone stays to the last digit."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import pytest

from adapters.providers.catalogue import load_catalogue
from gateway.accounts.refusals import Refused
from gateway.channels.price_table import PriceRow, configs_of, price_rows
from gateway.services import Services

OPENAI = 1


@pytest.fixture(scope="module")
def services() -> Services:
    """Only what prices need."""
    return cast("Services", SimpleNamespace(catalogue=load_catalogue()))


def rows(services: Services, configs: str = "", models: tuple[str, ...] = ("gpt-4o",)) -> list[PriceRow]:
    """The table of a channel to OpenAI."""
    return price_rows(services, OPENAI, models, {}, configs)


def test_defaults_are_dollars_per_million_tokens(services: Services) -> None:
    (row,) = rows(services)
    assert (row.input_usd, row.output_usd, row.own_input, row.has_price) == ("2.5", "10", "", True)


def test_a_model_of_no_table_is_named_as_such(services: Services) -> None:
    (row,) = rows(services, models=("nobody-knows-it",))
    assert not row.has_price


def test_a_mapped_model_is_priced_as_what_the_provider_is_sent(services: Services) -> None:
    (row,) = price_rows(services, OPENAI, ["mine"], {"mine": "gpt-4o"}, "")
    assert (row.model, row.input_usd) == ("gpt-4o", "2.5")


def test_typed_prices_become_ratios(services: Services) -> None:
    found = json.loads(configs_of(rows(services), {"gpt-4o": ("3", "12", "4096")}, ""))
    assert found == {"gpt-4o": {"ratio": 1.5, "completion_ratio": 4.0, "max_tokens": 4096}}


def test_untouched_ratios_keep_every_digit(services: Services) -> None:
    stored = json.dumps({"gpt-4o": {"ratio": 0.123456789012, "completion_ratio": 3.3333333333333335}})
    (row,) = rows(services, stored)
    after = configs_of([row], {"gpt-4o": (row.own_input, row.own_output, row.own_limit)}, stored)
    assert json.loads(after) == json.loads(stored)


def test_emptied_prices_fall_back_to_the_default(services: Services) -> None:
    stored = json.dumps({"gpt-4o": {"ratio": 1.5}})
    assert configs_of(rows(services, stored), {"gpt-4o": ("", "", "")}, stored) == ""


def test_prices_of_models_that_are_not_shown_stay(services: Services) -> None:
    stored = json.dumps({"gpt-4.1": {"ratio": 2.0}})
    after = json.loads(configs_of(rows(services, stored), {"gpt-4o": ("1", "", "")}, stored))
    assert after == {"gpt-4.1": {"ratio": 2.0}, "gpt-4o": {"ratio": 0.5}}


@pytest.mark.parametrize("typed", [("x", "", ""), ("-1", "", ""), ("NaN", "", ""), ("0", "5", ""), ("1", "", "1.5")])
def test_what_is_no_price_is_refused(services: Services, typed: tuple[str, str, str]) -> None:
    with pytest.raises(Refused, match="gpt-4o"):
        configs_of(rows(services), {"gpt-4o": typed}, "")
