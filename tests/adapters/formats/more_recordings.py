"""Small requests, answers and streams of Responses and Gemini, as clients and providers send them."""

from __future__ import annotations

import json

SCHEMA = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}

RESPONSES_REQUEST: dict[str, object] = {
    "model": "gpt-5-mini",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "In French."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is it?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gAAA",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "weather",
            "arguments": '{"location":"Paris"}',
        },
        {
            "type": "function_call",
            "id": "fc_2",
            "call_id": "call_2",
            "name": "weather",
            "arguments": '{"location":"Oslo"}',
        },
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_3", "name": "patch", "input": "*** Begin"},
        {"type": "function_call_output", "call_id": "call_1", "output": "14C"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "3C"}]},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "done"},
        {"role": "user", "content": "And tomorrow?"},
    ],
    "tools": [
        {"type": "function", "name": "weather", "description": "W", "parameters": SCHEMA, "strict": False},
        {
            "type": "custom",
            "name": "patch",
            "description": "P",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
        },
        {"type": "web_search", "filters": {"allowed_domains": ["example.com"]}, "search_context_size": "low"},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
    ],
    "tool_choice": {"type": "function", "name": "weather"},
    "parallel_tool_calls": False,
    "max_output_tokens": 300,
    "temperature": 0.5,
    "top_p": 0.9,
    "stream": True,
    "store": False,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}, "verbosity": "low"},
    "include": ["reasoning.encrypted_content"],
    "metadata": {"a": "b"},
    "user": "u1",
    "truncation": "auto",
}

_USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 130,
}
_THOUGHT = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}, {"type": "summary_text", "text": "So."}],
    "encrypted_content": "gAAA",
}
_CITED = {"type": "url_citation", "url": "https://example.com", "title": "E", "start_index": 0, "end_index": 4}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": "Let me look.", "annotations": [_CITED], "logprobs": []},
        {"type": "refusal", "refusal": "Not that."},
    ],
}
_SEARCH = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "weather"},
}


def _call(number: int, place: str) -> dict[str, object]:
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": "weather",
        "arguments": json.dumps({"location": place}, separators=(",", ":")),
    }


RESPONSES_ANSWER: dict[str, object] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1758000001,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt-5-mini",
    "output": [_THOUGHT, _SEARCH, _MESSAGE, _call(1, "Paris"), _call(2, "Oslo")],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": _USAGE,
}
_OPENING = RESPONSES_ANSWER | {"status": "in_progress", "output": [], "usage": None}
_TEXT_AT = {"item_id": "msg_1", "output_index": 2, "content_index": 0}
_REFUSAL_AT = {"item_id": "msg_1", "output_index": 2, "content_index": 1}


def _arguments(number: int, output_index: int, *pieces: str) -> list[dict[str, object]]:
    return [
        {
            "type": "response.function_call_arguments.delta",
            "item_id": f"fc_{number}",
            "output_index": output_index,
            "delta": piece,
        }
        for piece in pieces
    ]


def _added(output_index: int, item: dict[str, object], **empty: object) -> dict[str, object]:
    return {"type": "response.output_item.added", "output_index": output_index, "item": item | empty}


def _done(output_index: int, item: dict[str, object]) -> dict[str, object]:
    return {"type": "response.output_item.done", "output_index": output_index, "item": item}


def _thinking(summary_index: int, text: str) -> dict[str, object]:
    return {
        "type": "response.reasoning_summary_text.delta",
        "item_id": "rs_1",
        "output_index": 0,
        "summary_index": summary_index,
        "delta": text,
    }


RESPONSES_EVENTS: list[dict[str, object]] = [
    {"type": "response.created", "response": _OPENING},
    {"type": "response.in_progress", "response": _OPENING},
    _added(0, _THOUGHT, summary=[], encrypted_content=None),
    _thinking(0, "H"),
    _thinking(0, "m."),
    _thinking(1, "So."),
    _done(0, _THOUGHT),
    _added(1, _SEARCH, status="in_progress"),
    {"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1"},
    _done(1, _SEARCH),
    _added(2, _MESSAGE, content=[], status="in_progress"),
    {"type": "response.content_part.added", "part": {"type": "output_text", "text": "", "annotations": []}}
    | _TEXT_AT,
    {"type": "response.output_text.delta", "delta": "Let me", "logprobs": []} | _TEXT_AT,
    {"type": "response.output_text.delta", "delta": " look.", "logprobs": []} | _TEXT_AT,
    {"type": "response.output_text.annotation.added", "annotation_index": 0, "annotation": _CITED} | _TEXT_AT,
    {"type": "response.output_text.done", "text": "Let me look."} | _TEXT_AT,
    {"type": "response.content_part.done", "part": _MESSAGE["content"][0]} | _TEXT_AT,  # type: ignore[index]
    {"type": "response.content_part.added", "part": {"type": "refusal", "refusal": ""}} | _REFUSAL_AT,
    {"type": "response.refusal.delta", "delta": "Not that."} | _REFUSAL_AT,
    {"type": "response.content_part.done", "part": _MESSAGE["content"][1]} | _REFUSAL_AT,  # type: ignore[index]
    _done(2, _MESSAGE),
    # Two calls whose events overlap.
    _added(3, _call(1, "Paris"), arguments="", status="in_progress"),
    _added(4, _call(2, "Oslo"), arguments="", status="in_progress"),
    *_arguments(1, 3, '{"location"'),
    *_arguments(2, 4, '{"location":"Oslo"}'),
    *_arguments(1, 3, ':"Paris"}'),
    _done(4, _call(2, "Oslo")),
    _done(3, _call(1, "Paris")),
    {"type": "response.completed", "response": RESPONSES_ANSWER},
]

GEMINI_REQUEST: dict[str, object] = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "What is it?"},
                {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                {"inline_data": {"mime_type": "application/pdf", "data": "JVBERi0="}},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png"}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"},
                {"text": "Let me look."},
                {"functionCall": {"name": "weather", "args": {"location": "Paris"}}, "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "weather", "args": {"location": "Oslo"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"result": "14C"}}},
                {"functionResponse": {"name": "weather", "response": {"error": "no such place"}}},
                {"text": "And tomorrow?"},
            ],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "W",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"location": {"type": "STRING", "nullable": True, "maxLength": "40"}},
                        "required": ["location"],
                    },
                },
                {"name": "other", "parametersJsonSchema": SCHEMA},
            ]
        },
        {"googleSearch": {}},
        {"codeExecution": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "generationConfig": {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "candidateCount": 1,
        "maxOutputTokens": 300,
        "stopSequences": ["END"],
        "seed": 7,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 2048},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    },
}

_GROUNDING = {
    "webSearchQueries": ["weather paris", "weather oslo"],
    "groundingChunks": [{"web": {"uri": "https://example.com", "title": "E"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 5, "text": "Ça va"}, "groundingChunkIndices": [0]},
    ],
}
_GEMINI_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 60,
    "candidatesTokenCount": 18,
    "thoughtsTokenCount": 12,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 135,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 70}, {"modality": "AUDIO", "tokenCount": 30}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 50}, {"modality": "AUDIO", "tokenCount": 10}],
}
_CALLS: list[dict[str, object]] = [
    {"functionCall": {"name": "weather", "args": {"location": "Paris"}}, "thoughtSignature": "c2ln"},
    {"functionCall": {"name": "weather", "args": {"location": "Oslo"}}},
]
_HEAD = {"modelVersion": "gemini-2.5-flash", "responseId": "abc-1"}


def _candidate(*parts: dict[str, object], **more: object) -> dict[str, object]:
    return {"content": {"parts": [*parts], "role": "model"}, "index": 0} | more


GEMINI_ANSWER: dict[str, object] = {
    "candidates": [
        _candidate(
            {"text": "Hm. So.", "thought": True},
            *_CALLS,
            {"text": "Ça va."},
            finishReason="STOP",
            groundingMetadata=_GROUNDING,
        )
    ],
    "usageMetadata": _GEMINI_USAGE,
} | _HEAD

GEMINI_CHUNKS: list[dict[str, object]] = [
    {"candidates": [_candidate({"text": "Hm.", "thought": True})], "usageMetadata": {"promptTokenCount": 100}}
    | _HEAD,
    {"candidates": [_candidate({"text": " So.", "thought": True}, *_CALLS)]} | _HEAD,
    {
        "candidates": [
            _candidate({"text": "Ça"}),
        ]
    }
    | _HEAD,
    {
        "candidates": [_candidate({"text": " va."}, finishReason="STOP", groundingMetadata=_GROUNDING)],
        "usageMetadata": _GEMINI_USAGE,
    }
    | _HEAD,
]


def responses_stream() -> bytes:
    """The stream of `RESPONSES_ANSWER`."""
    return b"".join(
        b"event: %b\ndata: %b\n\n"
        % (str(event["type"]).encode(), json.dumps({"sequence_number": place} | event).encode())
        for place, event in enumerate(RESPONSES_EVENTS)
    )


def gemini_stream() -> bytes:
    """The stream of `GEMINI_ANSWER`."""
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(chunk).encode() for chunk in GEMINI_CHUNKS)
