"""Streams of Responses and Gemini say what whole answers say, however the bytes are cut, and end properly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import assemble, unroll
from adapters.formats.errors import ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.formats.neutral.events import (
    ArgumentsDelta,
    End,
    Failure,
    Finish,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
)
from adapters.formats.neutral.parts import Image, Reasoning, Refusal, Text, ToolCall
from adapters.formats.neutral.requests import Request, Tool
from adapters.formats.signatures import unseal
from adapters.sse import EventScanner
from tests.adapters.formats import more_recordings as recordings
from tests.adapters.formats import recordings as first_recordings
from tests.adapters.formats.test_streams_chat_anthropic import cut, events_of, read, whole, write

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.events import StreamEvent
    from adapters.formats.neutral.parts import Part

RESPONSES_BYTES = recordings.responses_stream()
GEMINI_BYTES = recordings.gemini_stream()
STREAMS = {
    openai_chat: first_recordings.chat_stream(),
    anthropic: first_recordings.claude_stream(),
    openai_responses: RESPONSES_BYTES,
    gemini: GEMINI_BYTES,
}
OURS = [openai_responses, gemini]
names = [codec.__name__.rpartition(".")[2] for codec in STREAMS]


@given(st.lists(st.integers(0, len(RESPONSES_BYTES)), max_size=40))
def test_a_responses_stream_is_its_answer_however_it_is_cut(at: list[int]) -> None:
    answer = whole(openai_responses, recordings.RESPONSES_ANSWER)
    assert assemble(read(openai_responses, cut(RESPONSES_BYTES, at))) == answer


@given(st.lists(st.integers(0, len(GEMINI_BYTES)), max_size=40))
def test_a_gemini_stream_is_its_answer_however_it_is_cut(at: list[int]) -> None:
    assert assemble(read(gemini, cut(GEMINI_BYTES, at))) == whole(gemini, recordings.GEMINI_ANSWER)


@pytest.mark.parametrize("target", STREAMS, ids=names)
@pytest.mark.parametrize("source", STREAMS, ids=names)
def test_a_converted_stream_says_what_the_converted_answer_says(source: ModuleType, target: ModuleType) -> None:
    if source not in OURS and target not in OURS:
        return
    events = read(source, [STREAMS[source]])
    streamed = assemble(read(target, [write(target, events)]))
    at_once = target.decode_response(target.encode_response(assemble(events), ResponseOptions(now_s=1)).body)
    ours, theirs = without_ids(streamed), without_ids(at_once)
    if target is openai_chat:
        # A chat message has its calls behind its text, wherever they came.
        for choice in (*ours, *theirs):
            choice.parts.sort(key=lambda part: isinstance(part, ToolCall))
    assert ours == theirs
    assert streamed.usage == at_once.usage
    assert (streamed.id, streamed.model) == (at_once.id, at_once.model)


def without_ids(response: Response) -> list[Choice]:
    """Items get ids of their own in Responses; and a foreign signature counts with its mark or without."""
    for choice in response.choices:
        for part in choice.parts:
            if isinstance(part, Reasoning):
                part.id = ""
                if part.signature.startswith("one-api."):
                    part.signature, part.signature_format, _ = unseal(part.signature, "anthropic")
            elif isinstance(part, ToolCall):
                part.item_id = ""
    return response.choices


@pytest.mark.parametrize("codec", OURS)
def test_parts_come_one_after_the_other(codec: ModuleType) -> None:
    open_part = None
    following = 0
    for event in read(codec, [STREAMS[codec]]):
        if isinstance(event, PartStart):
            assert open_part is None
            assert event.index == following
            open_part, following = event.index, following + 1
        elif isinstance(event, PartEnd):
            assert event.index == open_part
            open_part = None
        elif isinstance(event, Finish):
            assert open_part is None
        elif (index := getattr(event, "index", None)) is not None:
            assert index == open_part


@pytest.mark.parametrize("codec", OURS)
def test_a_stream_that_breaks_off_never_ends_well(codec: ModuleType) -> None:
    raw = STREAMS[codec]
    finish = b"response.completed" if codec is openai_responses else b'"finishReason"'
    for end in range(0, raw.index(finish), 97):
        events = read(codec, [raw[:end]])
        assert isinstance(events[-1], Failure)
        with pytest.raises(ProviderFailure):
            assemble(events)


@pytest.mark.parametrize("codec", OURS)
def test_an_event_that_cannot_be_read_is_a_failure_not_an_exception(codec: ModuleType) -> None:
    (event,) = read(codec, [b"data: <html>\n\n"])
    assert isinstance(event, Failure)


def test_a_responses_stream_without_deltas_is_whole_all_the_same() -> None:
    kept = ("response.created", "response.output_item.done", "response.completed")
    for left in (kept, ("response.created", "response.completed")):
        events = [event for event in recordings.RESPONSES_EVENTS if event["type"] in left]
        raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
        answer = whole(openai_responses, recordings.RESPONSES_ANSWER)
        streamed = assemble(read(openai_responses, [raw]))
        by_id = sorted(map(str, streamed.choices[0].parts))
        assert by_id == sorted(map(str, answer.choices[0].parts))


def test_a_responses_stream_numbers_its_events_and_repeats_every_item_at_its_end() -> None:
    raw = write(openai_responses, read(anthropic, [STREAMS[anthropic]]))
    events = [event for event in EventScanner().feed(raw) if event.data]
    bodies = [json.loads(event.data) for event in events]
    assert [body["sequence_number"] for body in bodies] == list(range(len(bodies)))
    assert all(event.event == body["type"].encode() for event, body in zip(events, bodies, strict=True))
    assert [body["type"] for body in bodies[:2]] == ["response.created", "response.in_progress"]
    done = [body["item"] for body in bodies if body["type"] == "response.output_item.done"]
    added = [body["item"] for body in bodies if body["type"] == "response.output_item.added"]
    assert [item["id"] for item in added] == [item["id"] for item in done]
    assert len({item["id"] for item in done}) == len(done)
    assert bodies[-1]["type"] == "response.completed"
    assert bodies[-1]["response"]["output"] == done
    assert [item["type"] for item in done] == ["reasoning", "reasoning", "message", "function_call", "function_call"]


@pytest.mark.parametrize(
    ("reason", "ending", "details"),
    [
        (StopReason.STOP, "response.completed", None),
        (StopReason.TOOL_CALLS, "response.completed", None),
        (StopReason.LENGTH, "response.incomplete", {"reason": "max_output_tokens"}),
        (StopReason.CONTENT_FILTER, "response.incomplete", {"reason": "content_filter"}),
        (StopReason.ERROR, "response.failed", None),
    ],
)
def test_a_responses_stream_ends_by_the_stop_reason(reason: StopReason, ending: str, details: object) -> None:
    last = events_of(write(openai_responses, [Start(format="gemini"), Finish(reason), End()]))[-1]
    assert last["type"] == ending
    assert last["response"]["incomplete_details"] == details  # type: ignore[index]


@pytest.mark.parametrize("json_array", [False, True])
def test_geminis_reasons_and_usage_stand_in_the_last_chunk(json_array: bool) -> None:
    encoder = gemini.StreamEncoder(ResponseOptions(json_array=json_array))
    raw = b"".join(encoder.encode(event) for event in read(openai_responses, [RESPONSES_BYTES]))
    chunks = json.loads(raw) if json_array else events_of(raw)
    assert [bool(chunk["candidates"][0].get("finishReason")) for chunk in chunks][-2:] == [False, True]
    usage = chunks[-1]["usageMetadata"]
    assert (usage["promptTokenCount"], usage["cachedContentTokenCount"], usage["thoughtsTokenCount"]) == (100, 60, 12)
    assert usage["candidatesTokenCount"] == 18
    calls = [part["functionCall"] for chunk in chunks for part in parts_of(chunk) if "functionCall" in part]
    assert [call["args"] for call in calls] == [{"location": "Paris"}, {"location": "Oslo"}]


def parts_of(chunk: dict[str, object]) -> list[dict[str, dict[str, object]]]:
    return chunk["candidates"][0]["content"]["parts"]  # type: ignore[index, no-any-return]


@pytest.mark.parametrize("json_array", [False, True])
def test_a_failure_in_a_gemini_stream_is_its_last_chunk(json_array: bool) -> None:
    encoder = gemini.StreamEncoder(ResponseOptions(json_array=json_array, request_id="r1"))
    raw = encoder.encode(Start(format="anthropic")) + encoder.encode(PartStart(0, Text("Hi")))
    raw += encoder.encode(Failure(message="gone", status=503)) + encoder.encode(End())
    chunks = json.loads(raw) if json_array else events_of(raw)
    assert chunks[-1]["error"]["status"] == "UNAVAILABLE"
    assert chunks[-1]["error"]["message"] == "gone (request id: r1)"


def test_a_failure_in_a_responses_stream_is_told_twice_and_nothing_follows() -> None:
    encoder = openai_responses.StreamEncoder(ResponseOptions(request_id="r1"))
    raw = encoder.encode(Start(format="gemini")) + encoder.encode(PartStart(0, Text()))
    raw += encoder.encode(Failure(message="gone", status=529, code="overloaded"))
    assert encoder.encode(End()) == b""
    error, failed = events_of(raw)[-2:]
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    assert failed["response"]["error"] == {"code": "overloaded", "message": "gone"}  # type: ignore[index]
    assert isinstance(read(openai_responses, [raw])[-1], Failure)


def test_a_response_that_failed_in_its_stream_keeps_its_words() -> None:
    response = {"id": "r", "status": "failed", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}
    raw = b"data: " + json.dumps({"type": "response.failed", "response": response}).encode() + b"\n\n"
    (failure,) = read(openai_responses, [raw])
    assert failure == Failure(message="slow down", code="rate_limit_exceeded", status=429)


def custom_tool() -> Request:
    return Request(format="openai_responses", model="m", tools=[Tool(name="patch", custom=True)])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_function_call_of_a_custom_tool_reaches_the_client_as_its_input(streamed: bool) -> None:
    call = ToolCall(id="c", name="patch", arguments='{"input":"*** Begin"}')
    response = Response(format="gemini", choices=[Choice(parts=[call], stop_reason=StopReason.TOOL_CALLS)])
    options = ResponseOptions(request=custom_tool())
    if streamed:
        encoder = openai_responses.StreamEncoder(options)
        events = events_of(b"".join(encoder.encode(event) for event in unroll(response)))
        assert "response.custom_tool_call_input.delta" in [event["type"] for event in events]
        output = events[-1]["response"]["output"]  # type: ignore[index]
    else:
        output = json.loads(openai_responses.encode_response(response, options).body)["output"]
    assert [(item["type"], item["input"], item["call_id"]) for item in output] == [
        ("custom_tool_call", "*** Begin", "c")
    ]


@pytest.mark.parametrize("codec", OURS)
@pytest.mark.parametrize("redacted", [False, True])
def test_claudes_signatures_travel_through_the_client_and_back(codec: ModuleType, redacted: bool) -> None:
    thought = Reasoning(redacted="sealed") if redacted else Reasoning(text="Hm.", signature="EqQB")
    thought.signature_format = "anthropic"
    parts: list[Part] = [thought, Text("Hi")]
    body = json.loads(codec.encode_response(Response(format="anthropic", choices=[Choice(parts=parts)])).body)
    if codec is gemini:
        history = {"contents": [body["candidates"][0]["content"]]}
    else:
        history = {"model": "m", "input": body["output"]}
    raw = json.dumps(history).encode()
    request = codec.decode_request(raw)
    for part in request.messages[0].parts:
        if isinstance(part, Reasoning):
            part.id = ""
    assert request.messages[0].parts == parts
    # ... and no other provider sees them.
    own = codec.encode_request(request, "gpt-5" if codec is openai_responses else "gemini-2.5-pro")
    assert b"one-api" not in own.body
    assert own.dropped


def test_gemini_signatures_of_calls_and_texts_are_kept() -> None:
    events: list[StreamEvent] = [
        Start(format="gemini"),
        PartStart(0, ToolCall(id="c", name="f", signature="c2ln", signature_format="gemini")),
        ArgumentsDelta(0, "{}"),
        PartEnd(0),
        PartStart(1, Text()),
        TextDelta(1, "Hi"),
        SignatureDelta(1, "dGV4dA=="),
        PartEnd(1),
        Finish(StopReason.TOOL_CALLS),
        End(),
    ]
    said = assemble(read(gemini, [write(gemini, events)])).choices[0].parts
    assert [part.signature for part in said if isinstance(part, (ToolCall, Text))] == ["c2ln", "dGV4dA=="]


@pytest.mark.parametrize("codec", OURS)
def test_pictures_reach_the_client(codec: ModuleType) -> None:
    response = Response(
        format="gemini", choices=[Choice(parts=[Text("Here:"), Image(data="iVBORw0KGgo=", media_type="image/png")])]
    )
    for streamed in (False, True):
        if streamed:
            read_back = assemble(read(codec, [write(codec, unroll(response))]))
        else:
            read_back = codec.decode_response(codec.encode_response(response).body)
        assert read_back.choices[0].parts == response.choices[0].parts


def test_a_refusal_is_safety_for_gemini() -> None:
    response = Response(format="openai_chat", choices=[Choice(parts=[Refusal("No.")])])
    body = json.loads(gemini.encode_response(response).body)
    assert body["candidates"][0]["finishReason"] == "SAFETY"
    assert body["candidates"][0]["content"]["parts"] == [{"text": "No."}]


def test_other_choices_do_not_reach_responses_and_are_named() -> None:
    encoder = openai_responses.StreamEncoder()
    assert encoder.encode(PartStart(0, Text("x"), 1)) == b""
    assert encoder.dropped == ("choices",)
