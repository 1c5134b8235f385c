"""What a relay of images and sound sends, answers, reserves and charges."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import trio

from adapters.pricing.price import ModelConfig
from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import Got, Plane, Reply, plane, refusal
from tests.relay.views import channel
from tests.support import sounds
from tests.support.forms import CONTENT_TYPE, form

if TYPE_CHECKING:
    from gateway.registry.snapshot import ChannelView

CATALOGUE = load_catalogue()
JSON = ((b"content-type", b"application/json"),)
IMAGE = {"created": 1, "data": [{"b64_json": "aGk="}]}
GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
TRANSCRIPTIONS, SPEECH, RERANK = "/v1/audio/transcriptions", "/v1/audio/speech", "/v1/rerank"


def openai(number: int, *models: str, type_id: int = 1, **changes: object) -> ChannelView:
    provider = CATALOGUE.provider(type_id)
    url = "http://127.0.0.1:1"
    return channel(number, type=type_id, provider=provider, base_url=url, models=models, **changes)


def told(body: object) -> Reply:
    return Reply(headers=JSON, pieces=[json.dumps(body).encode()])


async def ask_form(p: Plane, path: str, *parts: tuple[str, str | bytes] | tuple[str, str | bytes, str]) -> Got:
    return await p.ask(form(*parts), path=path, headers={"content-type": CONTENT_TYPE})


def charged(p: Plane) -> list[tuple[int, str]]:
    return [(s.units, s.log.content if s.log else "") for s in p.books.settled]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"model": "dall-e-2"}, {"model": "dall-e-2", "n": 1, "size": "1024x1024", "quality": "standard"}),
        ({}, {"model": "dall-e-2", "n": 1, "size": "1024x1024", "quality": "standard"}),
        ({"model": "dall-e-2", "n": 2, "style": "x", "response_format": "url"},
         {"model": "dall-e-2", "n": 2, "style": "x", "response_format": "url", "size": "1024x1024", "quality": "standard"}),
        ({"model": "gpt-image-1", "response_format": "b64_json", "background": "auto"},
         {"model": "gpt-image-1", "n": 1, "size": "1024x1536", "quality": "high", "background": "auto"}),
    ],
)  # fmt: skip
async def test_what_the_price_depends_on_is_filled_in(body: dict[str, object], expected: dict[str, object]) -> None:
    async with plane(channels=[openai(1, "dall-e-2", "gpt-image-1")]) as p:
        p.transport.script.append(told(IMAGE))
        got = await p.ask({"prompt": "a cat", **body}, path=GENERATIONS)
    assert (got.status, got.json) == (200, IMAGE)
    assert json.loads(p.transport.bodies[-1]) == {"prompt": "a cat", **expected}


async def test_providers_that_refuse_a_shape_are_not_told_one() -> None:
    async with plane(channels=[xai()]) as p:
        p.transport.script.append(told(IMAGE))
        await p.ask({"model": "grok-2-image", "prompt": "a cat"}, path=GENERATIONS)
    assert json.loads(p.transport.bodies[-1]) == {"model": "grok-2-image", "prompt": "a cat", "n": 1}


def xai() -> ChannelView:
    provider = CATALOGUE.by_key("xai")
    assert provider
    return openai(1, "grok-2-image", type_id=provider.id)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "dall-e-3"}, "prompt_missing"),
        ({"model": "dall-e-3", "prompt": ""}, "prompt_missing"),
        ({"model": "dall-e-3", "prompt": "x", "size": "100x100"}, "size_not_supported"),
        ({"model": "gpt-image-1", "prompt": "x", "size": "512x512"}, "size_not_supported"),
        ({"model": "dall-e-2", "prompt": "é" * 501}, "prompt_too_long"),
        ({"model": "dall-e-3", "prompt": "x" * 4001}, "prompt_too_long"),
        ({"model": "dall-e-3", "prompt": "x", "n": 2}, "n_not_within_range"),
        ({"model": "dall-e-2", "prompt": "x", "n": 11}, "n_not_within_range"),
        ({"model": "dall-e-2", "prompt": "x", "n": 0}, "n_not_within_range"),
        ({"model": "dall-e-2", "prompt": "x", "n": 1.5}, "invalid_image_request"),
        ({"model": "dall-e-2", "prompt": "x", "size": 5}, "invalid_image_request"),
        ({"model": "dall-e-3", "prompt": "x", "quality": "ultra"}, "invalid_value"),
    ],
)
async def test_what_the_model_does_not_make_is_refused_before_anything_is_held(
    body: dict[str, object], code: str
) -> None:
    async with plane(channels=[openai(1, "dall-e-2", "dall-e-3", "gpt-image-1")]) as p:
        got = await p.ask(body, path=GENERATIONS)
        assert (got.status, got.error["code"], got.error["type"]) == (400, code, "one_api_error")
        assert not p.books.units
        assert not p.transport.requests


async def test_images_are_held_and_charged_by_size_quality_and_number() -> None:
    async with plane(channels=[openai(1, "dall-e-2")], user_quota=27000) as p:
        p.transport.script.append(told(IMAGE))
        await p.ask({"model": "dall-e-2", "prompt": "x", "n": 3, "size": "512x512"}, path=GENERATIONS)
        assert charged(p) == [(27000, "image usd 0.016, tier 1.12, group rate 1.00, num 3")]
        assert p.books.user == 0
        got = await p.ask({"model": "dall-e-2", "prompt": "x"}, path=GENERATIONS)
    assert (got.status, got.error["code"]) == (403, "insufficient_user_quota")


@pytest.mark.parametrize(
    ("key", "units"),
    [
        ("$image-tier:dall-e-3|size=1024x1024|quality=hd", 140_000),
        ("$image-tier:dall-e-3|size=1024x1024", 140_000),
        ("$image-tier:dall-e-3|quality=hd", 140_000),
        ("$image-tier:dall-e-3|quality=standard", 40_000),
        ("$image-tier:dall-e-2|quality=hd", 40_000),
    ],
)
async def test_a_channel_may_have_tiers_of_its_own(key: str, units: int) -> None:
    configs = {key: ModelConfig(ratio=Decimal(7))}
    async with plane(channels=[openai(1, "dall-e-3", model_configs=configs)]) as p:
        p.transport.script.append(told(IMAGE))
        await p.ask({"model": "dall-e-3", "prompt": "x", "quality": "hd", "size": "1024x1024"}, path=GENERATIONS)
    assert [s.units for s in p.books.settled] == [units]


async def test_reported_tokens_are_charged_in_place_of_the_image() -> None:
    usage = {
        "input_tokens": 50,
        "output_tokens": 1056,
        "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
    }
    async with plane(channels=[openai(1, "gpt-image-1")]) as p:
        p.transport.script.append(told({**IMAGE, "usage": usage}))
        ask = {"model": "gpt-image-1", "prompt": "A lake", "size": "1024x1024", "quality": "medium"}
        await p.ask(ask, path=GENERATIONS)
    (settled,) = p.books.settled
    assert settled.log
    assert (settled.units, settled.log.prompt_tokens, settled.log.completion_tokens) == (21245, 50, 1056)


@pytest.mark.parametrize(
    "reply",
    [told({"created": 1, "data": []}), told({"error": {"message": "no"}}), Reply(headers=JSON, pieces=[b"<"])],
)
async def test_a_broken_answer_is_tried_elsewhere_and_costs_nothing(reply: Reply) -> None:
    channels = [openai(1, "dall-e-3", priority=1), openai(2, "dall-e-3")]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [reply, told(IMAGE)]
        got = await p.ask({"model": "dall-e-3", "prompt": "x"}, path=GENERATIONS)
        assert got.json == IMAGE
        p.transport.script += [refusal(500), refusal(400, "unsafe")]
        got = await p.ask({"model": "dall-e-3", "prompt": "x"}, path=GENERATIONS)
    assert got.status in (400, 500, 503)
    assert [s.units for s in p.books.settled][:1] == [20000]
    assert sum(s.units for s in p.books.settled) == 20000


async def test_images_that_take_shape_arrive_as_events() -> None:
    events = [
        b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"aGk="}\n\n',
        b'data: {"type":"image_generation.completed","usage":{"input_tokens":50,"output_tokens":1056}}\n\n',
    ]
    async with plane(channels=[openai(1, "gpt-image-1")]) as p:
        p.transport.script.append(Reply(pieces=list(events)))
        got = await p.ask({"model": "gpt-image-1", "prompt": "x", "stream": True}, path=GENERATIONS)
        assert (got.body, got.complete, got.headers["content-type"]) == (b"".join(events), True, "text/event-stream")
        p.transport.script.append(Reply(pieces=events[:1]))
        got = await p.ask({"model": "gpt-image-1", "prompt": "x", "stream": True}, path=GENERATIONS)
    assert b"upstream_stream_broken" in got.body
    assert p.books.settled[0].units == 21245
    assert p.books.settled[0].log
    assert p.books.settled[0].log.is_stream


async def test_an_edit_goes_on_as_it_came_but_for_the_models_name() -> None:
    mapped = openai(1, "pic", model_mapping={"pic": "gpt-image-1"})
    parts = (("prompt", "Add a hat"), ("image[]", b"\x89PNG\r\n--", "a.png"), ("image[]", b"b", "b.png"), ("size", "1024x1024"),
             ("quality", "low"))  # fmt: skip
    async with plane(channels=[mapped]) as p:
        p.transport.script.append(told(IMAGE))
        await ask_form(p, EDITS, ("model", "pic"), *parts, ("response_format", "url"))
        assert p.transport.bodies[-1] == form(("model", "gpt-image-1"), *parts)
        assert dict(p.transport.requests[0].headers)[b"content-type"] == CONTENT_TYPE.encode()
    assert charged(p) == [(5500, "image usd 0.011, tier 1.00, group rate 1.00, num 1")]
    assert p.books.settled[0].trace
    assert p.books.settled[0].trace.body_size > 400


async def test_a_sound_is_paid_for_by_its_length_and_read_by_any_of_its_formats() -> None:
    mapped = openai(1, "ears", "whisper-1", model_mapping={"ears": "whisper-1"})
    file = ("file", sounds.wav(12.0), "a.wav")
    async with plane(channels=[mapped], user_quota=360 * 3) as p:
        p.transport.script += [
            told({"text": "Hello"}),
            Reply(headers=((b"content-type", b"text/plain"),), pieces=[b"Bonjour.\n"]),
        ]
        got = await ask_form(p, TRANSCRIPTIONS, file, ("model", "whisper-1"))
        assert got.json == {"text": "Hello"}
        assert p.transport.bodies[-1] == form(file, ("model", "whisper-1"))
        got = await ask_form(p, TRANSCRIPTIONS, file, ("model", "ears"))
        assert (got.body, got.headers["content-type"]) == (b"Bonjour.\n", "text/plain")
        assert p.transport.bodies[-1] == form(file, ("model", "whisper-1"))
        p.transport.script.append(told({"text": "Hello"}))
        await ask_form(p, "/v1/audio/translations", file)
        assert p.transport.bodies[-1] == form(("model", "whisper-1"), file)
        assert p.books.user == 0
        got = await ask_form(p, TRANSCRIPTIONS, file, ("model", "whisper-1"))
    assert got.status == 403
    assert charged(p) == [(360, "model rate 3.00, group rate 1.00")] * 3
    assert p.books.settled[0].log
    assert (p.books.settled[0].log.model_name, p.books.settled[0].log.prompt_tokens) == ("whisper-1", 360)


async def test_streamed_transcripts_pass_as_events() -> None:
    events = [
        b'data: {"type":"transcript.text.delta","delta":"Hi"}\n\n',
        b'data: {"type":"transcript.text.done","text":"Hi"}\n\n',
    ]
    async with plane(channels=[openai(1, "gpt-4o-transcribe")]) as p:
        p.transport.script.append(Reply(pieces=list(events)))
        got = await ask_form(
            p, TRANSCRIPTIONS, ("model", "gpt-4o-transcribe"), ("stream", "true"), ("file", sounds.wav(1), "a.wav")
        )
    assert (got.body, got.complete) == (b"".join(events), True)
    assert [s.units for s in p.books.settled] == [13]


@pytest.mark.parametrize(
    "parts",
    [
        (("model", "whisper-1"), ("file", b"this is no sound", "a.wav")),
        (("model", "whisper-1"), ("file", b"", "a.wav")),
        (("model", "whisper-1"),),
        (("model", "whisper-1"), ("file", "a text")),
    ],
)
async def test_an_upload_without_sound_is_the_clients_mistake(parts: tuple[tuple[str, str | bytes], ...]) -> None:
    async with plane(channels=[openai(1, "whisper-1")]) as p:
        got = await ask_form(p, TRANSCRIPTIONS, *parts)
        assert (got.status, got.error["code"]) == (400, "invalid_audio")
        got = await p.ask({"model": "whisper-1"}, path=TRANSCRIPTIONS)
        assert (got.status, got.error["code"]) == (400, "invalid_audio")
        assert not p.books.units


async def test_a_key_for_one_model_does_not_open_another_through_a_form() -> None:
    async with plane(channels=[openai(1, "whisper-1", "dear")], token={"models": "whisper-1"}) as p:
        got = await ask_form(p, TRANSCRIPTIONS, ("model", "dear"), ("file", sounds.wav(1), "a.wav"))
        assert got.status == 403
        got = await ask_form(
            p, TRANSCRIPTIONS, ("model", "whisper-1"), ("model", "dear"), ("file", sounds.wav(1), "a")
        )
        assert (got.status, got.error["code"]) == (400, "invalid_multipart")


async def test_speech_passes_as_its_bytes_come_and_costs_its_characters() -> None:
    mapped = openai(1, "voice", model_mapping={"voice": "tts-1"})
    sound = ((b"content-type", b"audio/mpeg"), (b"content-length", b"999"))
    text = "The quick brown fox jumped over the lazy dög."
    async with plane(channels=[mapped]) as p:
        p.transport.script.append(Reply(headers=sound, pieces=[b"\xff\xfb", 0.05, b"more"]))
        got = await p.ask({"model": "voice", "input": text, "voice": "alloy"}, path=SPEECH)
    assert (got.status, got.body, got.complete, got.headers["content-type"]) == (
        200,
        b"\xff\xfbmore",
        True,
        "audio/mpeg",
    )
    assert "content-length" not in got.headers
    assert [data for _, data in got.at] == [b"\xff\xfb", b"more", b""]
    assert json.loads(p.transport.bodies[-1]) == {"model": "tts-1", "input": text, "voice": "alloy"}
    assert charged(p) == [(337, "model rate 7.50, group rate 1.00")]


async def test_speech_that_breaks_off_is_left_without_its_end() -> None:
    sound = ((b"content-type", b"audio/mpeg"),)
    async with plane(channels=[openai(1, "tts-1")]) as p:
        p.transport.script.append(Reply(headers=sound, pieces=[b"\xff\xfb"], ends="cut"))
        got = await p.ask({"model": "tts-1", "input": "hello hello"}, path=SPEECH, leave=trio.Event())
    assert (got.body, got.complete) == (b"\xff\xfb", False)
    assert [s.units for s in p.books.settled] == [82]


async def test_speech_that_fails_before_its_first_byte_is_tried_elsewhere() -> None:
    sound = ((b"content-type", b"audio/mpeg"),)
    channels = [openai(1, "tts-1", priority=1), openai(2, "tts-1")]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [Reply(headers=sound, ends="cut"), Reply(headers=sound, pieces=[b"ok"])]
        got = await p.ask({"model": "tts-1", "input": "hello"}, path=SPEECH)
    assert (got.status, got.body) == (200, b"ok")
    assert [s.channel_id for s in p.books.settled] == [2]


async def test_too_long_a_text_is_not_spoken() -> None:
    async with plane(channels=[openai(1, "tts-1")]) as p:
        p.transport.script.append(Reply(headers=((b"content-type", b"audio/mpeg"),), pieces=[b"ok"]))
        assert (await p.ask({"model": "tts-1", "input": "é" * 4096}, path=SPEECH)).status == 200
        got = await p.ask({"model": "tts-1", "input": "a" * 4097}, path=SPEECH)
    assert (got.status, got.error["code"]) == (400, "text_too_long")


async def test_ranks_cost_tokens_or_calls() -> None:
    ranks = {"results": [{"index": 0, "relevance_score": 0.9}]}
    async with plane(channels=[openai(1, "m", "rerank-v3.5", type_id=50)]) as p:
        p.transport.script += [
            told({**ranks, "usage": {"total_tokens": 100}}),
            told({**ranks, "meta": {"billed_units": {"search_units": 3}}}),
            told(ranks),
        ]
        ask = {"query": "what", "documents": ["one two", {"text": "three"}]}
        assert (await p.ask({"model": "m", **ask}, path=RERANK)).json["results"]
        await p.ask({"model": "rerank-v3.5", **ask}, path=RERANK)
        await p.ask({"model": "m", **ask}, path=RERANK)
        got = await p.ask({"model": "m", "query": "what"}, path=RERANK)
    assert got.status == 400
    # 1.25 units a token; 1,000 units a search; the words of question and documents
    assert [s.units for s in p.books.settled] == [125, 3000, 5]
