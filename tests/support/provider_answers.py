"""What the mock provider says: `Answer` describes it, `render` turns it into the bytes of one exchange."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CREATED = 1_764_000_000
"""Unix seconds, in every answer: fixed, so that tests can compare whole objects."""

DONE = b"data: [DONE]\n\n"
_EMBEDDING = [0.25, -0.5, 1.0]


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """The usage that an answer reports."""

    prompt: int = 11
    completion: int | None = None
    """As many as there are pieces, if not given."""
    cached: int = 0
    reasoning: int = 0

    def json(self, pieces: int) -> dict[str, Any]:
        completion = pieces if self.completion is None else self.completion
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt,
            "completion_tokens": completion,
            "total_tokens": self.prompt + completion,
        }
        if self.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        if self.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return usage


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How the provider treats one request. By itself: a plain, right answer in the form the request asks for.

    Counts are of events of a stream (the first one holds no text yet), or of the two halves of a whole body.
    """

    pieces: tuple[str, ...] = ("Hello", " from", " the", " provider.")
    """The text, as a stream cuts it."""
    tool_call: tuple[str, str] | None = None
    """Name and arguments (JSON text) of a function to call, in place of text."""
    tokens: Tokens | None = field(default_factory=Tokens)
    """`None` reports no usage at all."""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | str | Mapping[str, Any] | Sequence[Any] | None = None
    """Exactly this, in place of the answer that would be made; a mapping or list as JSON."""
    events: tuple[bytes, ...] | None = None
    """Exactly these pieces of a stream, sent one by one. They need not be whole events."""
    done: bool = True
    """Whether the stream ends with `[DONE]`."""
    gzip: bool = False
    close: bool = False
    """End the body by closing the connection, with neither a length nor chunks."""

    head_after_s: float = 0.0
    """Silence before the head; `math.inf` for ever."""
    pause_s: float = 0.0
    """Silence before each event but the first."""
    hang_after: int | None = None
    """Fall silent after so many events, and stay connected. 0: after the head."""
    cut_after: int | None = None
    """Close the connection after so many events. 0: after the head; -1: before it."""
    reset: bool = False
    """Cut with a TCP reset and not in order."""


def failure(
    status: int,
    message: str = "The mock provider was told to fail.",
    *,
    kind: str = "server_error",
    code: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """An error in OpenAI's envelope."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Answer(status=status, headers=headers, body={"error": error})


@dataclass(frozen=True)
class Rendered:
    """Bytes of an answer: its media type and the pieces of its body."""

    content_type: str
    pieces: tuple[bytes, ...]
    is_stream: bool


def sse(payload: object) -> bytes:
    """One event as OpenAI writes it."""
    return b"data: %s\n\n" % json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def render(answer: Answer, path: str, request: Mapping[str, Any]) -> Rendered:
    """Make the body of `answer` to a request for `path`."""
    if answer.events is not None:
        return Rendered("text/event-stream", answer.events, is_stream=True)
    if answer.body is not None:
        if isinstance(answer.body, bytes | str):
            body = answer.body.encode() if isinstance(answer.body, str) else answer.body
            return _whole(body, answer, content_type="text/plain; charset=utf-8")
        return _whole(json.dumps(answer.body).encode(), answer)
    endpoint = path.removeprefix("/v1")
    model = str(request.get("model", "gpt-4o-mini"))
    if endpoint in {"/chat/completions", "/completions"}:
        is_chat = endpoint == "/chat/completions"
        if request.get("stream"):
            events = _stream(answer, model, request, is_chat=is_chat)
            return Rendered("text/event-stream; charset=utf-8", tuple(events), is_stream=True)
        return _whole(json.dumps(_completion(answer, model, is_chat=is_chat)).encode(), answer)
    if endpoint == "/embeddings":
        return _whole(json.dumps(_embeddings(answer, model, request)).encode(), answer)
    if endpoint == "/moderations":
        results = [{"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01}}]
        return _whole(json.dumps({"id": "modr-mock", "model": model, "results": results}).encode(), answer)
    if endpoint == "/models":
        models = [{"id": "gpt-4o-mini", "object": "model", "created": CREATED, "owned_by": "mock"}]
        return _whole(json.dumps({"object": "list", "data": models}).encode(), answer)
    return _whole(json.dumps({"path": path, "echo": dict(request)}).encode(), answer)


def _whole(body: bytes, answer: Answer, content_type: str = "application/json") -> Rendered:
    if answer.gzip:
        body = gzip.compress(body)
    half = len(body) // 2
    return Rendered(content_type, (body[:half], body[half:]), is_stream=False)


def _completion(answer: Answer, model: str, *, is_chat: bool) -> dict[str, Any]:
    text = "".join(answer.pieces)
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None}
    if not is_chat:
        choice["text"] = text
    elif answer.tool_call:
        choice["message"] = {"role": "assistant", "content": None, "tool_calls": [_tool_call(answer.tool_call)]}
        choice["finish_reason"] = "tool_calls"
    else:
        choice["message"] = {"role": "assistant", "content": text, "refusal": None}
    completion = {**_envelope(model, "chat.completion" if is_chat else "text_completion"), "choices": [choice]}
    if answer.tokens:
        completion["usage"] = answer.tokens.json(len(answer.pieces))
    return completion


def _stream(answer: Answer, model: str, request: Mapping[str, Any], *, is_chat: bool) -> list[bytes]:
    envelope = _envelope(model, "chat.completion.chunk" if is_chat else "text_completion")
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage")) and answer.tokens is not None

    def event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish_reason}
        if is_chat:
            choice["delta"] = delta
        else:
            choice["text"] = delta.get("content", "")
        return sse({**envelope, "choices": [choice], **({"usage": None} if wants_usage else {})})

    events = [event({"role": "assistant", "content": ""})] if is_chat else []
    if answer.tool_call and is_chat:
        name, arguments = answer.tool_call
        opening = {"index": 0, **_tool_call((name, ""))}
        events.append(event({"tool_calls": [opening]}))
        events += [
            event({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})
            for part in (arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :])
        ]
        events.append(event({}, "tool_calls"))
    else:
        events += [event({"content": piece}) for piece in answer.pieces]
        events.append(event({}, "stop"))
    if wants_usage and answer.tokens:
        events.append(sse({**envelope, "choices": [], "usage": answer.tokens.json(len(answer.pieces))}))
    if answer.done:
        events.append(DONE)
    if not answer.gzip:
        return events
    return _compress(events)


def _compress(events: list[bytes]) -> list[bytes]:
    """Compress a stream so that every event can be unpacked as soon as it is there."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in events]
    packed[-1] += packer.flush()
    return packed


def _embeddings(answer: Answer, model: str, request: Mapping[str, Any]) -> dict[str, Any]:
    asked = request.get("input", "")
    count = len(asked) if isinstance(asked, list) and asked and not isinstance(asked[0], int) else 1
    # The official client asks for base64 unless told otherwise.
    packed = base64.b64encode(struct.pack(f"<{len(_EMBEDDING)}f", *_EMBEDDING)).decode()
    vector: object = packed if request.get("encoding_format") == "base64" else _EMBEDDING
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(count)]
    reply: dict[str, Any] = {"object": "list", "model": model, "data": data}
    if answer.tokens:
        reply["usage"] = {"prompt_tokens": answer.tokens.prompt, "total_tokens": answer.tokens.prompt}
    return reply


def _envelope(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-mock", "object": kind, "created": CREATED, "model": model}


def _tool_call(call: tuple[str, str]) -> dict[str, Any]:
    return {"id": "call_mock", "type": "function", "function": {"name": call[0], "arguments": call[1]}}
