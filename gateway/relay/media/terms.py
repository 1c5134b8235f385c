"""What images and sound cost on one channel, known before the provider is asked.

Also what a request leaves open and the price depends on: it is filled in, so that what was paid for is what is
asked for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from adapters.pricing.media import duration_charge, image_charge, speech_charge
from adapters.pricing.usage import Usage
from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.pricing.book import PriceBook
    from adapters.pricing.charge import Charge
    from adapters.pricing.price import ImagePrice, Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.body import RequestBody
    from gateway.relay.state import Relay

# A number that no provider makes images in; beyond it only the arithmetic would suffer.
MAX_COUNT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundTerms:
    """A charge that nothing in the answer changes."""

    channel: ChannelView
    charge: Charge
    filled: Mapping[str, object | None] = field(default_factory=dict)

    def cost(self, usage: Usage) -> Charge:
        """See `gateway.relay.money.Terms`."""
        del usage  # what was listened to or said is known already
        return self.charge

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """See `gateway.relay.money.Terms`."""
        del prompt_tokens, output_limit, pre_consumed
        return self.charge.units

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """See `gateway.relay.money.Terms`."""
        del prompt_tokens, output_tokens
        return self.charge.units


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTerms:
    """`count` images at a price, `factor` being that of their size and quality."""

    channel: ChannelView
    price: Price
    count: int
    factor: Fraction
    filled: Mapping[str, object | None]

    def cost(self, usage: Usage) -> Charge:
        """See `gateway.relay.money.Terms`."""
        count = min(usage.pictures or self.count, self.count)
        return image_charge(
            self.price, count=count, factor=self.factor, group_ratio=self.channel.group_ratio, usage=usage
        )

    def reservation(self, *, prompt_tokens: int, output_limit: int | None, pre_consumed: int) -> int:
        """See `gateway.relay.money.Terms`."""
        del prompt_tokens, output_limit, pre_consumed
        return self.cost(Usage()).units

    def running(self, *, prompt_tokens: int, output_tokens: int) -> int:
        """See `gateway.relay.money.Terms`."""
        del prompt_tokens, output_tokens
        return self.cost(Usage()).units


def image_terms(relay: Relay, channel: ChannelView, prices: PriceBook) -> ImageTerms:
    """Return the terms of a request for images. Raises `Invalid` for what the model does not make."""
    model = channel.upstream_model(relay.model)
    price = prices.resolve(channel.type, model, channel.model_configs.get(model)).at(time.time())
    body, image = relay.body, price.image
    size = _word(body, "size") or (image.default_size if image is not None else "")
    quality = _word(body, "quality") or (image.default_quality if image is not None else "")
    count = _count(body)
    factor = _tier(channel, model, size, quality)
    if image is not None:
        if factor is None:
            factor = image.factor(size, quality)
        if factor is None:
            raise Invalid("size not supported for this image model", code="size_not_supported")
        _check(body, image, count, quality)
    filled = _filled(relay, channel, image, count=count, size=size, quality=quality)
    return ImageTerms(channel=channel, price=price, count=count, factor=factor or Fraction(1), filled=filled)


def listening_terms(relay: Relay, channel: ChannelView, prices: PriceBook) -> SoundTerms:
    """Return the terms of a transcription or translation: by how long the upload plays."""
    assert relay.seconds is not None, "an upload is measured before it is paid for"  # noqa: S101
    price = _sound_price(relay, channel, prices)
    return SoundTerms(
        channel=channel,
        charge=duration_charge(price, seconds=relay.seconds, group_ratio=channel.group_ratio),
    )


def speech_terms(relay: Relay, channel: ChannelView, prices: PriceBook) -> SoundTerms:
    """Return the terms of speech: by the characters of its text."""
    price = _sound_price(relay, channel, prices)
    characters = len(relay.body.value("input", str) or "")
    return SoundTerms(
        channel=channel, charge=speech_charge(price, characters=characters, group_ratio=channel.group_ratio)
    )


def _sound_price(relay: Relay, channel: ChannelView, prices: PriceBook) -> Price:
    """Sound has always been priced by the client's name for the model; the provider's stands in for unknown ones."""
    sent = channel.upstream_model(relay.model)
    own = channel.model_configs.get(relay.model) or channel.model_configs.get(sent)
    price = prices.resolve(channel.type, relay.model, own)
    if price.is_fallback:
        price = prices.resolve(channel.type, sent, own)
    return price.at(time.time())


def _word(body: RequestBody, name: str) -> str:
    value = body.any(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{name} must be a text", code="invalid_image_request")
    return value


def _count(body: RequestBody) -> int:
    value = body.any("n")
    if isinstance(value, str) and value.isdecimal() and len(value) <= len(str(MAX_COUNT)):
        value = int(value)
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("n must be a whole number", code="invalid_image_request")
    if not 1 <= value <= MAX_COUNT:
        raise Invalid("invalid value of n", code="n_not_within_range")
    return value


def _tier(channel: ChannelView, model: str, size: str, quality: str) -> Fraction | None:
    """Return what the channel itself says about a size and quality, the most exact of its entries."""
    for key in (f"size={size}|quality={quality}", f"size={size}", f"quality={quality}"):
        entry = channel.model_configs.get(f"$image-tier:{model}|{key}")
        if entry is not None and entry.ratio is not None:
            return Fraction(entry.ratio)
    return None


def _check(body: RequestBody, image: ImagePrice, count: int, quality: str) -> None:
    prompt = _word(body, "prompt")
    if image.prompt_limit and len(prompt.encode("utf-8", "surrogatepass")) > image.prompt_limit:
        raise Invalid("prompt is too long", code="prompt_too_long")
    if count < image.min_count or (image.max_count and count > image.max_count):
        raise Invalid("invalid value of n", code="n_not_within_range")
    if image.only_qualities and quality not in image.only_qualities:
        raise Invalid(f"invalid value of quality: one of {', '.join(image.only_qualities)}", code="invalid_value")


def _filled(
    relay: Relay, channel: ChannelView, image: ImagePrice | None, *, count: int, size: str, quality: str
) -> dict[str, object | None]:
    """Return what the body still lacks. A form goes on as it came, but for what the model refuses."""
    if image is None:
        return {}
    body = relay.body
    filled: dict[str, object | None] = {name: None for name in image.refused if name in body}
    if relay.form is None:
        values: list[tuple[str, object]] = [("n", count)]
        if channel.provider.takes_image_shape:
            values += [("size", size), ("quality", quality)]
        filled |= {name: value for name, value in values if value and name not in body}
    return filled
