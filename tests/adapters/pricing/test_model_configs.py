"""A channel's prices are read with forgiveness and written with care."""

from decimal import Decimal

import pytest

from adapters.pricing.model_configs import InvalidModelConfigs, parse_model_configs, validate_model_configs
from adapters.pricing.price import ModelConfig


def test_prices_are_read_exactly() -> None:
    configs, problem = parse_model_configs(
        '{"gpt-4o": {"ratio": 0.1, "completion_ratio": 4, "cached_ratio": 0.5, "max_tokens": 4096}, "zero": {"ratio": 0}}'
    )
    assert configs == {
        "gpt-4o": ModelConfig(
            ratio=Decimal("0.1"), completion_ratio=Decimal(4), cached_ratio=Decimal("0.5"), max_tokens=4096
        ),
        "zero": ModelConfig(),
    }
    assert problem == ""


def test_image_tiers_keep_their_keys() -> None:
    configs, _ = parse_model_configs('{"$image-tier:dall-e-3|size=1024x1024|quality=hd": {"ratio": 2.5}}')
    assert configs["$image-tier:dall-e-3|size=1024x1024|quality=hd"].ratio == Decimal("2.5")


@pytest.mark.parametrize("text", [None, "", "  ", "null", "{}"])
def test_nothing_stored_is_no_problem(text: str | None) -> None:
    assert parse_model_configs(text) == ({}, "")


@pytest.mark.parametrize("text", ["{", "[]", "7", '"x"', "[" * 100_000, "9" * 10_000])
def test_what_cannot_be_read_is_named(text: str) -> None:
    configs, problem = parse_model_configs(text)
    assert configs == {}
    assert problem


def test_one_bad_entry_does_not_take_the_others_along() -> None:
    configs, problem = parse_model_configs('{"bad": 7, "good": {"ratio": 1}}')
    assert list(configs) == ["good"]
    assert "bad" in problem


@pytest.mark.parametrize("number", ["-1", "1e999999999", "1e-999999999", "NaN", "Infinity", '"2"', "true", "[]"])
def test_figures_that_are_no_price_are_not_set(number: str) -> None:
    assert parse_model_configs(f'{{"m": {{"ratio": {number}}}}}')[0].get("m", ModelConfig()).ratio is None


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ({"gpt-4o": {"ratio": -1}}, "negative ratio for model gpt-4o: -1.000000"),
        ({"gpt-4o": {"completion_ratio": -0.5}}, "negative completion ratio for model gpt-4o: -0.500000"),
        ({"gpt-4o": {"max_tokens": -2}}, "negative max tokens for model gpt-4o: -2"),
        ({"gpt-4o": {}}, "model gpt-4o has no meaningful configuration data"),
        ({"gpt-4o": {"ratio": 0}}, "model gpt-4o has no meaningful configuration data"),
        ({" ": {"ratio": 1}}, "model name cannot be empty"),
        ({"gpt-4o": 3}, "model gpt-4o must be an object"),
        ({"gpt-4o": {"ratio": "1"}}, "ratio for model gpt-4o is not a number"),
        ([], "not an object"),
    ],
)
def test_senseless_prices_are_refused(configs: object, message: str) -> None:
    with pytest.raises(InvalidModelConfigs) as caught:
        validate_model_configs(configs)
    assert str(caught.value) == f"invalid model price configurations: {message}"


def test_sensible_prices_are_taken() -> None:
    validate_model_configs({"a": {"ratio": 1.25, "completion_ratio": 4}, "b": {"max_tokens": 10}})
