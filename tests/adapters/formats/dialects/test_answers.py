"""What wires of providers' own answer beyond plain texts: thoughts, parts, several candidates, ends of many kinds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats.assembly import assemble
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral import answers
from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.events import Failure
from adapters.formats.table import PROVIDERS
from adapters.sse import EventScanner
from adapters.wires.framing import event_of


def read(name: str, body: object) -> answers.Response:
    return PROVIDERS[name].decode_response(json.dumps(body).encode())


def heard(name: str, *events: bytes | dict[str, Any]) -> answers.Response:
    decoder = PROVIDERS[name].stream_decoder()
    raw = b"".join(event if isinstance(event, bytes) else event_of(json.dumps(event).encode()) for event in events)
    return assemble([told for event in EventScanner().feed(raw) for told in decoder.feed(event)] + decoder.close())


def parts(response: answers.Response) -> list[tuple[str, str]]:
    (choice,) = response.choices
    return [(type(part).__name__, part.text) for part in choice.parts]  # type: ignore[union-attr]


THOUGHT = [("Reasoning", "Hm."), ("Text", "Yes.")]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("dashscope", {"output": {"choices": [{"message": {"reasoning_content": "Hm.", "content": [{"text": "Yes."}]}, "finish_reason": "stop"}]}}),
        ("cohere", {"id": "1", "finish_reason": "COMPLETE", "message": {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]}}),
        ("cohere", {"id": "1", "finish_reason": "COMPLETE", "message": {"tool_plan": "Hm.", "content": [{"type": "text", "text": "Yes."}]}}),
        ("ollama", {"message": {"thinking": "Hm.", "content": "Yes."}, "done": True}),
        ("tencent", {"Response": {"Choices": [{"Message": {"ReasoningContent": "Hm.", "Content": "Yes."}, "FinishReason": "stop"}]}}),
        ("xunfei", {"frames": [{"header": {}, "payload": {"choices": {"status": 0, "text": [{"reasoning_content": "Hm."}]}}},
                               {"header": {}, "payload": {"choices": {"status": 2, "text": [{"content": "Yes."}]}}}]}),
    ],
)  # fmt: skip
def test_thoughts_are_told_apart(name: str, body: object) -> None:
    assert parts(read(name, body)) == THOUGHT


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("dashscope", [{"output": {"choices": [{"message": {"reasoning_content": "Hm."}, "finish_reason": "null"}]}},
                       {"output": {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]}}]),
        ("cohere", [{"type": "content-start", "delta": {"message": {"content": {"type": "thinking", "thinking": ""}}}},
                    {"type": "content-delta", "delta": {"message": {"content": {"thinking": "Hm."}}}},
                    {"type": "content-delta", "delta": {"message": {"content": {"text": "Yes."}}}},
                    {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}]),
        ("cohere", [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "Hm."}}},
                    {"type": "content-delta", "delta": {"message": {"content": {"text": "Yes."}}}},
                    {"type": "citation-start"}, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}]),
        ("ollama", [{"message": {"thinking": "Hm."}}, {"message": {"content": "Yes."}}, {"message": {}, "done": True}]),
        ("tencent", [{"Choices": [{"Delta": {"ReasoningContent": "Hm."}}]}, {"Choices": [{"Delta": {"Content": "Yes."}, "FinishReason": "stop"}]}]),
        ("xunfei", [{"payload": {"choices": {"status": 1, "text": [{"reasoning_content": "Hm."}]}}},
                    {"payload": {"choices": {"status": 2, "text": [{"content": "Yes."}]}}}]),
    ],
)  # fmt: skip
def test_thoughts_are_told_apart_in_streams(name: str, events: list[dict[str, Any]]) -> None:
    assert parts(heard(name, *events)) == THOUGHT


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("dashscope", {"output": {"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}}, StopReason.LENGTH),
        ("dashscope", {"output": {"text": "x", "finish_reason": "stop"}}, StopReason.STOP),
        ("baidu", {"result": "x", "is_truncated": True}, StopReason.LENGTH),
        ("baidu", {"result": "x", "finish_reason": "content_filter"}, StopReason.CONTENT_FILTER),
        ("cohere", {"response_id": "r", "text": "x", "finish_reason": "MAX_TOKENS"}, StopReason.LENGTH),
        ("cohere", {"response_id": "r", "text": "x", "finish_reason": "ERROR_TOXIC"}, StopReason.CONTENT_FILTER),
        ("cohere", {"response_id": "r", "text": "x", "finish_reason": "STOP_SEQUENCE"}, StopReason.STOP),
        ("ollama", {"message": {"content": "x"}, "done_reason": "length"}, StopReason.LENGTH),
        ("tencent", {"Response": {"Choices": [{"Message": {"Content": "x"}, "FinishReason": "sensitive"}]}}, StopReason.CONTENT_FILTER),
        ("palm", {"filters": [{"reason": "SAFETY"}]}, StopReason.CONTENT_FILTER),
    ],
)  # fmt: skip
def test_why_it_ended_is_told_in_one_word(name: str, body: object, reason: StopReason) -> None:
    (choice,) = read(name, body).choices
    assert choice.stop_reason is reason


def test_documents_follow_the_answer_as_a_list() -> None:
    documents = [{"title": "A", "url": "https://a"}, {"title": "B", "url": "https://b"}]
    text = "Yes.\n\nReference Documents:\n1. [A](https://a)\n2. [B](https://b)\n"
    assert parts(read("aiproxy_library", {"answer": "Yes.", "documents": documents})) == [("Text", text)]
    end = {"content": "", "finish": True, "documents": documents}
    assert parts(heard("aiproxy_library", {"content": "Yes.", "finish": False}, end)) == [("Text", text)]


def test_quotation_marks_around_whole_answers_are_zhipus() -> None:
    def told(content: str) -> list[tuple[str, str]]:
        return parts(read("zhipu", {"success": True, "data": {"choices": [{"content": content}]}}))

    assert told('"He said \\"hi\\""') == [("Text", 'He said \\"hi\\"')]
    assert told('a "b" c') == [("Text", 'a "b" c')]
    assert told('"') == [("Text", '"')]


def test_a_blank_after_the_colon_belongs_to_zhipus_text() -> None:
    response = heard("zhipu", b"event:add\ndata: a\n\n", b"event:add\ndata:b\ndata:c\n\n", b"event:finish\ndata:\n\n")
    assert parts(response) == [("Text", " ab\nc")]


def test_several_candidates_are_several_choices() -> None:
    response = read("palm", {"candidates": [{"content": "a"}, {"content": "b"}]})
    assert [choice.parts[0].text for choice in response.choices] == ["a", "b"]  # type: ignore[union-attr]


@pytest.mark.parametrize("status", ["failed", "canceled", "aborted", ""])
def test_a_prediction_that_did_not_succeed_is_a_failure(status: str) -> None:
    with pytest.raises(ProviderFailure, match=r"out of memory|prediction is"):
        read("replicate", {"status": status, "error": "out of memory" if status == "failed" else None})


@pytest.mark.parametrize(
    "ending", [b"event: error\ndata: out of memory\n\n", b'event: done\ndata: {"reason":"canceled"}\n\n']
)
def test_a_stream_of_a_prediction_that_did_not_succeed_fails(ending: bytes) -> None:
    decoder = PROVIDERS["replicate"].stream_decoder()
    events = [
        told for event in EventScanner().feed(b"event: output\ndata: Hi\n\n" + ending) for told in decoder.feed(event)
    ]
    assert isinstance(events[-1], Failure)
    assert events[-1].status == 502


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("dashscope", [{"output": {"choices": [{"message": {"content": "Hi"}, "finish_reason": "null"}]}}]),
        ("baidu", [{"result": "Hi", "is_end": False}]),
        ("cohere", [{"event_type": "text-generation", "text": "Hi"}]),
        ("coze", [{"event": "message", "message": {"type": "answer", "content": "Hi"}}]),
        ("ollama", [{"message": {"content": "Hi"}, "done": False}]),
        ("tencent", [{"Choices": [{"Delta": {"Content": "Hi"}}]}]),
        ("xunfei", [{"payload": {"choices": {"status": 1, "text": [{"content": "Hi"}]}}}]),
        ("aiproxy_library", [{"content": "Hi", "finish": False}]),
        ("replicate", [b"event: output\ndata: Hi\n\n"]),
        ("zhipu", [b"event:add\ndata:Hi\n\n"]),
    ],
)
def test_a_stream_without_its_end_is_a_failure(name: str, events: list[bytes | dict[str, Any]]) -> None:
    decoder = PROVIDERS[name].stream_decoder()
    raw = b"".join(event if isinstance(event, bytes) else event_of(json.dumps(event).encode()) for event in events)
    told = [said for event in EventScanner().feed(raw) for said in decoder.feed(event)] + decoder.close()
    assert isinstance(told[-1], Failure)


def test_an_answer_of_frames_without_the_last_is_damaged() -> None:
    with pytest.raises(FormatError):
        read("xunfei", {"frames": [{"payload": {"choices": {"status": 1, "text": [{"content": "Hi"}]}}}]})
    with pytest.raises(FormatError):
        read("xunfei", {"frames": []})
