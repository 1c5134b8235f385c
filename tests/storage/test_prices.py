"""Prices of channels from older one-api versions are read into the one form of today, or left alone."""

from __future__ import annotations

import json

import pytest

from storage.migrations.prices import UnreadablePrices, unified_configs


def _unified(configs: object = None, ratio: object = None, completion: object = None) -> object:
    texts = [None if value is None else json.dumps(value) for value in (configs, ratio, completion)]
    found = unified_configs(*texts)
    return None if found is None else json.loads(found)


def test_ratios_alone_become_configs() -> None:
    assert _unified(None, {"a": 1.5, "b": 2}, {"a": 3}) == {
        "a": {"ratio": 1.5, "completion_ratio": 3},
        "b": {"ratio": 2},
    }


def test_limits_are_merged_with_ratios() -> None:
    merged = _unified({"a": {"max_tokens": 100}, "c": {"max_tokens": 7}}, {"a": 1, "b": 2}, {"b": 0})
    assert merged == {"a": {"ratio": 1, "max_tokens": 100}, "c": {"max_tokens": 7}, "b": {"ratio": 2}}


def test_fields_that_are_not_known_stay() -> None:
    assert _unified({"a": {"max_tokens": 1, "note": "x"}}, {"a": 1}) == {
        "a": {"ratio": 1, "max_tokens": 1, "note": "x"}
    }


@pytest.mark.parametrize(
    "configs",
    [
        {"a": {"ratio": 9}},
        {"a": {"max_tokens": 1}, "b": {"completion_ratio": 2}},
        {"$image-tier:a": {"1024x1024": 2}, "a": {"max_tokens": 5}},
    ],
)
def test_configs_that_hold_prices_stay_as_they_are(configs: object) -> None:
    assert _unified(configs, {"a": 1}) is None


@pytest.mark.parametrize("empty", [None, "", "  ", "{}", "null"])
def test_nothing_to_read_is_nothing_to_do(empty: str | None) -> None:
    assert unified_configs('{"a": {"max_tokens": 3}}', empty, empty) is None
    assert unified_configs(empty, empty, empty) is None


@pytest.mark.parametrize(
    ("configs", "ratio", "completion"),
    [
        (None, "{broken", None),
        ("{broken", '{"a": 1}', None),
        (None, "[1]", None),
        ('{"a": 1}', '{"a": 1}', None),
        (None, '{"a": -1}', None),
        (None, '{"a": 1}', '{"a": -0.5}'),
        ('{"a": {"max_tokens": -1}}', '{"a": 1}', None),
        (None, '{"a": "1"}', None),
        (None, '{"a": true}', None),
        (None, '{"a": NaN}', None),
        (None, '{"": 1}', None),
        (None, '{"a": 0}', None),
        (None, "[" * 100_000, None),
    ],
)
def test_what_cannot_be_read_is_told(configs: str | None, ratio: str | None, completion: str | None) -> None:
    with pytest.raises(UnreadablePrices):
        unified_configs(configs, ratio, completion)
