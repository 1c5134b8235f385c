"""Streams say what whole answers say, however the bytes are cut, and end as their formats demand."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats import anthropic, openai_chat
from adapters.formats.assembly import assemble, unroll
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.answers import Response, StopReason
from adapters.formats.neutral.encoding import ResponseOptions
from adapters.formats.neutral.events import End, Failure, Finish, PartEnd, PartStart, Start, TextDelta
from adapters.formats.neutral.parts import Reasoning, Text, ToolCall
from adapters.sse import EventScanner
from tests.adapters.formats import recordings

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.formats.neutral.events import StreamEvent

CHAT_BYTES = recordings.chat_stream()
CLAUDE_BYTES = recordings.claude_stream()


def read(codec: ModuleType, pieces: list[bytes]) -> list[StreamEvent]:
    scanner, decoder = EventScanner(), codec.StreamDecoder()
    events = [said for piece in pieces for event in scanner.feed(piece) for said in decoder.feed(event)]
    return [*events, *decoder.close()]


def write(codec: ModuleType, events: list[StreamEvent]) -> bytes:
    encoder = codec.StreamEncoder(ResponseOptions(request_id="r1", now_s=1))
    return b"".join(encoder.encode(event) for event in events)


def whole(codec: ModuleType, answer: dict[str, object]) -> Response:
    response: Response = codec.decode_response(json.dumps(answer).encode())
    response.extra = {}
    return response


def events_of(raw: bytes) -> list[dict[str, object]]:
    return [json.loads(event.data) for event in EventScanner().feed(raw) if event.data not in (b"", b"[DONE]")]


def cut(raw: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(at), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(0, len(CHAT_BYTES)), max_size=40))
def test_a_chat_stream_is_its_answer_however_it_is_cut(at: list[int]) -> None:
    assert assemble(read(openai_chat, cut(CHAT_BYTES, at))) == whole(openai_chat, recordings.CHAT_ANSWER)


@given(st.lists(st.integers(0, len(CLAUDE_BYTES)), max_size=40))
def test_a_claude_stream_is_its_answer_however_it_is_cut(at: list[int]) -> None:
    assert assemble(read(anthropic, cut(CLAUDE_BYTES, at))) == whole(anthropic, recordings.CLAUDE_ANSWER)


@pytest.mark.parametrize("raw", [CHAT_BYTES, CLAUDE_BYTES], ids=["chat", "claude"])
def test_every_single_byte_may_come_alone(raw: bytes) -> None:
    codec = openai_chat if raw is CHAT_BYTES else anthropic
    assert read(codec, [raw[place : place + 1] for place in range(len(raw))]) == read(codec, [raw])


@pytest.mark.parametrize("source", [openai_chat, anthropic])
@pytest.mark.parametrize("target", [openai_chat, anthropic])
def test_a_converted_stream_says_what_the_converted_answer_says(source: ModuleType, target: ModuleType) -> None:
    raw = CHAT_BYTES if source is openai_chat else CLAUDE_BYTES
    events = read(source, [raw])
    streamed = assemble(read(target, [write(target, events)]))
    at_once = target.decode_response(target.encode_response(assemble(events), ResponseOptions(now_s=1)).body)
    assert streamed.choices == at_once.choices
    assert streamed.usage == at_once.usage
    assert (streamed.id, streamed.model) == (at_once.id, at_once.model)


@pytest.mark.parametrize("codec", [openai_chat, anthropic])
def test_a_whole_answer_unrolls_to_a_stream_that_says_the_same(codec: ModuleType) -> None:
    answer = recordings.CHAT_ANSWER if codec is openai_chat else recordings.CLAUDE_ANSWER
    response = whole(codec, answer)
    assert assemble(unroll(response)) == response


@pytest.mark.parametrize("raw", [CHAT_BYTES, CLAUDE_BYTES], ids=["chat", "claude"])
def test_parts_come_one_after_the_other(raw: bytes) -> None:
    open_part = None
    following = 0
    for event in read(openai_chat if raw is CHAT_BYTES else anthropic, [raw]):
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


@pytest.mark.parametrize("raw", [CHAT_BYTES, CLAUDE_BYTES], ids=["chat", "claude"])
def test_a_stream_that_breaks_off_never_ends_well(raw: bytes) -> None:
    codec = openai_chat if raw is CHAT_BYTES else anthropic
    finish = b'"finish_reason": "tool_calls"' if codec is openai_chat else b'"message_delta"'
    for end in range(0, raw.index(finish), 97):
        events = read(codec, [raw[:end]])
        assert isinstance(events[-1], Failure)
        with pytest.raises(ProviderFailure):
            assemble(events)


def test_done_may_be_left_out_after_a_finish_reason() -> None:
    assert read(openai_chat, [recordings.chat_stream(done=False)])[-1] == End()


def chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    return (
        b"data: "
        + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()
        + b"\n\n"
    )


def calls_of(*deltas: dict[str, object]) -> list[ToolCall]:
    raw = b"".join(chunk({"tool_calls": [delta]}) for delta in deltas) + chunk({}, "tool_calls")
    parts = assemble(read(openai_chat, [raw])).choices[0].parts
    assert all(isinstance(part, ToolCall) for part in parts)
    return parts  # type: ignore[return-value]


def test_parallel_calls_that_all_have_index_0_are_told_apart_by_their_ids() -> None:
    calls = calls_of(
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":1}'}},
        {"index": 0, "id": "b", "function": {"name": "g", "arguments": '{"y":2}'}},
    )
    assert [(call.id, call.name, call.arguments) for call in calls] == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_the_id_may_be_repeated_in_every_fragment() -> None:
    calls = calls_of(
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}},
        {"index": 0, "id": "a", "function": {"arguments": ":1}"}},
    )
    assert [call.arguments for call in calls] == ['{"x":1}']


def test_a_call_without_arguments_reaches_chat_clients_as_an_empty_object() -> None:
    events: list[StreamEvent] = [
        Start(format="anthropic"),
        PartStart(0, ToolCall(id="a", name="f")),
        PartEnd(0),
        Finish(StopReason.TOOL_CALLS),
        End(),
    ]
    said = assemble(read(openai_chat, [write(openai_chat, events)]))
    assert said.choices[0].parts == [ToolCall(id="a", name="f", arguments="{}")]


def test_claudes_stream_has_its_events_in_order_with_names() -> None:
    raw = write(anthropic, read(openai_chat, [CHAT_BYTES]))
    events = EventScanner().feed(raw)
    assert all(event.event is not None and json.loads(event.data)["type"] == event.event.decode() for event in events)
    names = [event.event for event in events]
    assert names[0] == b"message_start"
    assert names[-2:] == [b"message_delta", b"message_stop"]
    assert names.count(b"content_block_start") == names.count(b"content_block_stop") == 4
    delta = json.loads(events[-2].data)
    assert delta["delta"]["stop_reason"] == "tool_use"
    assert delta["usage"]["input_tokens"] == 100 - 60 - 10
    assert delta["usage"]["cache_read_input_tokens"] == 60
    assert delta["usage"]["output_tokens"] == 30


def test_a_chat_stream_has_one_finish_reason_then_usage_then_done() -> None:
    raw = write(openai_chat, read(anthropic, [CLAUDE_BYTES]))
    chunks = events_of(raw)
    assert raw.endswith(b"data: [DONE]\n\n")
    assert [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]][-1] == "tool_calls"  # type: ignore[index]
    assert sum(bool(c["choices"] and c["choices"][0]["finish_reason"]) for c in chunks) == 1  # type: ignore[index]
    assert {c["id"] for c in chunks} == {"chatcmpl-msg_1"}
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] == 20 + 60 + 30  # type: ignore[index]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 60  # type: ignore[index]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 12  # type: ignore[index]


def test_a_client_that_wants_no_usage_gets_none() -> None:
    encoder = openai_chat.StreamEncoder(ResponseOptions(include_usage=False))
    raw = b"".join(encoder.encode(event) for event in read(anthropic, [CLAUDE_BYTES]))
    assert b"usage" not in raw


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_thoughts_stand_in_the_member_that_the_client_chose(name: str) -> None:
    encoder = openai_chat.StreamEncoder(ResponseOptions(reasoning_format=name))  # type: ignore[arg-type]
    raw = b"".join(encoder.encode(event) for event in read(anthropic, [CLAUDE_BYTES]))
    deltas = [c["choices"][0]["delta"] for c in events_of(raw) if c["choices"]]  # type: ignore[index]
    assert "".join(delta.get(name, "") for delta in deltas) == "Hm."
    others = {"reasoning_content", "reasoning", "thinking"} - {name}
    assert not any(other in delta for delta in deltas for other in others)


@pytest.mark.parametrize("codec", [openai_chat, anthropic])
def test_a_failure_is_the_last_event_and_no_normal_end(codec: ModuleType) -> None:
    encoder = codec.StreamEncoder(ResponseOptions(request_id="r1"))
    raw = (
        encoder.encode(Start(format="gemini"))
        + encoder.encode(PartStart(0, Text()))
        + encoder.encode(TextDelta(0, "Hi"))
    )
    raw += encoder.encode(Failure(message="gone", status=529, type="overloaded_error"))
    assert encoder.encode(End()) == b""
    last = EventScanner().feed(raw)[-1]
    assert json.loads(last.data)["error"]["message"] == "gone (request id: r1)"
    assert b"[DONE]" not in raw
    assert b"message_stop" not in raw
    assert last.event == (b"error" if codec is anthropic else None)


def test_claudes_error_event_keeps_its_type_and_gets_its_status() -> None:
    raw = CLAUDE_BYTES[:400].rpartition(b"\n\n")[0] + b"\n\n"
    raw += b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    assert read(anthropic, [raw])[-1] == Failure(message="Overloaded", type="overloaded_error", status=529)


def test_an_error_chunk_in_a_chat_stream_is_a_failure() -> None:
    raw = chunk({"content": "x"}) + b'data: {"error":{"message":"no","code":503}}\n\ndata: [DONE]\n\n'
    failure = read(openai_chat, [raw])[-1]
    assert isinstance(failure, Failure)
    assert (failure.message, failure.status) == ("no", 503)


def test_an_unfinished_stream_has_no_answer() -> None:
    with pytest.raises(FormatError):
        assemble([Start(format="anthropic"), PartStart(0, Text("x"))])


def test_other_choices_do_not_reach_claude_and_are_named() -> None:
    encoder = anthropic.StreamEncoder()
    assert encoder.encode(PartStart(0, Text("x"), 1)) == b""
    assert encoder.dropped == ("choices",)


def test_an_event_that_cannot_be_read_is_a_failure_not_an_exception() -> None:
    for codec in (openai_chat, anthropic):
        events = read(codec, [b"data: <html>\n\n"])
        assert isinstance(events[0], Failure)
        assert len(events) == 1


def test_the_details_that_a_chat_client_collects_from_a_stream_are_claudes_thoughts_again() -> None:
    raw = write(openai_chat, read(anthropic, [CLAUDE_BYTES]))
    deltas = [c["choices"][0]["delta"] for c in events_of(raw) if c["choices"]]  # type: ignore[index]
    details = [detail for delta in deltas for detail in delta.get("reasoning_details", ())]
    message = {"role": "assistant", "content": "Looking.", "reasoning_details": details}
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, message]}
    request = openai_chat.decode_request(json.dumps(body).encode())
    written = json.loads(anthropic.encode_request(request, "claude-opus-4-6").body)
    assert written["messages"][1]["content"][:2] == recordings.CLAUDE_ANSWER["content"][:2]  # type: ignore[index]


def test_details_in_pieces_are_put_together() -> None:
    pieces = [
        {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "H"},
        {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "m."},
        {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "signature": "s"},
    ]
    raw = b"".join(chunk({"reasoning": piece.get("text", ""), "reasoning_details": [piece]}) for piece in pieces)
    streamed = assemble(read(openai_chat, [raw + chunk({"content": "x"}) + chunk({}, "stop")]))
    message = {"role": "assistant", "content": "x", "reasoning_details": pieces}
    at_once = openai_chat.decode_response(
        json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    )
    assert streamed.choices == at_once.choices
    assert streamed.choices[0].parts[0] == Reasoning(text="Hm.", signature="s", signature_format="anthropic")
