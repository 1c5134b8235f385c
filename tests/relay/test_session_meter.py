"""What a realtime session used: what its responses report, and what it delivered beyond that."""

from __future__ import annotations

import base64
import json

from adapters.pricing.usage import Usage
from gateway.relay.realtime.meter import BYTES_PER_AUDIO_TOKEN, SessionMeter
from tests.relay.harness import Counter


def meter() -> SessionMeter:
    return SessionMeter(Counter(), "gpt-realtime")  # type: ignore[arg-type]


def done(**usage: object) -> str:
    return json.dumps({"type": "response.done", "response": {"usage": usage}})


async def test_reports_are_split_into_buckets_and_add_up() -> None:
    m = meter()
    assert m.hear(
        done(
            input_tokens=200, output_tokens=90,
            input_token_details={"audio_tokens": 120, "cached_tokens": 60, "cached_tokens_details": {"audio_tokens": 40}},
            output_token_details={"text_tokens": 30, "audio_tokens": 60},
        )
    )  # fmt: skip
    assert await m.usage(0) == Usage(input=60, cached_read=60, audio_input=80, output=30, audio_output=60)
    assert m.hear(done(input_tokens=5, output_tokens=2))
    total = await m.usage(0)
    assert (total.prompt_total, total.completion_total) == (205, 92)


async def test_an_unfinished_response_counts_by_what_was_delivered() -> None:
    m = meter()
    m.hear('{"type":"response.output_text.delta","delta":"one two "}')
    m.hear('{"type":"response.output_text.delta","delta":"three"}')
    sound = base64.b64encode(bytes(3 * BYTES_PER_AUDIO_TOKEN)).decode()
    m.hear(json.dumps({"type": "response.output_audio.delta", "delta": sound}))
    assert await m.usage(0) == Usage(output=3, audio_output=3)


async def test_a_report_covers_what_was_delivered_before_it() -> None:
    m = meter()
    m.hear('{"type":"response.text.delta","delta":"one two"}')
    await m.fold()
    m.hear(done(input_tokens=1, output_tokens=2))
    m.hear('{"type":"response.text.delta","delta":"three"}')
    assert await m.usage(0) == Usage(input=1, output=3)


async def test_what_is_no_event_of_the_format_is_passed_and_not_counted() -> None:
    m = meter()
    for message in (
        b"\0",
        "not json",
        "[]",
        '{"type":5}',
        '{"type":"response.done"}',
        '{"type":"session.created","delta":"x"}',
    ):
        assert not m.hear(message)
    assert await m.usage(0) == Usage()
