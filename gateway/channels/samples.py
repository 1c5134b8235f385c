"""The smallest request of each kind, for a test: whoever answers one of them works."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, NamedTuple

import httpx2
import msgspec

from gateway.relay.endpoints import Kind

if TYPE_CHECKING:
    from adapters.pricing.price import ImagePrice

SHOWN = {
    Kind.EMBEDDINGS: "an embedding",
    Kind.MODERATIONS: "a moderation",
    Kind.RERANK: "a ranking",
    Kind.TRANSCRIPTIONS: "a transcription",
    Kind.SPEECH: "speech",
    Kind.IMAGES: "an image",
}
"""What is said to have come, where the answer itself is not worth showing."""

_SAMPLES_PER_SECOND = 16_000
_SILENCE_S = 1
# Any would do; the first is OpenAI's, whose names others took over.
_VOICE = "alloy"
# Qualities of the price tables that leave the choice to the model, which may take the dearest.
_NO_CHOICE = ("default", "auto")


class Sample(NamedTuple):
    """A body and what it is."""

    body: bytes
    content_type: bytes = b"application/json"


def sample(kind: Kind, model: str, *, prompt: str, most_tokens: int, image: ImagePrice | None) -> Sample:
    """Return a request to `model` (as the provider names it) in OpenAI's format, for any kind but chats.

    An image is of the cheapest size and quality that `image` knows.
    """
    if kind is Kind.TRANSCRIPTIONS:
        return _recording(model)
    body: dict[str, object] = {"model": model}
    match kind:
        case Kind.COMPLETIONS:
            body |= {"prompt": prompt, "max_tokens": most_tokens}
        case Kind.RERANK:
            body |= {"query": prompt, "documents": [prompt, "something else"], "top_n": 1}
        case Kind.SPEECH:
            body |= {"input": prompt, "voice": _VOICE}
        case Kind.IMAGES:
            body |= {"prompt": prompt, "n": 1} | (_cheapest_shape(image) if image else {})
        case _:
            body |= {"input": prompt}
    return Sample(msgspec.json.encode(body))


def _cheapest_shape(image: ImagePrice) -> dict[str, object]:
    named = {quality: sizes for quality, sizes in image.tiers.items() if quality not in _NO_CHOICE}
    shapes = [
        (factor, size, quality) for quality, sizes in (named or image.tiers).items() for size, factor in sizes.items()
    ]
    if shapes:
        _, size, quality = min(shapes)
        return {"size": size} if quality in _NO_CHOICE else {"size": size, "quality": quality}
    if image.sizes:
        return {"size": min(image.sizes, key=lambda size: (image.sizes[size], size))}
    return {}


def _recording(model: str) -> Sample:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLES_PER_SECOND)
        file.writeframes(bytes(2 * _SAMPLES_PER_SECOND * _SILENCE_S))
    form = httpx2.Request(
        "POST",
        "http://form.invalid/",
        data={"model": model},
        files={"file": ("test.wav", sound.getvalue(), "audio/wav")},
    )
    return Sample(form.read(), form.headers["content-type"].encode("ascii"))
