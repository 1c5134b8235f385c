"""A provider's response object, read into the neutral form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError, ProviderError, ProviderFailure
from adapters.formats.neutral.answers import Choice, Response, StopReason
from adapters.formats.neutral.events import Failure
from adapters.formats.neutral.parts import Foreign, Image, Reasoning, ToolCall
from adapters.formats.openai_responses.content import FORMAT, read_content, summary_text
from adapters.formats.openai_responses.failures import failed_status, told
from adapters.formats.openai_responses.usage import read_usage
from adapters.formats.reading import array, as_object, count, is_object, load, text
from adapters.formats.signatures import unseal

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_ENDED = ("completed", "incomplete", "")
_IMAGE_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif"}


def decode_response(body: bytes) -> Response:
    """Return what the provider answered. Raises `FormatError`, and `ProviderFailure` for a response that failed."""
    answer = load(body)
    failure = failure_of(answer)
    if failure is not None:
        raise ProviderFailure(
            ProviderError(message=failure.message, type=failure.type, code=failure.code, param=failure.param),
            status=failure.status,
        )
    if "output" not in answer:
        raise FormatError("is required", path="output")
    parts: list[Part] = []
    for place, value in enumerate(array(answer, "output")):
        path = f"output[{place}]"
        parts.extend(read_item(as_object(value, path), path))
    return Response(
        format=FORMAT,
        id=text(answer, "id"),
        model=text(answer, "model"),
        created=created_at(answer),
        choices=[Choice(parts=parts, stop_reason=stop_reason(answer, parts))],
        usage=read_usage(answer),
        service_tier=text(answer, "service_tier"),
    )


def failure_of(answer: JsonObject) -> Failure | None:
    """Return the failure that a response object tells of."""
    error = told(answer)
    status = text(answer, "status")
    if error is None and status in _ENDED:
        return None
    if error is None:
        error = {"message": f"the response ended with status {status!r}"}
    code = error.get("code")
    message = error.get("message")
    kind = error.get("type")
    return Failure(
        message=message if isinstance(message, str) and message else "the response failed",
        type=kind if isinstance(kind, str) and kind else "upstream_error",
        code=code,
        param=error.get("param"),
        status=failed_status(code),
    )


def created_at(answer: JsonObject) -> int:
    """Return when the answer was made, in Unix s; 0 if unknown."""
    return count(answer, "created_at")


def read_item(item: JsonObject, path: str) -> list[Part]:
    """Return the parts that one output item holds. Raises `FormatError`."""
    kind = text(item, "type", path)
    match kind:
        case "message":
            return read_content(item, "content", path)
        case "reasoning":
            return [read_reasoning(item, path)]
        case "function_call" | "custom_tool_call":
            return [read_call(item, path)]
        case "image_generation_call" if isinstance(item.get("result"), str) and item["result"]:
            return [_image(item)]
    return [Foreign(format=FORMAT, type=kind or "unknown", value=item)]


def read_reasoning(item: JsonObject, path: str) -> Reasoning:
    """Return a reasoning item. Raises `FormatError`."""
    signature, whose, redacted = unseal(text(item, "encrypted_content", path), FORMAT)
    return Reasoning(
        text=summary_text(item),
        signature="" if redacted else signature,
        redacted=signature if redacted else "",
        signature_format=whose,
        id=text(item, "id", path),
    )


def read_call(item: JsonObject, path: str) -> ToolCall:
    """Return a call of one of the client's tools. Raises `FormatError`."""
    custom = item.get("type") == "custom_tool_call"
    item_id, call_id = text(item, "id", path), text(item, "call_id", path)
    if not call_id and not item_id:
        raise FormatError("is required", path=f"{path}.call_id")
    name = text(item, "name", path)
    if not name:
        raise FormatError("is required", path=f"{path}.name")
    return ToolCall(
        id=call_id or item_id,
        name=name,
        arguments=text(item, "input" if custom else "arguments", path),
        custom=custom,
        item_id=item_id if call_id else "",
    )


def _image(item: JsonObject) -> Image:
    written = item.get("output_format")
    media_type = _IMAGE_TYPES.get(written, "image/png") if isinstance(written, str) else "image/png"
    return Image(data=str(item["result"]), media_type=media_type)


def stop_reason(answer: JsonObject, parts: list[Part]) -> StopReason:
    """Return why the model stopped; the format says it only where it stopped early."""
    if answer.get("status") == "incomplete":
        details = answer.get("incomplete_details")
        reason = details.get("reason") if is_object(details) else None
        return StopReason.CONTENT_FILTER if reason == "content_filter" else StopReason.LENGTH
    if any(isinstance(part, ToolCall) for part in parts):
        return StopReason.TOOL_CALLS
    return StopReason.STOP
