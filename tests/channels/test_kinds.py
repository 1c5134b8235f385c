"""Models are tested through an endpoint that they have."""

import pytest

from adapters.providers.catalogue import load_catalogue
from gateway.channels.kinds import kind_of
from gateway.channels.samples import sample
from gateway.relay.endpoints import Kind
from tests.relay.views import channel

CATALOGUE = load_catalogue()


def kind(type_id: int, model: str) -> Kind | None:
    view = channel(1, type=type_id, provider=CATALOGUE.provider(type_id), models=(model,))
    return kind_of(view, model, CATALOGUE.prices.resolve(type_id, model))


@pytest.mark.parametrize(
    ("type_id", "model", "expected"),
    [
        (1, "gpt-4o", Kind.CHAT),
        (1, "gpt-5-pro", Kind.CHAT),
        (1, "text-embedding-3-small", Kind.EMBEDDINGS),
        (1, "omni-moderation-latest", Kind.MODERATIONS),
        (1, "whisper-1", Kind.TRANSCRIPTIONS),
        (1, "gpt-4o-mini-tts", Kind.SPEECH),
        (1, "gpt-image-1", Kind.IMAGES),
        (1, "gpt-3.5-turbo-instruct", Kind.COMPLETIONS),
        (1, "gpt-realtime", None),
        (1, "sora-2", None),
        (15, "bge-large-zh", Kind.EMBEDDINGS),
        (15, "ERNIE-4.0-8K", Kind.CHAT),
        (16, "cogview-4", Kind.IMAGES),
        (17, "text-embedding-v3", Kind.EMBEDDINGS),
        (23, "hunyuan-embedding", Kind.EMBEDDINGS),
        (24, "gemini-2.5-flash-image", Kind.CHAT),
        (24, "gemini-embedding-001", Kind.EMBEDDINGS),
        (30, "nomic-embed-text:latest", Kind.EMBEDDINGS),
        (35, "rerank-v3.5", Kind.RERANK),
        (38, "deepl-zh", Kind.CHAT),
        (45, "grok-2-image", Kind.IMAGES),
        (46, "black-forest-labs/flux-schnell", Kind.IMAGES),
        (50, "unheard-of", Kind.CHAT),
        (50, "my-own-bge-m3", Kind.CHAT),
        (57, "Qwen/Qwen3-Reranker-4B", Kind.RERANK),
        (57, "inworld-ai/realtime-tts-2", Kind.SPEECH),
    ],
)
def test_a_model_is_asked_what_it_answers(type_id: int, model: str, expected: Kind | None) -> None:
    assert kind(type_id, model) is expected


def test_every_type_that_is_asked_in_a_format_can_be_tested() -> None:
    for provider in CATALOGUE.providers:
        if provider.models and provider.serves("chat_completions"):
            assert Kind.CHAT in {kind(provider.id, model) for model in provider.models}, provider.key


def test_an_image_is_the_cheapest_that_the_model_makes() -> None:
    image = CATALOGUE.prices.resolve(1, "gpt-image-1").image
    body = sample(Kind.IMAGES, "gpt-image-1", prompt="x", most_tokens=1, image=image).body
    assert body == b'{"model":"gpt-image-1","prompt":"x","n":1,"size":"1024x1024","quality":"low"}'


def test_a_recording_is_sent_as_a_form() -> None:
    body, content_type = sample(Kind.TRANSCRIPTIONS, "whisper-1", prompt="", most_tokens=1, image=None)
    assert content_type.startswith(b"multipart/form-data; boundary=")
    assert b'name="model"\r\n\r\nwhisper-1\r\n' in body
    assert b"RIFF" in body
