"""What a request must hold before a channel is asked; the texts are the original's, where it had one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.relay.endpoints import MAX_SPEECH_CHARACTERS, Kind
from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from gateway.relay.body import RequestBody
    from gateway.relay.endpoints import Endpoint


def validate(body: RequestBody, endpoint: Endpoint) -> None:
    """Refuse a body that lacks what every provider of this endpoint needs. Raises `Invalid`."""
    match endpoint.kind:
        case Kind.CHAT:
            if not body.value("messages", list):
                raise Invalid("text request validation failed: field messages is required")
        case Kind.RESPONSES:
            _responses(body, endpoint)
        case Kind.MESSAGES:
            _messages(body, endpoint)
        case Kind.GENERATE:
            if not body.value("contents", list):
                raise Invalid("contents is not specified", code=endpoint.invalid_code)
        case Kind.IMAGES | Kind.IMAGE_EDITS:
            if not body.value("prompt", str):
                raise Invalid("prompt is required", code="prompt_missing")
        case Kind.SPEECH:
            _speech(body)
        case Kind.RERANK:
            for name in ("query", "documents"):
                if name not in body:
                    raise Invalid(f"text request validation failed: field {name} is required")
        case Kind.TRANSCRIPTIONS | Kind.TRANSLATIONS:
            pass  # its file is looked at, which takes longer
        case _:
            if endpoint.required not in body:
                raise Invalid(f"text request validation failed: field {endpoint.required} is required")


def _speech(body: RequestBody) -> None:
    text = body.value("input", str)
    if not text:
        raise Invalid("text request validation failed: field input is required")
    if len(text) > MAX_SPEECH_CHARACTERS:
        raise Invalid(f"input is too long (over {MAX_SPEECH_CHARACTERS} characters)", code="text_too_long")


def _responses(body: RequestBody, endpoint: Endpoint) -> None:
    if "input" not in body and "prompt" not in body:
        raise Invalid("either input or prompt is required", code=endpoint.invalid_code)
    if "input" in body and "prompt" in body and isinstance(body.any("prompt"), str):
        raise Invalid("input and prompt are mutually exclusive", code=endpoint.invalid_code)


def _messages(body: RequestBody, endpoint: Endpoint) -> None:
    if not body.value("model", str):
        raise Invalid("model: Field required", code=endpoint.invalid_code)
    limit = body.value("max_tokens", float)
    if limit is None or limit <= 0:
        raise Invalid("max_tokens: must be greater than 0", code=endpoint.invalid_code)
    messages = body.any("messages")
    if not isinstance(messages, list) or not messages:
        raise Invalid("messages: at least one message is required", code=endpoint.invalid_code)
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise Invalid(f"messages.{place}: must be an object", code=endpoint.invalid_code)
        if message.get("role") not in ("user", "assistant", "system"):
            raise Invalid(f"messages.{place}.role: must be user or assistant", code=endpoint.invalid_code)
        if message.get("content") in (None, "", []):
            raise Invalid(f"messages.{place}.content: must not be empty", code=endpoint.invalid_code)
