"""Signatures come back to the provider that made them, whichever way the client's format carries them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import unroll
from adapters.formats.neutral.answers import Choice, Response
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import Reasoning, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request
from adapters.formats.passable import can_pass
from adapters.sse import EventScanner


def streamed_parts(response: Response) -> list[Any]:
    """The parts that a Gemini client gets of a stream, one by one as they came."""
    encoder = gemini.StreamEncoder(ResponseOptions(model="m"))
    raw = b"".join(encoder.encode(event) for event in unroll(response))
    chunks = [json.loads(event.data) for event in EventScanner().feed(raw)]
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


def test_a_gemini_client_may_send_the_pieces_of_a_signed_thought_back() -> None:
    thought = Reasoning(text="Let me see.", signature="s1g", signature_format="anthropic")
    response = Response(format="anthropic", choices=[Choice(parts=[thought, Text("42.")])])
    *thoughts, said, _ = streamed_parts(response)
    first, *rest = thoughts
    pieces = [{"text": "Let me", "thought": True}, {"text": " see.", "thought": True}, *rest]
    assert first == {"text": "Let me see.", "thought": True}
    body = {"contents": [{"role": "user", "parts": [{"text": "?"}]}, {"role": "model", "parts": [*pieces, said]}]}
    request = gemini.decode_request(json.dumps(body).encode(), model="m")
    assert request.messages[1].parts == [thought, Text("42.")]


def test_an_unsigned_thought_of_another_turn_is_not_taken_into_a_signed_one() -> None:
    answer = anthropic.decode_response(
        json.dumps(
            {
                "model": "m",
                "content": [
                    {"type": "thinking", "thinking": "a", "signature": "one"},
                    {"type": "thinking", "thinking": "b", "signature": "two"},
                    {"type": "text", "text": "c"},
                ],
                "stop_reason": "end_turn",
            }
        ).encode()
    )
    parts = streamed_parts(answer)
    body = {"contents": [{"role": "user", "parts": [{"text": "?"}]}, {"role": "model", "parts": parts[:-1]}]}
    request = gemini.decode_request(json.dumps(body).encode(), model="m")
    assert request.messages[1].parts == [
        Reasoning(text="a", signature="one", signature_format="anthropic"),
        Reasoning(text="b", signature="two", signature_format="anthropic"),
        Text("c"),
    ]


def test_gemini_is_not_told_of_what_it_does_anyhow() -> None:
    body = {"contents": [{"parts": [{"text": "?"}]}]}
    request = gemini.decode_request(json.dumps(body).encode(), model="m")
    request.store = False
    assert gemini.encode_request(request, "gemini-3-pro-preview").dropped == ()
    request.store = True
    assert gemini.encode_request(request, "gemini-3-pro-preview").dropped == ("store",)


LOOP = [
    {"role": "user", "content": "?"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "enabled"}]},
]
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
BUDGET = {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": LOOP}, True),
        ({"messages": LOOP, "thinking": {"type": "adaptive"}}, True),
        ({"messages": LOOP[:1], "thinking": BUDGET}, True),
        ({"messages": LOOP, "thinking": BUDGET}, False),
        ({"messages": [LOOP[0], {**LOOP[1], "content": [SIGNED, *LOOP[1]["content"]]}, LOOP[2]]}, True),
        (
            {
                "messages": [LOOP[0], {**LOOP[1], "content": [SIGNED, *LOOP[1]["content"]]}, LOOP[2]],
                "thinking": BUDGET,
            },
            True,
        ),
        ({"messages": [{"role": "assistant", "content": [{**SIGNED, "signature": ""}]}]}, False),
        ({"messages": [{"role": "assistant", "content": [{**SIGNED, "signature": "one-api.gemini.x"}]}]}, False),
        ({"messages": "damaged", "thinking": BUDGET, "x": '"tool_result"'}, True),
    ],
)
def test_what_claude_would_refuse_does_not_pass(body: Any, expected: bool) -> None:
    for spaces in (None, 2):
        assert can_pass(json.dumps(body, indent=spaces).encode(), "anthropic", "claude-haiku-4-5") is expected


CALLED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
PARALLEL = {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "s"}, *CALLED["parts"]]}
TOLD = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
ASKED = {"role": "user", "parts": [{"text": "?"}]}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([ASKED], True),
        ([ASKED, CALLED, TOLD], False),
        ([ASKED, PARALLEL, TOLD], True),
        ([ASKED, PARALLEL, TOLD, CALLED, TOLD], False),
        ([ASKED, CALLED, TOLD, PARALLEL, TOLD], False),
        # Only the turn that is going on is looked at, as Google does.
        ([ASKED, CALLED, TOLD, ASKED], True),
        ("damaged: functionCall", True),
    ],
)
def test_calls_that_gemini_did_not_sign_do_not_pass_to_it(contents: Any, expected: bool) -> None:
    body = json.dumps({"contents": contents}).encode()
    assert can_pass(body, "gemini", "gemini-3-pro-preview") is expected
    assert can_pass(body, "gemini", "gemini-2.5-flash")
    assert can_pass(body.replace(b"functionCall", b"function_call"), "gemini", "gemini-3-pro-preview") is expected


def test_thoughts_that_openai_did_not_give_do_not_pass_to_it() -> None:
    unsigned = Response(format="gemini", id="x", choices=[Choice(parts=[Reasoning(text="Hm."), Text("a")])])
    answer = json.loads(openai_responses.encode_response(unsigned, ResponseOptions(model="m")).body)
    assert not can_pass(json.dumps({"input": answer["output"]}).encode(), "openai_responses", "gpt-5")
    own = [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}]
    assert can_pass(json.dumps({"input": own}).encode(), "openai_responses", "gpt-5")


def test_thoughts_before_calls_are_asked_of_openai_sealed() -> None:
    body = {
        "model": "m",
        "max_tokens": 4096,
        "messages": LOOP[:1],
        "thinking": BUDGET,
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    request = anthropic.decode_request(json.dumps(body).encode())
    sent = json.loads(openai_responses.encode_request(request, "gpt-5").body)
    assert sent["include"] == ["reasoning.encrypted_content"]
    request.tools = []
    assert "include" not in json.loads(openai_responses.encode_request(request, "gpt-5").body)


def test_geminis_signature_goes_to_chat_servers_that_know_it_and_to_no_other() -> None:
    call = ToolCall(id="c", name="f", arguments="{}", signature="g", signature_format="gemini")
    request = Request(
        format="anthropic",
        model="m",
        messages=[
            Message("user", [Text("?")]),
            Message("assistant", [call]),
            Message("user", [ToolResult(call_id="c")]),
        ],
    )
    encoded = openai_chat.encode_request(request, "m")
    assert "extra_content" not in json.loads(encoded.body)["messages"][1]["tool_calls"][0]
    assert encoded.dropped == ()
    encoded = openai_chat.encode_request(request, "m", RequestOptions(call_signatures=True))
    extra = json.loads(encoded.body)["messages"][1]["tool_calls"][0]["extra_content"]
    assert extra == {"google": {"thought_signature": "g"}}
    assert encoded.dropped == ()
