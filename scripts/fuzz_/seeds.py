"""What the mutations begin with: the recordings of the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.wires.framing import event_of
from tests.adapters.formats import more_recordings, recordings

_DIALECTS = Path(__file__).parents[2] / "tests/adapters/formats/dialects/data"


def requests(name: str) -> tuple[bytes, ...]:
    """Return requests of clients."""
    found: dict[str, object] = {
        "openai_chat": recordings.CHAT_REQUEST,
        "anthropic": recordings.CLAUDE_REQUEST,
        "openai_responses": more_recordings.RESPONSES_REQUEST,
        "gemini": more_recordings.GEMINI_REQUEST,
    }
    return (_json(found[name]),)


def answers(name: str) -> tuple[bytes, ...]:
    """Return whole answers of providers."""
    known: dict[str, object] = {
        "openai_chat": recordings.CHAT_ANSWER,
        "anthropic": recordings.CLAUDE_ANSWER,
        "openai_responses": more_recordings.RESPONSES_ANSWER,
        "gemini": more_recordings.GEMINI_ANSWER,
        "converse": _CONVERSE,
    }
    if name in known:
        return (_json(known[name]),)
    whole = [case for case in _cases(name) if not case["asked"].get("stream")]
    bodies = [case["body"] if "body" in case else {"frames": case["frames"]} for case in whole if _told(case)]
    return tuple(map(_json, bodies or [_UNRECORDED]))


def streams(name: str) -> tuple[bytes, ...]:
    """Return streams of providers, as events."""
    match name:
        case "openai_chat":
            return (
                b"".join(b"data: %b\n\n" % _json(chunk) for chunk in recordings.CHAT_CHUNKS) + b"data: [DONE]\n\n",
            )
        case "anthropic":
            return (b"".join(_named(event) for event in recordings.CLAUDE_EVENTS),)
        case "openai_responses":
            return (b"".join(_named(event) for event in more_recordings.RESPONSES_EVENTS),)
        case "gemini":
            return (b"".join(b"data: %b\r\n\r\n" % _json(chunk) for chunk in more_recordings.GEMINI_CHUNKS),)
        case "converse":
            return (b"".join(b"event: %b\ndata: %b\n\n" % (kind.encode(), _json(event)) for kind, event in _FRAMES),)
    found = []
    for case in _cases(name):
        if case["asked"].get("stream") and _told(case):
            items = case.get("lines") or case.get("frames") or ([case["body"]] if "body" in case else [])
            found.append(case.get("stream", "").encode() + b"".join(event_of(_json(item)) for item in items))
    return tuple(found) or tuple(event_of(answer) for answer in answers(name))


def _cases(name: str) -> list[dict[str, Any]]:
    path = _DIALECTS / f"{name}.json"
    return list(json.loads(path.read_text("utf-8"))) if path.exists() else []


def _told(case: dict[str, Any]) -> bool:
    return any(kind in case for kind in ("body", "frames", "lines", "stream"))


def _named(event: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), _json(event))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


# Of Replicate and of Zhipu's older models there are only streams.
_UNRECORDED = {
    "id": "p",
    "status": "succeeded",
    "output": ["a", "b"],
    "metrics": {"input_token_count": 3},
    "success": True,
    "data": {"task_id": "z", "choices": [{"role": "assistant", "content": "a"}], "usage": {"prompt_tokens": 3}},
}
_USAGE = {
    "inputTokens": 9,
    "outputTokens": 4,
    "cacheReadInputTokens": 2,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 1}],
}
_CONVERSE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}},
                {"reasoningContent": {"redactedContent": "x"}},
                {"text": "a"},
                {"citationsContent": {"content": [{"text": "b"}], "citations": []}},
                {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": _USAGE,
}
_FRAMES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "s"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "a"}}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{}"}}}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": _USAGE}),
    ("error", {"error": {"type": "throttlingException", "message": "m", "code": 429}}),
)
