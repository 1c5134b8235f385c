"""Charges are exact, rounded once, and come to what a person computes."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.pricing.book import PriceBook
from adapters.pricing.charge import Mode, charge, estimate, log_text
from adapters.pricing.price import AudioPrice, ModelConfig, Price, Tier, Unit, make_rates
from adapters.pricing.usage import Usage

OPENAI, ANTHROPIC, DEEPSEEK, COMPATIBLE = 1, 14, 36, 50
ONE = Decimal(1)


def price(ratio: str = "1.25", completion: str = "4", *, tiers: tuple[Tier, ...] = ()) -> Price:
    return Price(
        table="here",
        unit=Unit.TOKEN,
        rates=make_rates(
            ratio=Fraction(ratio), completion_ratio=Fraction(completion), cached_read=Fraction(ratio) / 2
        ),
        tiers=tiers,
        audio=AudioPrice(),
        embedding={},
        tool_units={"web_search": 5000},
    )


@pytest.mark.parametrize(
    ("type_id", "model", "override", "usage", "group", "units"),
    [
        (COMPATIBLE, "gpt-4o-mini", None, Usage(input=12, output=8), "1", 4),
        (COMPATIBLE, "gpt-4o", None, Usage(input=1000, output=100), "0.5", 875),
        (COMPATIBLE, "gpt-4o", None, Usage(input=1000, output=200), "0.5", 1125),
        (
            COMPATIBLE,
            "gpt-4o",
            ModelConfig(ratio=Decimal(10), completion_ratio=Decimal("2.5")),
            Usage(input=123, output=45),
            "1",
            2355,
        ),
        (COMPATIBLE, "gpt-4o", None, Usage(input=86, cached_read=1920, output=300), "1", 2808),
        # The original's floats made 449 of this; the sum is 448, and 448 is what we take.
        (DEEPSEEK, "deepseek-chat", ModelConfig(ratio=Decimal("0.28")), Usage(input=1000, output=200), "1", 448),
        (
            ANTHROPIC,
            "claude-sonnet-4-20250514",
            None,
            Usage(input=500, cached_read=400, cache_write_5m=100, output=50),
            "1",
            1373,
        ),
        (
            ANTHROPIC,
            "claude-sonnet-4-20250514",
            None,
            Usage(input=600, cached_read=200, cache_write_5m=100, output=50),
            "1",
            1493,
        ),
        (ANTHROPIC, "claude-sonnet-4-20250514", None, Usage(cache_write_1h=1000), "1", 3000),
        (COMPATIBLE, "ada-like-nobody-knows", ModelConfig(ratio=Decimal("0.01")), Usage(input=123), "0.5", 1),
        (
            OPENAI,
            "gpt-4o-audio-preview",
            None,
            Usage(input=100, audio_input=50, output=20, audio_output=30),
            "1",
            6025,
        ),
        (
            OPENAI,
            "gpt-4o-audio-preview",
            None,
            Usage(input=20, audio_input=40, output=10, audio_output=40),
            "1",
            7275,
        ),
        (COMPATIBLE, "brand-new-model", None, Usage(input=100_000, output=1000), "1", 126_250),
        (OPENAI, "gpt-4o", None, Usage(input=10, output=10, reasoning=30), "1", 213),
    ],
)
def test_worked_examples_come_to_their_sums(
    book: PriceBook,
    type_id: int,
    model: str,
    override: ModelConfig | None,
    usage: Usage,
    group: str,
    units: int,
) -> None:
    assert charge(book.resolve(type_id, model, override), usage, Decimal(group)).units == units


def test_responses_are_cut_off_where_text_is_rounded_up(book: PriceBook) -> None:
    mini = book.resolve(OPENAI, "gpt-4o-mini")
    usage = Usage(input=333, output=10)
    assert charge(mini, usage, ONE, mode=Mode.RESPONSES).units == 27
    assert charge(mini, usage, ONE, mode=Mode.CLAUDE).units == 28


def test_nothing_used_costs_nothing_but_a_response() -> None:
    assert charge(price(), Usage(), ONE).units == 0
    assert charge(price(), Usage(), ONE, mode=Mode.CLAUDE).units == 0
    assert charge(price(), Usage(), ONE, mode=Mode.RESPONSES).units == 1


def test_free_models_and_free_groups_cost_nothing() -> None:
    assert charge(price("0"), Usage(input=5000, output=5000), ONE).units == 0
    assert charge(price(), Usage(input=5000, output=5000), Decimal(0)).units == 0


def test_answers_of_a_model_with_free_output_cost_the_minimum() -> None:
    assert charge(price(completion="0"), Usage(output=9), ONE).units == 1


def test_search_fee_is_not_multiplied_by_the_group(book: PriceBook) -> None:
    model = "gpt-4o-mini-search-preview"
    fee = book.search_fee(model, "high")
    whole = charge(book.resolve(OPENAI, model), Usage(input=10, output=40), ONE, request_fee_units=fee)
    half = charge(book.resolve(OPENAI, model), Usage(input=10, output=40), Decimal("0.5"), request_fee_units=fee)
    # 10·0.075 + 40·0.3 = 12.75 tokens' worth
    assert (whole.units, whole.tool_units) == (15_013, 15_000)
    assert half.units == 15_007


def test_tools_cost_by_the_call() -> None:
    used = Usage(input=100, tool_calls=(("web_search", 3), ("something_free", 9)))
    assert charge(price(), used, Decimal("0.5")).units == 63 + 15_000


def test_a_call_priced_model_ignores_tokens(book: PriceBook) -> None:
    assert charge(book.resolve(35, "rerank-v3.5"), Usage(input=123_456), ONE).units == 1000


def test_audio_is_shown_as_the_text_tokens_it_costs(book: PriceBook) -> None:
    cost = charge(
        book.resolve(OPENAI, "gpt-4o-audio-preview"),
        Usage(input=20, audio_input=40, output=10, audio_output=40),
        ONE,
    )
    assert (cost.prompt_tokens, cost.completion_tokens) == (660, 1290)


@pytest.mark.parametrize(
    ("ratio", "completion", "text"),
    [
        (
            "0.075",
            "4",
            "model rate 0.07, group rate 1.00, completion rate 4.00, cached_prompt 0, cached_completion 0",
        ),
        (
            "0.125",
            "8",
            "model rate 0.12, group rate 1.00, completion rate 8.00, cached_prompt 0, cached_completion 0",
        ),
        (
            "1.25",
            "4/3",
            "model rate 1.25, group rate 1.00, completion rate 1.33, cached_prompt 0, cached_completion 0",
        ),
    ],
)
def test_log_text_rounds_as_the_original(ratio: str, completion: str, text: str) -> None:
    assert log_text(charge(price(ratio, completion), Usage(input=1, output=1), ONE)) == text


def test_log_text_names_tools_only_where_there_are_any() -> None:
    cost = charge(price(), Usage(input=1, cached_read=7, tool_calls=(("web_search", 1),)), Decimal("0.5"))
    assert log_text(cost) == (
        "model rate 1.25, group rate 0.50, completion rate 4.00, tools cost 5000, cached_prompt 7, cached_completion 0"
    )


def test_estimate_takes_the_output_limit_or_the_option() -> None:
    assert estimate(price(), 100, 1000, 500, ONE) == 1375
    assert estimate(price(), 8, None, 500, ONE) == 635
    assert estimate(price(), 100, 0, 500, Decimal("0.5")) == 62


def test_estimate_has_a_floor_only_for_what_costs() -> None:
    assert estimate(price("0.001"), 1, 0, 500, ONE) == 0
    assert estimate(price("0.001"), 1, 0, 500, ONE, at_least=1) == 1
    assert estimate(price("0"), 1, 0, 500, ONE, at_least=1) == 0


def test_a_tier_changes_the_price_of_the_whole_request(book: PriceBook) -> None:
    model = book.resolve(OPENAI, "gpt-5.4")
    assert charge(model, Usage(input=272_000), ONE).units == 340_000
    assert charge(model, Usage(input=272_001), ONE).units == 680_003
    # Cached tokens count towards the tier, at its cached price.
    assert charge(model, Usage(input=1, cached_read=272_000), ONE).units == 68_003


def test_a_tier_may_depend_on_the_answer(book: PriceBook) -> None:
    model = book.resolve(16, "glm-4.6")
    below = charge(model, Usage(input=1000, output=199), ONE)
    above = charge(model, Usage(input=1000, output=200), ONE)
    assert below.ratio < above.ratio


tokens = st.integers(0, 5_000_000)
usages = st.builds(
    Usage,
    input=tokens,
    cached_read=tokens,
    cache_write_5m=tokens,
    cache_write_1h=tokens,
    audio_input=tokens,
    image_input=tokens,
    output=tokens,
    reasoning=tokens,
    audio_output=tokens,
    image_output=tokens,
)
ratios = st.fractions(min_value=0, max_value=1000, max_denominator=10_000).map(str)
groups = st.decimals(min_value=0, max_value=100, places=3)


@settings(deadline=None)  # two cores, shared
@given(usages, ratios, ratios, groups)
def test_a_charge_is_the_exact_sum_rounded_up(usage: Usage, ratio: str, completion: str, group: Decimal) -> None:
    found = price(ratio, completion)
    cost = charge(found, usage, group)
    plain = cost.prompt_tokens - usage.cached_read
    sum_ = Fraction(group) * (
        plain * Fraction(ratio)
        + usage.cached_read * Fraction(ratio) / 2
        + cost.completion_tokens * Fraction(ratio) * Fraction(completion)
    )
    if cost.prompt_tokens + cost.completion_tokens == 0:
        assert cost.units == 0
    elif sum_ == 0:
        assert cost.units == (1 if Fraction(ratio) * Fraction(group) else 0)
    else:
        assert 0 <= cost.units - sum_ < 1


@settings(deadline=None)  # two cores, shared
@given(usages, st.sampled_from(["input", "cached_read", "output", "reasoning", "audio_input"]), groups)
def test_more_tokens_never_cost_less(usage: Usage, bucket: str, group: Decimal) -> None:
    fields = {name: getattr(usage, name) for name in Usage.__slots__}
    more = Usage(**{**fields, bucket: fields[bucket] + 1})
    assert charge(price(), more, group).units >= charge(price(), usage, group).units


@settings(deadline=None)  # two cores, shared
@given(usages, groups)
def test_twice_the_group_ratio_is_twice_the_price(usage: Usage, group: Decimal) -> None:
    once, twice = (charge(price(), usage, g).units for g in (group, group * 2))
    assert 2 * once - 2 <= twice <= 2 * once


@settings(deadline=None)  # two cores, shared
@given(usages, ratios.filter(lambda r: r != "0"), groups.filter(bool))
def test_whatever_was_used_costs_at_least_one(usage: Usage, ratio: str, group: Decimal) -> None:
    cost = charge(price(ratio), usage, group)
    assert cost.units >= 1 or cost.prompt_tokens + cost.completion_tokens == 0


@settings(deadline=None)  # two cores, shared
@given(st.integers(0, 2000), st.integers(0, 2000))
def test_the_highest_tier_reached_sets_the_rates(prompt: int, answer: int) -> None:
    rates = [make_rates(ratio=Fraction(n), completion_ratio=Fraction(1)) for n in (2, 3)]
    tiered = price(
        tiers=(Tier(from_input=500, rates=rates[0]), Tier(from_input=1000, from_output=100, rates=rates[1]))
    )
    expected = Fraction(5, 4)
    if prompt >= 500:
        expected = Fraction(2)
    if prompt >= 1000 and answer >= 100:
        expected = Fraction(3)
    assert charge(tiered, Usage(input=prompt, output=answer), ONE).ratio == expected
