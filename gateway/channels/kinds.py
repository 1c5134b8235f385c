"""What a model is for, as far as a test has to know: which endpoint it can be asked through.

Providers do not say. A price tells some of it (images, sound and video have prices of their own), names tell the
rest: each pattern is one that providers hold to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.pricing.price import Unit
from gateway.relay import endpoints
from gateway.relay.endpoints import Kind
from gateway.relay.route import find_route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.pricing.price import Price
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.endpoints import Endpoint

ENDPOINTS: Mapping[Kind, Endpoint] = {
    Kind.CHAT: endpoints.CHAT,
    Kind.EMBEDDINGS: endpoints.EMBEDDINGS,
    Kind.MODERATIONS: endpoints.MODERATIONS,
    Kind.RERANK: endpoints.RERANK,
    Kind.COMPLETIONS: endpoints.COMPLETIONS,
    Kind.TRANSCRIPTIONS: endpoints.TRANSCRIPTIONS,
    Kind.SPEECH: endpoints.SPEECH,
    Kind.IMAGES: endpoints.IMAGES,
}
"""What tests can ask for, the cheapest first."""

_NAMES = (
    (re.compile(r"rerank", re.IGNORECASE), Kind.RERANK),
    (re.compile(r"embed|(^|/)(bge|gte|e5|multilingual-e5|tao-8k)\b|text2vec|minilm", re.IGNORECASE), Kind.EMBEDDINGS),
    (re.compile(r"moderation", re.IGNORECASE), Kind.MODERATIONS),
    (re.compile(r"whisper|transcribe|(^|[-/])asr\b|sensevoice|teleaudio", re.IGNORECASE), Kind.TRANSCRIPTIONS),
    (re.compile(r"(^|[-/])tts\b|cosyvoice|fish-speech|orpheus|kokoro|(^|/)speech-\d", re.IGNORECASE), Kind.SPEECH),
    (
        re.compile(
            r"dall-e|gpt-image|chatgpt-image|flux(?!.*(chat|coder))|cogview|wanx|stable-diffusion|(^|/)sdxl|seedream"
            r"|kolors|imagen|grok-\d-image|qwen-image|step-1x|recraft|ideogram|glm-image",
            re.IGNORECASE,
        ),
        Kind.IMAGES,
    ),
    (
        re.compile(r"^(babbage-002|davinci-002|gpt-3\.5-turbo-instruct|text-(ada|babbage|curie|davinci)-\d+)"),
        Kind.COMPLETIONS,
    ),
)
_NO_ENDPOINT = re.compile(r"realtime(?!-tts)|^sora|^veo|cogvideo|(^|/)(kling|vidu|hailuo)|-video-", re.IGNORECASE)
_BY_UNIT = {
    Unit.IMAGE: Kind.IMAGES,
    Unit.AUDIO_SECOND: Kind.TRANSCRIPTIONS,
    Unit.VIDEO_SECOND: None,
    Unit.VIDEO_TOKEN: None,
}


def kind_of(channel: ChannelView, model: str, price: Price) -> Kind | None:
    """Return the endpoint through which `channel` can be asked for `model` (as the provider names it).

    `price` is the model's. `None` when there is none of those that a test can use.
    """
    wanted = _wanted(model, price)
    if wanted is None:
        return None
    # A model that makes images in a chat is asked in one, where its provider has nothing else.
    for kind in (wanted, Kind.CHAT) if wanted in (Kind.IMAGES, Kind.COMPLETIONS) else (wanted,):
        if find_route(channel, ENDPOINTS[kind], model) is not None:
            return kind
    if wanted is not Kind.CHAT:
        return None
    return next((kind for kind in ENDPOINTS if find_route(channel, ENDPOINTS[kind], model) is not None), None)


def _wanted(model: str, price: Price) -> Kind | None:
    if _NO_ENDPOINT.search(model):
        return None
    for pattern, kind in _NAMES:
        if pattern.search(model):
            return kind
    if price.unit in _BY_UNIT:
        return _BY_UNIT[price.unit]
    return Kind.EMBEDDINGS if price.embedding else Kind.CHAT
