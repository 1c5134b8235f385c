"""Images and sound cost what their price lists say, to the unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from adapters.pricing.media import duration_charge, image_charge, speech_charge
from adapters.pricing.price import ModelConfig
from adapters.pricing.usage import Usage
from adapters.providers.catalogue import load_catalogue

BOOK = load_catalogue().prices
ONE = Decimal(1)


@pytest.mark.parametrize(
    ("model", "size", "quality", "count", "group", "units", "text"),
    [
        ("dall-e-2", "512x512", "standard", 3, "1", 27000, "image usd 0.016, tier 1.12, group rate 1.00, num 3"),
        ("dall-e-2", "256x256", "standard", 1, "1", 8000, "image usd 0.016, tier 1.00, group rate 1.00, num 1"),
        ("dall-e-3", "1792x1024", "hd", 1, "1", 60000, "image usd 0.040, tier 3.00, group rate 1.00, num 1"),
        ("dall-e-3", "1024x1024", "hd", 1, "0.5", 20000, "image usd 0.040, tier 2.00, group rate 0.50, num 1"),
        ("gpt-image-1", "1024x1536", "high", 1, "1", 125000, "image usd 0.011, tier 22.73, group rate 1.00, num 1"),
        ("gpt-image-1", "1024x1024", "low", 1, "1", 5500, "image usd 0.011, tier 1.00, group rate 1.00, num 1"),
        ("gpt-image-1", "auto", "medium", 1, "1", 31500, "image usd 0.011, tier 5.73, group rate 1.00, num 1"),
    ],
)
def test_images_by_size_quality_and_number(
    model: str, size: str, quality: str, count: int, group: str, units: int, text: str
) -> None:
    price = BOOK.resolve(1, model)
    assert price.image
    factor = price.image.factor(size, quality)
    assert factor
    cost = image_charge(price, count=count, factor=factor, group_ratio=Decimal(group), usage=Usage())
    assert (cost.units, cost.text) == (units, text)


def test_reported_tokens_take_the_place_of_the_price_of_an_image() -> None:
    price = BOOK.resolve(1, "gpt-image-1")
    usage = Usage(input=20, image_input=380, image_output=272)
    cost = image_charge(price, count=1, factor=Fraction(1), group_ratio=ONE, usage=usage)
    assert (cost.units, cost.prompt_tokens, cost.completion_tokens) == (7390, 400, 272)
    usage = Usage(input=50, image_output=6208)
    assert image_charge(price, count=1, factor=Fraction(1), group_ratio=ONE, usage=usage).units == 124285
    usage = Usage(cached_read=100, cached_image=200)
    # 1.25 and 2.50 USD a million
    assert image_charge(price, count=1, factor=Fraction(1), group_ratio=ONE, usage=usage).units == 313


def test_text_around_an_image_has_the_price_of_text() -> None:
    usage = Usage(input=100, output=50, image_output=1000)
    cost = image_charge(
        BOOK.resolve(1, "gpt-image-1.5"), count=1, factor=Fraction(1), group_ratio=Decimal(1), usage=usage
    )
    # 5, 10 and 32 dollars per million tokens
    assert cost.units == 250 + 250 + 16_000


def test_a_model_without_a_price_for_images_costs_its_ratio_an_image() -> None:
    price = BOOK.resolve(1, "my-images", ModelConfig(ratio=Decimal("1500.5")))
    assert image_charge(price, count=2, factor=Fraction(1), group_ratio=ONE, usage=Usage()).units == 3002


@pytest.mark.parametrize(
    ("type_id", "model", "seconds", "group", "units"),
    [
        (1, "whisper-1", "12", "1", 360),
        (1, "whisper-1", "31.5", "1", 945),
        (1, "whisper-1", "12.34", "1", 371),
        (1, "gpt-4o-transcribe", "7.4", "1", 93),
        (1, "whisper-1", "10", "0.5", 150),
        # 0.00185 USD a minute, whose price is by the second
        (29, "whisper-large-v3", "60", "1", 925),
    ],
)
def test_listening_by_the_second(type_id: int, model: str, seconds: str, group: str, units: int) -> None:
    cost = duration_charge(BOOK.resolve(type_id, model), seconds=Fraction(seconds), group_ratio=Decimal(group))
    assert (cost.units, cost.prompt_tokens) == (units, units)


def test_speech_by_the_character_cut_off() -> None:
    cost = speech_charge(BOOK.resolve(1, "tts-1"), characters=45, group_ratio=ONE)
    assert (cost.units, cost.text) == (337, "model rate 7.50, group rate 1.00")
    assert speech_charge(BOOK.resolve(1, "tts-1"), characters=11, group_ratio=Decimal("0.5")).units == 41


def test_a_size_that_is_not_made_has_no_price() -> None:
    price = BOOK.resolve(1, "dall-e-3").image
    assert price
    assert price.factor("100x100", "standard") is None
    assert price.factor("auto", "standard") is None
