"""The price that applies is the channel's own, the provider's, the shared one, or the fallback, in this order."""

from decimal import Decimal
from fractions import Fraction

import pytest

from adapters.pricing.book import PriceBook, UnknownContextSize
from adapters.pricing.price import ModelConfig, Price, Unit
from adapters.providers.catalogue import load_catalogue

OPENAI, AZURE, ANTHROPIC, OPENROUTER, DEEPSEEK, COMPATIBLE = 1, 3, 14, 20, 36, 50


def ratios(price: Price) -> tuple[float, float]:
    return float(price.rates.ratio), float(price.rates.completion_ratio)


def test_a_providers_own_table_comes_before_the_shared_ones(book: PriceBook) -> None:
    assert book.resolve(42, "gemini-2.0-flash").table == "vertexai"
    assert book.resolve(COMPATIBLE, "claude-sonnet-4-20250514").table == "anthropic"
    assert book.resolve(OPENROUTER, "anthropic/claude-3.5-haiku").table == "openrouter"


def test_the_first_shared_table_that_knows_a_model_wins(book: PriceBook) -> None:
    assert book.resolve(43, "gpt-4o").table == "openai"
    assert book.resolve(43, "deepseek-chat").table == "deepseek"


def test_a_model_nobody_priced_costs_the_fallback_and_says_so(book: PriceBook) -> None:
    found = book.resolve(COMPATIBLE, "brand-new-model")
    assert found.is_fallback
    assert ratios(found) == (1.25, 1)
    assert book.resolve(99_999, "gpt-4o").table == "openai"


def test_a_channel_may_set_one_ratio_and_leave_the_other(book: PriceBook) -> None:
    only_input = book.resolve(COMPATIBLE, "gpt-4o", ModelConfig(ratio=Decimal(2)))
    assert ratios(only_input) == (2, 4)
    only_output = book.resolve(COMPATIBLE, "gpt-4o", ModelConfig(completion_ratio=Decimal(2)))
    assert ratios(only_output) == (1.25, 2)
    assert (only_input.is_override, only_output.is_override) == (True, False)


def test_zero_means_not_set(book: PriceBook) -> None:
    assert book.resolve(COMPATIBLE, "gpt-4o", ModelConfig(ratio=Decimal(0))).rates.ratio == Fraction(5, 4)


def test_cache_prices_of_the_table_stay_beside_an_own_ratio(book: PriceBook) -> None:
    assert book.resolve(OPENAI, "gpt-4o", ModelConfig(ratio=Decimal(5))).rates.cached_read == Fraction(5, 8)
    # Where the table has none, cached tokens cost what the channel asks for plain ones.
    assert book.resolve(OPENAI, "gpt-3.5-turbo", ModelConfig(ratio=Decimal(5))).rates.cached_read == 5


def test_a_channel_s_own_cache_price_follows_its_input_price(book: PriceBook) -> None:
    own = ModelConfig(ratio=Decimal(5), cached_ratio=Decimal("0.1"))
    assert book.resolve(OPENAI, "gpt-4o", own).rates.cached_read == Fraction(1, 2)
    alone = book.resolve(OPENAI, "gpt-4o", ModelConfig(cached_ratio=Decimal("0.1")))
    assert (alone.rates.ratio, alone.rates.cached_read, alone.is_override) == (Fraction(5, 4), Fraction(1, 8), False)


def test_an_own_ratio_switches_tiers_and_windows_off(book: PriceBook) -> None:
    assert book.resolve(OPENAI, "gpt-5.4").tiers
    assert not book.resolve(OPENAI, "gpt-5.4", ModelConfig(ratio=Decimal(2))).tiers
    assert not book.resolve(DEEPSEEK, "deepseek-v4-pro", ModelConfig(ratio=Decimal(2))).windows
    same = book.resolve(OPENAI, "gpt-5.4", ModelConfig(ratio=Decimal("1.25"), completion_ratio=Decimal(3)))
    assert same.tiers[0].rates.completion_ratio == 3
    assert not same.is_override


def test_an_own_ratio_prices_a_free_or_unknown_model(book: PriceBook) -> None:
    unknown = book.resolve(COMPATIBLE, "brand-new-model", ModelConfig(ratio=Decimal("0.4")))
    assert (unknown.rates.ratio, unknown.is_fallback) == (Fraction(2, 5), False)
    equal = book.resolve(
        COMPATIBLE, "brand-new-model", ModelConfig(ratio=Decimal("1.25"), completion_ratio=Decimal(2))
    )
    assert ratios(equal) == (1.25, 2)
    assert not equal.is_fallback
    free = next(m for m, p in book.table("siliconflow").items() if p.unit is Unit.FREE)
    assert book.resolve(44, free, ModelConfig(ratio=Decimal(1))).unit is Unit.TOKEN


@pytest.mark.parametrize(
    ("model", "size", "fee"),
    [
        ("gpt-4o-search-preview", None, 17_500),
        ("gpt-4o-search-preview-2025-03-11", "low", 15_000),
        ("gpt-4o-search-preview", "high", 20_000),
        ("gpt-4o-mini-search-preview", "low", 12_500),
        ("gpt-4o-mini-search-preview", "medium", 13_750),
        ("gpt-4o-mini-search-preview", "high", 15_000),
        ("gpt-4o", "high", 0),
    ],
)
def test_search_fees(book: PriceBook, model: str, size: str | None, fee: int) -> None:
    assert book.search_fee(model, size) == fee


def test_an_unknown_context_size_is_refused(book: PriceBook) -> None:
    with pytest.raises(UnknownContextSize, match="low, medium, high"):
        book.search_fee("gpt-4o-search-preview", "huge")


def test_tool_fees_may_differ_by_model(book: PriceBook) -> None:
    assert book.resolve(24, "gemini-2.5-flash").tool_units["web_search"] == 17_500
    assert book.resolve(24, "gemini-3.6-flash").tool_units["web_search"] == 7000
    assert book.resolve(OPENAI, "gpt-4o").tool_units["code_interpreter"] == 15_000


def test_windows_open_by_the_providers_clock(book: PriceBook) -> None:
    model = book.resolve(DEEPSEEK, "deepseek-v4-flash")

    def usd(unix_s: int) -> Fraction:
        return model.at(unix_s).rates.ratio * 2

    wednesday = 1_795_618_800  # 2026-11-25 15:00 UTC, 23:00 in Beijing
    assert usd(wednesday) == Fraction("0.22")
    assert usd(wednesday + 11 * 3600) == Fraction("0.44")  # Thursday 10:00
    assert usd(wednesday + 14 * 3600) == Fraction("0.22")  # Thursday 13:00
    assert usd(wednesday + 59 * 3600) == Fraction("0.22")  # Saturday 10:00
    assert usd(1_767_225_600) == Fraction("0.14")  # before August 2026


def test_a_price_without_windows_is_the_same_at_any_time(book: PriceBook) -> None:
    model = book.resolve(OPENAI, "gpt-4o")
    assert model.at(0) is model


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "eu.anthropic.claude-sonnet-4-20250514-v1:0",
        "global.anthropic.claude-sonnet-4-20250514-v1:0",
    ],
)
def test_a_model_of_bedrock_has_its_price_by_its_id_too(model: str) -> None:
    prices = load_catalogue().prices
    price = prices.resolve(33, model)
    assert (price.table, price.rates) == ("aws", prices.resolve(33, "claude-sonnet-4-20250514").rates)
    assert prices.resolve(33, "eu.anthropic.claude-of-tomorrow").is_fallback
