"""How streams of the several client formats end, well and badly, with regard to what went out before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.relay.harness import DONE, STOP, Reply, delta, plane, usage
from tests.relay.views import channel

if TYPE_CHECKING:
    from trio.testing import MockClock

    from tests.relay.harness import Got

RESPONSES = {"model": "m", "input": "hi", "stream": True}
GENERATE = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
ARRAY = "/v1beta/models/m:streamGenerateContent"
OPENAI, GEMINI, COMPATIBLE = 1, 24, 50


def event(kind: str, number: int, **more: object) -> bytes:
    body = {"type": kind, "sequence_number": number, **more}
    return f"event: {kind}\ndata: {json.dumps(body)}\n\n".encode()


CREATED = event("response.created", 0, response={"id": "resp_1", "status": "in_progress"})
WORD = event("response.output_text.delta", 1, delta="Why")
COMPLETED = event(
    "response.completed",
    2,
    response={"id": "resp_1", "status": "completed", "usage": {"input_tokens": 4, "output_tokens": 2}},
)


def chunk(text: str, **more: object) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\n\n"


def events_of(got: Got) -> list[dict[str, object]]:
    lines = [line for line in got.body.decode().splitlines() if line.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_a_passed_responses_stream_is_closed_with_done_as_all_of_openais(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=OPENAI)]) as p:
        p.transport.script.append(Reply(pieces=[CREATED, WORD, COMPLETED]))
        got = await p.ask(RESPONSES, path="/v1/responses")
    assert got.body == CREATED + WORD + COMPLETED + DONE
    assert got.complete


async def test_done_is_not_sent_twice(autojump_clock: MockClock) -> None:
    for pieces in ([CREATED, WORD, COMPLETED + DONE], [CREATED, WORD, COMPLETED, 0.01, DONE]):
        async with plane(channels=[channel(1, type=OPENAI)]) as p:
            p.transport.script.append(Reply(pieces=list(pieces)))
            got = await p.ask(RESPONSES, path="/v1/responses")
        assert got.body.count(DONE) == 1


async def test_a_passed_responses_stream_that_breaks_counts_on(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=OPENAI)]) as p:
        p.transport.script.append(Reply(pieces=[CREATED, WORD], ends="cut"))
        got = await p.ask(RESPONSES, path="/v1/responses")
    assert [e["sequence_number"] for e in events_of(got)] == [0, 1, 2]
    assert events_of(got)[-1]["type"] == "error"
    assert DONE not in got.body


async def test_a_converted_responses_stream_that_breaks_counts_on(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        p.transport.script.append(Reply(pieces=[delta("Why")], ends="cut"))
        got = await p.ask(RESPONSES, path="/v1/responses")
    events = events_of(got)
    assert [e["sequence_number"] for e in events] == list(range(len(events)))
    assert {"error", "response.failed"} & {str(e["type"]) for e in events}


async def test_gemini_without_alt_sse_gets_one_array_of_a_passed_stream(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI)]) as p:
        p.transport.script.append(Reply(pieces=[chunk("a"), b": comment\n\n", chunk("b", finishReason="STOP")]))
        got = await p.ask(GENERATE, path=ARRAY)
    assert got.headers["content-type"] == "application/json"
    texts = [c["candidates"][0]["content"]["parts"][0]["text"] for c in json.loads(got.body)]
    assert texts == ["a", "b"]
    assert p.transport.requests[0].url.endswith(":streamGenerateContent?alt=sse")


async def test_gemini_without_alt_sse_gets_one_array_of_a_converted_stream(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=COMPATIBLE)]) as p:
        p.transport.script.append(Reply(pieces=[delta("a"), delta("b"), STOP, usage(3, 2), DONE]))
        got = await p.ask(GENERATE, path=ARRAY)
    assert got.headers["content-type"] == "application/json"
    said = [
        part.get("text", "")
        for c in json.loads(got.body)
        for candidate in c.get("candidates", ())
        for part in candidate.get("content", {}).get("parts", ())
    ]
    assert "".join(said) == "ab"


async def test_an_array_that_breaks_holds_the_error_and_is_closed(autojump_clock: MockClock) -> None:
    for type_id, first in ((GEMINI, chunk("a")), (COMPATIBLE, delta("a"))):
        async with plane(channels=[channel(1, type=type_id)]) as p:
            p.transport.script.append(Reply(pieces=[first], ends="cut"))
            got = await p.ask(GENERATE, path=ARRAY)
        assert json.loads(got.body)[-1]["error"]["status"] == "UNAVAILABLE"


async def test_a_waiting_array_is_kept_awake_by_blanks(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI)], settings={"stream_heartbeat_sec": 5}) as p:
        p.transport.script.append(Reply(pieces=[12.0, chunk("a", finishReason="STOP")]))
        got = await p.ask(GENERATE, path=ARRAY)
        p.transport.script.append(Reply(pieces=[12.0], ends="cut"))
        failed = await p.ask(GENERATE, path=ARRAY)
    assert got.body.startswith(b"\n\n[")
    assert len(json.loads(got.body)) == 1
    assert list(json.loads(failed.body)[0]) == ["error"]


async def test_gemini_with_alt_sse_gets_events(autojump_clock: MockClock) -> None:
    async with plane(channels=[channel(1, type=GEMINI)]) as p:
        p.transport.script.append(Reply(pieces=[chunk("a", finishReason="STOP")]))
        got = await p.ask(GENERATE, path=ARRAY + "?alt=sse")
    assert got.headers["content-type"] == "text/event-stream"
    assert got.body == chunk("a", finishReason="STOP")
