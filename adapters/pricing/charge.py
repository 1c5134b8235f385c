"""What a request costs: exact integer arithmetic, rounded once at the end.

The arithmetic of the original ran on binary floats, whose sums could land just above a whole unit: its
deepseek-chat example of 1000 + 200 tokens at 0.28 and 3 came to 449 where the exact sum is 448. Here it is 448.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from adapters.pricing.price import Unit

if TYPE_CHECKING:
    from decimal import Decimal
    from fractions import Fraction

    from adapters.pricing.price import ImageTokens, Price, Rates
    from adapters.pricing.usage import Usage


class Mode(Enum):
    """Which rules of rounding apply."""

    TEXT = "text"
    """Chat, completions, embeddings, moderations, rerank: rounded up, at least 1, nothing without tokens."""
    CLAUDE = "claude"
    """The messages API: as text."""
    RESPONSES = "responses"
    """The Responses API: cut off, at least 1 even without tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one request costs, and the figures its log row shows.

    `units` is all of it, in quota units; `tool_units` the part that hosted tools and search took. Token counts
    are those billed: audio counted as the text tokens it costs.
    """

    units: int
    tool_units: int
    prompt_tokens: int
    completion_tokens: int
    cached_prompt_tokens: int
    ratio: Fraction
    completion_ratio: Fraction
    group_ratio: Decimal
    is_fallback: bool
    text: str = ""
    """What the log row says, where that is not about tokens."""
    price: Price | None = None
    """Where it comes from."""
    rates: Rates | None = None
    """Those that applied, where it is about tokens."""


def charge(
    price: Price, usage: Usage, group_ratio: Decimal, *, mode: Mode = Mode.TEXT, request_fee_units: int = 0
) -> Charge:
    """Return what `usage` costs at `price`.

    `group_ratio` multiplies everything but tools. `request_fee_units` is what the request costs by itself
    (`PriceBook.search_fee`), if it was answered.
    """
    rates = price.rates
    if price.tiers:
        rates = price.rates_for(usage.prompt_total, usage.completion_total)
    images_in, images_out = usage.image_input + usage.cached_image, usage.image_output
    plain_in = usage.input + images_in
    out = usage.output + usage.reasoning + images_out
    if usage.audio_input:
        plain_in += _ceil(price.audio.input_ratio * usage.audio_input)
    if usage.audio_output:
        out += _ceil(price.audio.input_ratio * price.audio.output_ratio * usage.audio_output)
    cached, write_5m, write_1h = usage.cached_read, usage.cache_write_5m, usage.cache_write_1h
    prompt = plain_in + cached + write_5m + write_1h

    if price.unit is Unit.PER_CALL:
        scaled = rates.input_units * usage.calls
    else:
        scaled = plain_in * rates.input_units + out * rates.output_units
        if cached or write_5m or write_1h:
            scaled += (
                cached * rates.cached_read_units
                + write_5m * rates.cache_write_5m_units
                + write_1h * rates.cache_write_1h_units
            )
    group_over, group_under = group_ratio.as_integer_ratio()
    numerator, denominator = scaled * group_over, rates.scale * group_under
    if price.image_tokens is not None and (images_in or images_out) and not price.is_override:
        more = _images_above_text(price.image_tokens, rates, usage)
        numerator = numerator * more.denominator + more.numerator * group_over * rates.scale
        denominator *= more.denominator

    tools = request_fee_units + sum(price.tool_units.get(name, 0) * count for name, count in usage.tool_calls)
    if mode is Mode.RESPONSES:
        units = numerator // denominator + tools
    else:
        units = -(-numerator // denominator) + tools
    if units <= 0:
        units = 1 if rates.input_units and group_over else 0
    if prompt + out == 0 and mode is not Mode.RESPONSES and price.unit is not Unit.PER_CALL:
        units = tools = 0
    return Charge(
        units=units,
        tool_units=tools,
        prompt_tokens=prompt,
        completion_tokens=out,
        cached_prompt_tokens=cached,
        ratio=rates.ratio,
        completion_ratio=rates.completion_ratio,
        group_ratio=group_ratio,
        is_fallback=price.is_fallback,
        price=price,
        rates=rates,
    )


def _images_above_text(tokens: ImageTokens, rates: Rates, usage: Usage) -> Fraction:
    """Return what tokens of pictures cost beyond what they would as text, in units."""
    output = rates.ratio * rates.completion_ratio
    return (
        usage.image_input * (tokens.input - rates.ratio)
        + usage.cached_image * (tokens.cached - rates.ratio)
        + usage.image_output * (tokens.output - output)
    )


def estimate(
    price: Price,
    prompt_tokens: int,
    output_limit: int | None,
    pre_consumed: int,
    group_ratio: Decimal,
    *,
    at_least: int = 0,
) -> int:
    """Return the quota units to reserve for a request before it is sent.

    The prompt and the client's output limit, or `pre_consumed` tokens where the client gave none, all at the
    input price and cut off: small balances stay usable, and settlement takes the true charge anyway.
    `at_least` applies when the price is not 0.
    """
    rates = price.rates_for(prompt_tokens, 0) if price.tiers else price.rates
    tokens = prompt_tokens + (pre_consumed if output_limit is None else output_limit)
    if price.unit is Unit.PER_CALL:
        tokens = 1
    group_over, group_under = group_ratio.as_integer_ratio()
    units = tokens * rates.input_units * group_over // (rates.scale * group_under)
    if units < at_least and rates.input_units and group_over:
        return at_least
    return max(units, 0)


def log_text(cost: Charge) -> str:
    """Return the text of a log row, word for word as the original writes it."""
    if cost.text:
        return cost.text
    tools = f"tools cost {cost.tool_units}, " if cost.tool_units else ""
    # The floats are what people are used to see: 0.075 is a little less in binary, and reads 0.07.
    return (
        f"model rate {float(cost.ratio):.2f}, group rate {float(cost.group_ratio):.2f}, "
        f"completion rate {float(cost.completion_ratio):.2f}, {tools}"
        f"cached_prompt {cost.cached_prompt_tokens}, cached_completion 0"
    )


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
