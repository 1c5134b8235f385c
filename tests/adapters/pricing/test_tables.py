"""Every line of every table is a price that makes sense."""

from fractions import Fraction

import pytest

from adapters.pricing.book import PriceBook
from adapters.pricing.figures import figure
from adapters.pricing.price import Price, Rates, Unit
from adapters.pricing.tables import load_tables


@pytest.fixture(scope="module")
def everything(book: PriceBook) -> list[tuple[str, str, Price]]:
    return [(family, model, price) for family in load_tables().models for model, price in book.table(family).items()]


def _all_rates(price: Price) -> list[Rates]:
    return [price.rates, *(t.rates for t in price.tiers), *(w.rates for w in price.windows)]


def test_no_price_is_negative_and_all_are_whole_at_their_scale(everything: list[tuple[str, str, Price]]) -> None:
    assert len(everything) > 2500
    for family, model, price in everything:
        for rates in _all_rates(price):
            assert rates.ratio >= 0, (family, model)
            assert rates.completion_ratio >= 0, (family, model)
            assert Fraction(rates.input_units, rates.scale) == rates.ratio
            assert Fraction(rates.output_units, rates.scale) == rates.ratio * rates.completion_ratio
            assert Fraction(rates.cached_read_units, rates.scale) == rates.cached_read


def test_what_is_not_free_costs_something(everything: list[tuple[str, str, Price]]) -> None:
    for family, model, price in everything:
        paid = {
            Unit.TOKEN: price.rates.ratio,
            Unit.VIDEO_TOKEN: price.rates.ratio,
            Unit.PER_CALL: price.rates.ratio,
            Unit.IMAGE: price.image is not None,
            Unit.VIDEO_SECOND: price.video and price.video.usd_per_second,
            Unit.AUDIO_SECOND: price.audio.usd_per_second,
            Unit.FREE: True,
        }
        assert paid[price.unit], (family, model)


def test_lines_are_sorted_so_that_a_diff_shows_what_changed() -> None:
    for family, rows in load_tables().models.items():
        assert list(rows) == sorted(rows), family


def test_yuan_are_seven_to_the_dollar(book: PriceBook) -> None:
    assert book.resolve(25, "moonshot-v1-8k").rates.ratio == Fraction(2, 7) / 2
    assert figure("12/7") == Fraction(12, 7)


@pytest.mark.parametrize(
    ("model", "size", "quality", "factor"),
    [
        ("dall-e-2", "512x512", "standard", Fraction("1.125")),
        ("dall-e-3", "1792x1024", "hd", Fraction(3)),
        ("dall-e-3", "1024x1792", "", Fraction(2)),
        ("gpt-image-1", "1024x1024", "medium", Fraction(42, 11)),
        ("gpt-image-1", "1536x1024", "auto", Fraction(250, 11)),
        ("gpt-image-1", "123x456", "high", None),
    ],
)
def test_image_factors(book: PriceBook, model: str, size: str, quality: str, factor: Fraction | None) -> None:
    image = book.resolve(1, model).image
    assert image is not None
    assert image.factor(size, quality) == factor


@pytest.mark.parametrize("text", ["", "-1", "1e5", "1/0", "abc", "1.", "NaN"])
def test_only_plain_figures_are_taken(text: str) -> None:
    import msgspec

    from adapters.pricing.tables import Money

    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"in": text}), type=Money)
