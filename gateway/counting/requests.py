"""What is countable in a chat request of any format, read from the neutral form.

Who asks for a count wants to know whether a prompt fits, so that tools are counted, too, unlike in estimates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats.neutral.parts import (
    Audio,
    File,
    Foreign,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from adapters.formats.neutral.requests import Request, Tool
from gateway.counting.media import audio_tokens, image_tokens
from gateway.counting.prompts import Countable

if TYPE_CHECKING:
    from collections.abc import Iterable

_PER_MESSAGE = 3
_REPLY = 3
_PER_TOOL = 7
"""About what a function costs beside its words, in OpenAI's own account of it."""
_BASE64_PER_TOKEN = 1000
"""Documents: about what a page of a PDF costs by its size."""


def countable_request(request: Request, model: str) -> Countable:
    """Return the texts of `request` and the tokens of what is no text."""
    found = Countable(tokens=_REPLY)
    if request.system:
        found.tokens += _PER_MESSAGE
        found.texts += [part.text for part in request.system]
    for message in request.messages:
        found.tokens += _PER_MESSAGE
        found.texts += (message.role, message.name)
        _add_parts(found, message.parts, model)
    for tool in request.tools:
        found.tokens += _PER_TOOL
        if isinstance(tool, Tool):
            found.texts += (tool.name, tool.description, _json(tool.parameters))
        else:
            found.texts.append(_json(tool.value))
    if request.response_format is not None:
        found.texts.append(_json(request.response_format.schema))
    return found


def _add_parts(found: Countable, parts: Iterable[Part], model: str) -> None:
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text) | Reasoning(text=text):
                found.texts.append(text)
            case Image():
                address = part.url or f"data:{part.media_type};base64,{part.data}"
                found.tokens += image_tokens(model, address, part.detail)
            case Audio():
                found.tokens += audio_tokens(part.data) if part.data else 0
                found.texts.append(part.transcript)
            case File():
                found.texts += (part.name, part.context, part.text)
                found.tokens += len(part.data) // _BASE64_PER_TOKEN
            case ToolCall():
                found.texts += (part.name, part.arguments)
            case ToolResult():
                _add_parts(found, part.parts, model)
            case Foreign():
                found.texts.append(_json(part.value))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() if value else ""
