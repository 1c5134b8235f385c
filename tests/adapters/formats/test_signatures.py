"""Signatures come back to the provider that made them, whichever way the client's format carries them."""

from __future__ import annotations

import json
from typing import Any

from adapters.formats import anthropic, gemini
from adapters.formats.assembly import unroll
from adapters.formats.neutral import Choice, Reasoning, Response, ResponseOptions, Text
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
