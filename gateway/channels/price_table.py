"""A channel's prices as a table that people edit: dollars per million tokens beside the default for each model.

The column behind it holds ratios. What nobody touched keeps its ratios to the last digit; what was typed is turned
into ratios exactly where that is possible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from adapters.pricing.figures import UNITS_PER_USD
from adapters.pricing.model_configs import InvalidModelConfigs, validate_model_configs
from gateway.accounts.refusals import Refused
from gateway.channels.prices import stored_configs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.services import Services

_MILLION = 1_000_000
_FIGURES = 6
_MOST_USD = Decimal(10**6)
_LONGEST_LIMIT = 9
_TIER = "$"
"""Names that begin so are no models: they say what a size or quality of a picture costs."""


class Own(NamedTuple):
    """What a channel sets for one model, as texts; empty where it sets nothing."""

    input: str = ""
    output: str = ""
    cached: str = ""
    limit: str = ""
    """Most tokens of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """One model, as the provider is sent it. `*_usd` are the defaults per million tokens."""

    model: str
    input_usd: str
    output_usd: str
    cached_usd: str
    limit: str = ""
    """The default limit of output tokens, empty if there is none."""
    own: Own = Own()  # noqa: RUF009 - a tuple
    stored: Own = Own()  # noqa: RUF009 - a tuple
    """What is in force, where `own` is what somebody typed meanwhile."""
    has_price: bool = True
    """Whether the tables know this model; else a fallback is charged."""
    is_listed: bool = True
    """Whether the channel serves it; prices of others wait for it to do so."""

    @property
    def defaults(self) -> Own:
        """The defaults as somebody could type them."""
        return Own(self.input_usd, self.output_usd, self.cached_usd, self.limit)

    def differs(self, name: str) -> str:
        """Return by how much an own price departs from the default, as people write it; empty: not at all."""
        own, default = _amount(getattr(self.own, name)), _amount(getattr(self.defaults, name))
        if own is None or own == default:
            return ""
        if not default:
            return "+" if own else ""
        percent = (own - default) / default * 100
        return f"{percent:+.0f} %" if abs(percent) >= 1 else f"{percent:+.1f} %"


def price_rows(
    services: Services, type_id: int, models: Sequence[str], mapping: Mapping[str, str], configs_text: str | None
) -> list[PriceRow]:
    """Return a row for each model, then for those that have prices without being served.

    Prices are those of the model that the provider is sent.
    """
    configs = stored_configs(configs_text)
    listed = list(dict.fromkeys(mapping.get(model) or model for model in models))
    others = [name for name in configs if name not in listed and not name.startswith(_TIER)]
    rows = [_row(services, type_id, name, configs.get(name, {})) for name in (*listed, *others)]
    return [replace(row, is_listed=False) if row.model in others else row for row in rows]


def only_in_text(configs_text: str | None) -> int:
    """Return how many entries the table does not show: prices by size and quality of pictures."""
    return sum(name.startswith(_TIER) for name in stored_configs(configs_text))


def with_typed(
    services: Services, type_id: int, rows: Sequence[PriceRow], typed: Mapping[str, Own]
) -> list[PriceRow]:
    """Return rows as somebody filled them in, and one more for each model that was added."""
    filled = [replace(row, own=typed[row.model]) if row.model in typed else row for row in rows]
    known = {row.model for row in rows}
    added = [
        replace(_row(services, type_id, name, {}), own=own, is_listed=False)
        for name, own in typed.items()
        if name not in known
    ]
    return [*filled, *added]


def configs_of(rows: Sequence[PriceRow], configs_text: str | None) -> str:
    """Return the column after an edit of the table. Raises `Refused` for what is no price."""
    configs = dict(stored_configs(configs_text))
    for row in rows:
        if row.own == row.stored:
            continue
        entry = _entry(row)
        if entry:
            configs[row.model] = entry
        else:
            configs.pop(row.model, None)
    return json.dumps(configs, ensure_ascii=False) if configs else ""


def check_configs(table: Mapping[str, object]) -> None:
    """Raise `Refused` for a column that may not be stored."""
    try:
        validate_model_configs(table)
    except InvalidModelConfigs as error:
        raise Refused(str(error)) from error


def _row(services: Services, type_id: int, model: str, entry: Mapping[str, object]) -> PriceRow:
    price = services.catalogue.prices.resolve(type_id, model)
    usd = price.rates.ratio * _MILLION / UNITS_PER_USD
    own = _own(entry, usd)
    return PriceRow(
        model=model,
        input_usd=_text(usd),
        output_usd=_text(usd * price.rates.completion_ratio),
        cached_usd=_text(price.rates.cached_read * _MILLION / UNITS_PER_USD),
        limit=str(price.max_tokens or ""),
        own=own,
        stored=own,
        has_price=not price.is_fallback,
    )


def _entry(row: PriceRow) -> dict[str, object]:
    given = row.own
    entry: dict[str, object] = {}
    base = Fraction(Decimal(row.input_usd))
    if given.input:
        base = Fraction(_price(row.model, given.input))
        entry["ratio"] = float(base * UNITS_PER_USD / _MILLION)
    for name, text in (("completion_ratio", given.output), ("cached_ratio", given.cached)):
        if text:
            price = Fraction(_price(row.model, text))
            if not base:
                raise Refused(f"{row.model}: an output price needs an input price above 0")
            entry[name] = float(price / base)
    if given.limit:
        if not (given.limit.isascii() and given.limit.isdigit() and len(given.limit) <= _LONGEST_LIMIT):
            raise Refused(f"{row.model}: the output limit must be a whole number")
        entry["max_tokens"] = int(given.limit)
    return entry


def _price(model: str, text: str) -> Decimal:
    value = _amount(text)
    if value is None or not 0 <= value <= _MOST_USD:
        raise Refused(f"{model}: a price must be a number of 0 or more")
    return value


def _amount(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _own(entry: Mapping[str, object], default_usd: Fraction) -> Own:
    ratio = _figure(entry.get("ratio"))
    usd = ratio * _MILLION / UNITS_PER_USD if ratio else None
    base = default_usd if usd is None else usd
    output, cached = _figure(entry.get("completion_ratio")), _figure(entry.get("cached_ratio"))
    return Own(
        "" if usd is None else _text(usd),
        _text(base * output) if output else "",
        _text(base * cached) if cached else "",
        str(entry["max_tokens"]) if entry.get("max_tokens") else "",
    )


def _figure(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Fraction(0)
    try:
        return Fraction(Decimal(str(value)))
    except (OverflowError, ValueError):
        return Fraction(0)


def _text(value: Fraction) -> str:
    number = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{round(number, _FIGURES).normalize():f}"
