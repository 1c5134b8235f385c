"""One conversation in every format, and what is read of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats.table import CLIENTS
from gateway.accounts.refusals import Refused
from gateway.playground.conversation import FORMATS, Conversation, Turn, Written, read_tools, write
from gateway.playground.reading import Reading
from gateway.playground.snippets import snippets
from gateway.relay import endpoints

TURNS = [
    Turn(role="user", text="2+2?"),
    Turn(role="assistant", text="4"),
    Turn(role="user", text="And what is this?"),
]
TOOL = '[{"type": "function", "function": {"name": "add", "description": "adds", "parameters": {"type": "object"}}}]'


def conversation(**changes: Any) -> Conversation:
    values: dict[str, Any] = {
        "model": "m",
        "turns": TURNS,
        "system": "Be brief.",
        "images": ["https://example.com/cat.png"],
        "tools": TOOL,
        "temperature": 0.5,
        "max_tokens": 100,
        "stream": True,
    }
    return Conversation(**(values | changes))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_asks_the_same(name: str) -> None:
    written = write(conversation(), name)
    found = endpoints.find(written.path)
    assert found is not None
    assert found.endpoint.format == name
    request = CLIENTS[name].decode_request(written.body)
    texts = [part.text for message in request.messages for part in message.parts if hasattr(part, "text")]
    assert texts == ["2+2?", "4", "And what is this?"]
    assert [text.text for text in request.system] == ["Be brief."]
    assert [tool.name for tool in request.tools] == ["add"]  # type: ignore[union-attr]
    assert (request.temperature, request.max_output_tokens) == (0.5, 100)


def test_what_a_format_cannot_carry_is_named() -> None:
    assert list(write(conversation(effort="low"), "openai_chat").dropped) == []
    # The model's name is not one of Gemini's that think.
    assert list(write(conversation(effort="low"), "gemini").dropped) == ["generationConfig.thinkingConfig"]


@pytest.mark.parametrize("text", ["no JSON", "{}", '[{"type": "function"}]', "[3]"])
def test_tools_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="tools cannot be read"):
        read_tools(text)


def test_tools_may_be_written_as_responses_has_them() -> None:
    (tool,) = read_tools('[{"type": "function", "name": "add", "parameters": {"type": "object"}}]')
    assert (tool.name, tool.parameters) == ("add", {"type": "object"})


CHAT = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "four"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
}
ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "openai_chat": (
        CHAT,
        ('data: {"choices":[{"index":0,"delta":{"content":"fo"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"ur"},'
        '"finish_reason":"stop"}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n'),
    ),
    "anthropic": (
        {
            "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "four"}],
            "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 1},
        },
        ('event: message_start\ndata: {"type":"message_start","message":{"id":"x","type":"message","role":"assistant","model":"m",'
        '"content":[],"usage":{"input_tokens":3,"output_tokens":0}}}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"four"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ),
    "gemini": (
        {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "four"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
        },
        ('data: {"candidates":[{"content":{"role":"model","parts":[{"text":"four"}]},"finishReason":"STOP"}],'
        '"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4}}\n\n'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_in_its_format(name: str, is_stream: bool) -> None:
    whole, stream = ANSWERS[name]
    reading = Reading(name, is_stream, 200)
    body = stream.encode() if is_stream else json.dumps(whole).encode()
    for place in range(0, len(body), 40):
        reading.feed(body[place : place + 40])
    reading.close()
    assert (reading.text, reading.error) == ("four", "")
    assert reading.usage is not None
    assert (reading.usage.prompt_total, reading.usage.completion_total) == (3, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_a_refusal_is_told_in_its_own_words(name: str) -> None:
    body = CLIENTS[name].error_body(status=403, message="no quota", type="t", code="c")
    reading = Reading(name, is_stream=False, status=403)
    reading.feed(body)
    reading.close()
    assert reading.error == "no quota"


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_that_ends_with_an_error_says_so(name: str) -> None:
    reading = Reading(name, is_stream=True, status=200)
    reading.feed(CLIENTS[name].error_event(status=503, message="an operator ended this request", type="t", code="c"))
    reading.close()
    assert "an operator ended this request" in reading.error


def test_tool_calls_are_shown_as_text() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}
    reading = Reading("openai_chat", is_stream=False, status=200)
    reading.feed(json.dumps(body).encode())
    reading.close()
    assert reading.text == '→ add {"a": 1}'


@pytest.mark.parametrize("name", FORMATS)
def test_code_to_copy_holds_the_request_and_no_key(name: str) -> None:
    written = write(conversation(), name)
    found = snippets(written, "https://gateway.example/")
    assert set(found) == {"curl", "Python", "JavaScript"}
    for text in found.values():
        assert "https://gateway.example" + written.path in text
        assert "ONE_API_KEY" in text
    compile(found["Python"], "snippet", "exec")
    assert isinstance(written, Written)
