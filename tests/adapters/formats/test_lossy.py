"""What was once lost without a word: now kept, or named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.formats import anthropic, gemini, openai_chat, openai_responses
from adapters.formats.assembly import unroll
from adapters.formats.neutral.answers import Choice, Response
from adapters.formats.neutral.encoding import RequestOptions, ResponseOptions
from adapters.formats.neutral.parts import Citation, File, Image, Text
from adapters.formats.neutral.requests import Message, Request, Tool
from adapters.formats.neutral.terms import CacheMark
from adapters.sse import EventScanner

MODELS = {
    openai_chat: "gpt-5",
    openai_responses: "gpt-5",
    anthropic: "claude-sonnet-4-5",
    gemini: "gemini-3-pro-preview",
}
SIGNED = Text("a", signature="s", signature_format="gemini")


def asks(*parts: Any, source: Any = "anthropic") -> Request:
    return Request(format=source, model="m", messages=[Message("user", [Text("?"), *parts])])


@pytest.mark.parametrize("codec", [openai_chat, openai_responses, gemini])
def test_what_only_claude_is_told_of_a_document_is_named(codec: Any) -> None:
    document = File(data="JVBERi0=", media_type="application/pdf", context="of 1998", citations=True)
    dropped = codec.encode_request(asks(document), MODELS[codec]).dropped
    assert {"messages.content.file.context", "messages.content.file.citations"} <= set(dropped)


@pytest.mark.parametrize("kind", [Image, File])
def test_a_file_that_another_provider_keeps_is_not_asked_for(kind: Any) -> None:
    file = kind(file_id="file_011CNha8iCJcU1wXNR6q4V8w")
    for codec in (openai_chat, openai_responses, gemini):
        encoded = codec.encode_request(asks(file), MODELS[codec])
        assert b"file_011CNha8iCJcU1wXNR6q4V8w" not in encoded.body
        assert encoded.dropped
    assert b"file_011CNha8iCJcU1wXNR6q4V8w" in anthropic.encode_request(asks(file), MODELS[anthropic]).body


def test_openais_files_are_the_same_in_both_of_its_formats() -> None:
    encoded = openai_responses.encode_request(asks(File(file_id="file-1"), source="openai_chat"), "gpt-5")
    assert b'"file_id":"file-1"' in encoded.body


def test_cache_marks_on_tools_go_to_chat_servers_that_know_them() -> None:
    request = asks()
    request.tools = [Tool(name="f", cache=CacheMark("1h"))]
    encoded = openai_chat.encode_request(request, "m", RequestOptions(cache_marks=True))
    assert json.loads(encoded.body)["tools"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert encoded.dropped == ()
    assert openai_chat.encode_request(request, "m").dropped == ("cache_control",)


@pytest.mark.parametrize("codec", [openai_chat, openai_responses, anthropic])
def test_geminis_signature_on_a_text_is_named(codec: Any) -> None:
    response = Response(format="gemini", choices=[Choice(parts=[SIGNED])])
    assert codec.encode_response(response, ResponseOptions()).dropped == ("contents.parts.text.signature",)
    encoder = codec.StreamEncoder(ResponseOptions())
    for event in unroll(response):
        encoder.encode(event)
    assert encoder.dropped == ("contents.parts.text.signature",)


def test_sources_of_a_signed_text_of_geminis_are_kept() -> None:
    answer = {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "a", "thoughtSignature": "s"}]},
                "finishReason": "STOP",
                "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://e.example/", "title": "E"}}]},
            }
        ]
    }
    (part,) = gemini.decode_response(json.dumps(answer).encode()).choices[0].parts
    assert part == Text(
        "a", citations=[Citation(url="https://e.example/", title="E")], signature="s", signature_format="gemini"
    )


def test_sources_of_a_chat_answer_with_pictures_are_kept() -> None:
    source = {"type": "url_citation", "url_citation": {"url": "https://e.example/", "title": "E"}}
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,aa"}}]
    answer = {"choices": [{"message": {"role": "assistant", "content": content, "annotations": [source]}}]}
    said, _ = openai_chat.decode_response(json.dumps(answer).encode()).choices[0].parts
    assert isinstance(said, Text)
    assert [citation.url for citation in said.citations] == ["https://e.example/"]


def test_signatures_of_others_in_claudes_streams_are_theirs_again() -> None:
    start = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "thinking", "thinking": "", "signature": ""},
    }
    signature = {"type": "signature_delta", "signature": "one-api.gemini.s1g"}
    raw = b"".join(
        b"event: %s\ndata: %s\n\n" % (event["type"].encode(), json.dumps(event).encode())
        for event in (
            {"type": "message_start", "message": {"id": "m", "model": "m", "content": []}},
            start,
            {"type": "content_block_delta", "index": 0, "delta": signature},
        )
    )
    decoder = anthropic.StreamDecoder()
    *_, told = [said for event in EventScanner().feed(raw) for said in decoder.feed(event)]
    assert (told.signature, told.format) == ("s1g", "gemini")
