"""Google's Gemini API, of the third generation, which wants its signatures on calls back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from google.genai import types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from tests.support.wires.said import Asked, Call, Fails, Result, Said, Turn, Unacceptable, Used, require, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIP = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""What Google documents for calls that another model made."""
_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "refusal": "SAFETY"}
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
_PATH = re.compile(r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent\?alt=sse)$")


class _Request(BaseModel):
    """A request as it goes over the wire; the client's own types go inside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    generation_config: types.GenerationConfig | None = None
    tools: list[types.Tool] = []
    tool_config: types.ToolConfig | None = None
    safety_settings: list[types.SafetySetting] = []
    cached_content: str | None = None
    service_tier: str | None = None


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    path = _PATH.search(target)
    require(path, f"no such path: {target}")
    assert path
    try:
        request = _Request.model_validate(body)
    except ValidationError as error:
        raise Unacceptable(f"unlike the official client's types: {error}") from None
    asked = Asked(model=path[1], is_stream=path[2] != "generateContent", raw=body)
    if request.system_instruction:
        asked.system = "".join(part.text or "" for part in request.system_instruction.parts or ())
    _turns(request.contents, body["contents"], asked)
    for tool in request.tools:
        for function in tool.function_declarations or ():
            asked.tools[function.name or ""] = _schema(function.parameters_json_schema, function.parameters)
    config = request.generation_config
    if config is not None:
        asked.limit, asked.stops = config.max_output_tokens, config.stop_sequences or []
        asked.schema = _schema(config.response_json_schema, config.response_schema)
        if asked.schema:
            require(config.response_mime_type == "application/json", "a schema needs the type application/json")
        thinking = config.thinking_config
        asked.thinks = thinking is not None and bool(thinking.include_thoughts)
    return asked


def _schema(as_json: Any, schema: types.Schema | None) -> Any:
    return as_json or (schema.model_dump(exclude_none=True, mode="json") if schema else None)


def _turns(contents: list[types.Content], raw: list[Any], asked: Asked) -> None:
    open_calls: list[Call] = []
    for place, content in enumerate(contents):
        require(content.role in ("user", "model"), "Please use a valid role: user, model.")
        require(content.parts, "contents.parts must not be empty")
        turn = Turn(role="user" if content.role == "user" else "assistant")
        asked.turns.append(turn)
        for part, bare in zip(content.parts or (), raw[place]["parts"], strict=True):
            _part(part, bare.get("thoughtSignature", ""), turn)
        is_current = not any(later.role == "user" and _says(later) for later in contents[place + 1 :])
        calls = [part for part in content.parts or () if part.function_call]
        if calls and is_current:
            require(
                calls[0].thought_signature,
                f"Function call {turn.calls[0].name} is missing a thought_signature in functionCall parts.",
            )
        require(
            len(turn.results) == len(open_calls),
            "the number of function response parts must equal the number of function call parts",
        )
        for call, result in zip(open_calls, turn.results, strict=True):
            # Results belong to calls by their order; they have no ids here, but names.
            require(result.call_id == call.name, "a function response of another function")
            result.call_id = call.id
        open_calls = turn.calls
    require(not open_calls, "the conversation must not end with calls")


def _says(content: types.Content) -> bool:
    return any(part.text for part in content.parts or ())


def _part(part: types.Part, signature: str, turn: Turn) -> None:
    if call := part.function_call:
        named = Call(id=call.id or call.name or "", name=call.name or "", arguments=call.args or {})
        turn.calls.append(named)
        is_own = _same(signature, sign("gemini", _sealed(named)))
        require(is_own or not signature or signature in SKIP, "Corrupted thought signature.")
        if is_own:
            turn.thoughts.append(named.name)
        return
    if result := part.function_response:
        answer = result.response or {}
        text = answer.get("result", answer.get("error"))
        turn.results.append(
            Result(
                call_id=result.name or "",
                text=text if isinstance(text, str) else json.dumps(answer),
                is_error="error" in answer,
            )
        )
        return
    if part.inline_data:
        require(part.inline_data.mime_type == "image/png", "an image of another kind")
        turn.images.append(part.inline_data.data or b"")
        return
    if signature:
        require(_same(signature, sign("gemini", part.text or "")), "Corrupted thought signature.")
    if part.thought:
        turn.thoughts.append(part.text or "")
    else:
        turn.text += part.text or ""


def _same(signature: str, own: str) -> bool:
    """Whether both are the same bytes: Google reads both alphabets of base64, and its client writes the other one."""
    return signature.replace("-", "+").replace("_", "/") == own


def _sealed(call: Call) -> str:
    return call.name + json.dumps(call.arguments, sort_keys=True)


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    parts: list[dict[str, Any]] = []
    if said.thoughts and asked.thinks:
        parts.append({"text": "".join(said.thoughts), "thought": True})
    if said.text:
        text = "".join(said.text)
        parts.append({"text": text, **_signature(said, text)})
    parts += _calls(said)
    return _chunk(said, asked, parts, is_last=True)


def _signature(said: Said, text: str) -> dict[str, str]:
    """Where the model thought, the end of what it says is signed as well."""
    return {"thoughtSignature": sign("gemini", text)} if said.thoughts and not said.calls else {}


def _calls(said: Said) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for call in said.calls:
        part: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        if not written:
            # Of parallel calls the first is signed.
            part["thoughtSignature"] = sign("gemini", _sealed(call))
        written.append(part)
    return written


def _chunk(said: Said, asked: Asked, parts: list[dict[str, Any]], *, is_last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if is_last:
        candidate["finishReason"] = _STOPS[said.stop]
    return {
        "candidates": [candidate],
        "usageMetadata": usage(said.used),
        "modelVersion": asked.model,
        "responseId": "gemini-mock",
    }


def usage(used: Used) -> dict[str, Any]:
    """Return the tokens as Google tells them. It has no word for what was written to a cache."""
    return {
        "promptTokenCount": used.prompt,
        "candidatesTokenCount": used.answer,
        "totalTokenCount": used.prompt + used.output,
        **({"cachedContentTokenCount": used.cached} if used.cached else {}),
        **({"thoughtsTokenCount": used.thoughts} if used.thoughts else {}),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used.prompt}],
    }


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as events."""
    pieces: list[dict[str, Any]] = []
    if asked.thinks:
        pieces += [{"text": piece, "thought": True} for piece in said.thoughts]
    pieces += [{"text": piece} for piece in said.text]
    for part in pieces:
        yield _sse(_chunk(said, asked, [part], is_last=False))
        if said.cut and "thought" not in part:
            return
    last = _calls(said) or [{"text": "", **_signature(said, "")}]
    yield _sse(_chunk(said, asked, last, is_last=True))


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    status = _STATUS.get(fails.status, "UNKNOWN")
    return {"error": {"code": fails.status, "message": fails.message, "status": status}}


def _sse(payload: object) -> bytes:
    return b"data: %s\r\n\r\n" % json.dumps(payload, ensure_ascii=False).encode()
