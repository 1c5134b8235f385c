"""A channel's own prices: the JSON text of `channels.model_configs`.

Keys are model names, or `$image-tier:<model>|size=<WxH>|quality=<q>` (or one of the two), whose `ratio` is
what an image's price is multiplied by. Reading is forgiving, since a relay must not fail over what an
administrator once typed; writing is not.
"""

from __future__ import annotations

import json
from decimal import Decimal

from adapters.pricing.price import ModelConfig

DIGITS_LIMIT = 40


class InvalidModelConfigs(ValueError):
    """An administrator's prices make no sense. The message is for them."""

    code = "invalid_model_configs"


def parse_model_configs(text: str | None) -> tuple[dict[str, ModelConfig], str]:
    """Read the column as stored: the prices by model, and why something was left out (empty: nothing was)."""
    if not text or not text.strip():
        return {}, ""
    try:
        # ValueError covers broken JSON and integers beyond Python's digit limit.
        stored: object = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        return {}, f"not JSON: {error}"
    if stored is None:
        return {}, ""
    if not isinstance(stored, dict):
        return {}, "not a JSON object"
    configs: dict[str, ModelConfig] = {}
    problems: list[str] = []
    for name, entry in stored.items():
        if not isinstance(entry, dict):
            problems.append(f"{name}: not an object")
            continue
        configs[name] = ModelConfig(
            ratio=_positive(entry.get("ratio")),
            completion_ratio=_positive(entry.get("completion_ratio")),
            cached_ratio=_positive(entry.get("cached_ratio")),
            max_tokens=int(_positive(entry.get("max_tokens")) or 0),
        )
    return configs, "; ".join(problems)


def validate_model_configs(configs: object) -> None:
    """Raise `InvalidModelConfigs` unless `configs`, a decoded JSON value, may be stored.

    Refused are anything but an object of objects, empty names, negative or non-numeric figures, and entries
    that set nothing.
    """
    if not isinstance(configs, dict):
        raise InvalidModelConfigs("invalid model price configurations: not an object")
    for name, entry in configs.items():
        if not isinstance(name, str) or not name.strip():
            raise _invalid("model name cannot be empty")
        if not isinstance(entry, dict):
            raise _invalid(f"model {name} must be an object")
        set_fields = 0
        for field, label in (
            ("ratio", "ratio"),
            ("completion_ratio", "completion ratio"),
            ("cached_ratio", "cached ratio"),
            ("max_tokens", "max tokens"),
        ):
            value = entry.get(field)
            if value is None:
                continue
            number = _number(value)
            if number is None:
                raise _invalid(f"{label} for model {name} is not a number")
            if number < 0:
                shown = str(int(number)) if field == "max_tokens" else f"{number:.6f}"
                raise _invalid(f"negative {label} for model {name}: {shown}")
            set_fields += number > 0
        if not set_fields:
            raise _invalid(f"model {name} has no meaningful configuration data")


def _invalid(reason: str) -> InvalidModelConfigs:
    return InvalidModelConfigs(f"invalid model price configurations: {reason}")


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    # Beyond these bounds a number is no price, and its exact fraction would not fit in memory.
    exponent = number.as_tuple().exponent
    sane = isinstance(exponent, int) and abs(exponent) <= DIGITS_LIMIT and number.adjusted() <= DIGITS_LIMIT
    return number if sane else None


def _positive(value: object) -> Decimal | None:
    number = _number(value)
    # 0 has always meant "not set".
    return number if number is not None and number > 0 else None
