"""A channel's prices as a table that people edit: dollars per million tokens beside the default for each model.

The column behind it holds ratios. What nobody touched keeps its ratios to the last digit; what was typed is turned
into ratios exactly where that is possible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.figures import UNITS_PER_USD
from gateway.accounts.refusals import Refused
from gateway.channels.prices import stored_configs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.services import Services

_MILLION = 1_000_000
_FIGURES = 6
_MOST_USD = Decimal(10**6)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One model. `own_*` are texts as a field shows them, empty where the channel sets nothing."""

    model: str
    input_usd: str
    """The default per million input tokens."""
    output_usd: str
    own_input: str = ""
    own_output: str = ""
    own_limit: str = ""
    """Own limit of output tokens."""
    has_price: bool = True
    """Whether the tables know this model; else a fallback is charged."""


def price_rows(
    services: Services, type_id: int, models: Sequence[str], mapping: Mapping[str, str], configs_text: str | None
) -> list[PriceRow]:
    """Return a row for each model; prices are those of the model that the provider is sent."""
    own = stored_configs(configs_text)
    rows = []
    for model in models:
        sent = mapping.get(model) or model
        price = services.catalogue.prices.resolve(type_id, sent)
        usd = price.rates.ratio * _MILLION / UNITS_PER_USD
        entry = own.get(sent, {})
        own_input, own_output = _own(entry)
        rows.append(
            PriceRow(
                model=sent,
                input_usd=_text(usd),
                output_usd=_text(usd * price.rates.completion_ratio),
                own_input=own_input,
                own_output=own_output,
                own_limit=str(entry["max_tokens"]) if entry.get("max_tokens") else "",
                has_price=not price.is_fallback,
            )
        )
    return rows


def configs_of(
    before: Sequence[PriceRow], typed: Mapping[str, tuple[str, str, str]], configs_text: str | None
) -> str:
    """Return the column after an edit: `typed` holds input price, output price and limit by model, as texts.

    Raises `Refused` for what is no price.
    """
    configs = dict(stored_configs(configs_text))
    for row in before:
        if row.model not in typed:
            continue
        given = typed[row.model]
        if given == (row.own_input, row.own_output, row.own_limit):
            continue
        entry = _entry(row, *given)
        if entry:
            configs[row.model] = entry
        else:
            configs.pop(row.model, None)
    return json.dumps(configs, ensure_ascii=False) if configs else ""


def _entry(row: PriceRow, input_text: str, output_text: str, limit_text: str) -> dict[str, object]:
    entry: dict[str, object] = {}
    if input_text:
        usd = _price(row.model, input_text)
        entry["ratio"] = float(Fraction(usd) * UNITS_PER_USD / _MILLION)
    if output_text:
        output = _price(row.model, output_text)
        base = Fraction(_price(row.model, input_text)) if input_text else Fraction(Decimal(row.input_usd))
        if not base:
            raise Refused(f"{row.model}: an output price needs an input price above 0")
        entry["completion_ratio"] = float(Fraction(output) / base)
    if limit_text:
        if not (limit_text.isascii() and limit_text.isdigit() and len(limit_text) <= 9):
            raise Refused(f"{row.model}: the output limit must be a whole number")
        entry["max_tokens"] = int(limit_text)
    return entry


def _price(model: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= _MOST_USD:
        raise Refused(f"{model}: a price must be a number of 0 or more")
    return value


def _own(entry: Mapping[str, object]) -> tuple[str, str]:
    ratio, completion = entry.get("ratio"), entry.get("completion_ratio")
    if not isinstance(ratio, int | float) or not ratio:
        return "", ""
    usd = Fraction(Decimal(str(ratio))) * _MILLION / UNITS_PER_USD
    if not isinstance(completion, int | float) or not completion:
        return _text(usd), ""
    return _text(usd), _text(usd * Fraction(Decimal(str(completion))))


def _text(value: Fraction) -> str:
    number = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{round(number, _FIGURES).normalize():f}"


def with_typed(row: PriceRow, typed: tuple[str, str, str]) -> PriceRow:
    """Return a row as somebody filled it in."""
    own_input, own_output, own_limit = typed
    return replace(row, own_input=own_input, own_output=own_output, own_limit=own_limit)
