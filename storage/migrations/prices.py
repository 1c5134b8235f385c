"""Channel prices of older one-api versions, read into the one form of today.

Prices used to stand in `channels.model_ratio` and `completion_ratio` (model to number), limits in `model_configs`
(model to `{max_tokens}`). Today `model_configs` holds `{ratio, completion_ratio, max_tokens}` per model, a missing
field meaning "not set". A pure function, so that each odd row can be shown in a test.
"""

from __future__ import annotations

import json
import math
from typing import cast

_FIELDS = ("ratio", "completion_ratio", "max_tokens")


class UnreadablePrices(ValueError):
    """A price column of a channel cannot be used; the message says which and why."""


def unified_configs(model_configs: str | None, model_ratio: str | None, completion_ratio: str | None) -> str | None:
    """Return the new text of `model_configs`, or `None` if the channel stays as it is.

    Raises `UnreadablePrices` for broken JSON, names that are empty, negative numbers, and models of which
    nothing is set.
    """
    ratios = _numbers("model_ratio", model_ratio)
    completions = _numbers("completion_ratio", completion_ratio)
    configs = _configs(model_configs)
    if not (ratios or completions) or any(_has_price(name, entry) for name, entry in configs.items()):
        return None
    merged: dict[str, dict[str, object]] = {}
    for name in dict.fromkeys((*configs, *ratios, *completions)):
        entry = dict(configs.get(name, {}))
        entry.update(ratio=ratios.get(name, 0), completion_ratio=completions.get(name, 0))
        for field in _FIELDS:
            _check("model_configs", name, entry.get(field, 0))
        kept = {field: value for field, value in entry.items() if field not in _FIELDS or value}
        if not any(kept.get(field) for field in _FIELDS):
            raise UnreadablePrices(f"nothing is set for {name}")
        merged[name] = {field: kept[field] for field in (*_FIELDS, *kept) if field in kept}
    return json.dumps(merged, ensure_ascii=False)


def _has_price(name: str, entry: dict[str, object]) -> bool:
    # Names with a dollar sign are entries that only the new form has.
    return name.startswith("$") or bool(entry.get("ratio")) or bool(entry.get("completion_ratio"))


def _configs(text: str | None) -> dict[str, dict[str, object]]:
    found = _object("model_configs", text)
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise UnreadablePrices(f"model_configs: {name} is no object")
    return cast("dict[str, dict[str, object]]", found)


def _numbers(column: str, text: str | None) -> dict[str, float]:
    found = _object(column, text)
    for name, number in found.items():
        _check(column, name, number)
    return cast("dict[str, float]", found)


def _check(column: str, name: str, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number) or number < 0:
        raise UnreadablePrices(f"{column}: {name} is no number from 0 up")


def _object(column: str, text: str | None) -> dict[str, object]:
    if text is None or not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadablePrices(f"{column}: broken JSON") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UnreadablePrices(f"{column}: not a JSON object")
    if not all(name.strip() for name in found):
        raise UnreadablePrices(f"{column}: a model without a name")
    return cast("dict[str, object]", found)
