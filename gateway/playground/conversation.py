"""One conversation as people type it, and as each client format writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from adapters.formats.data_url import split_data_url
from adapters.formats.errors import FormatError
from adapters.formats.neutral.encoding import RequestOptions
from adapters.formats.neutral.parts import Image, Text
from adapters.formats.neutral.requests import Effort, Message, ReasoningOptions, Request, Tool
from adapters.formats.neutral.terms import FORMAT_TITLES
from adapters.formats.table import PROVIDERS
from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.formats.neutral.terms import Format

# As clients of each format authenticate.
KEY_HEADERS: Mapping[str, tuple[str, str]] = {
    "openai_chat": ("Authorization", "Bearer {key}"),
    "openai_responses": ("Authorization", "Bearer {key}"),
    "anthropic": ("x-api-key", "{key}"),
    "gemini": ("x-goog-api-key", "{key}"),
}
FORMATS = FORMAT_TITLES
EFFORTS = ("none", "minimal", "low", "medium", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Something that was said."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is asked. `images` belong to the last turn, by address or as `data:` URLs; `tools` is a JSON list as Chat
    has it, or empty."""

    model: str
    turns: Sequence[Turn]
    system: str = ""
    images: Sequence[str] = ()
    tools: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    effort: str = ""
    stream: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A request in one format. `dropped` names what the format cannot carry."""

    format: str
    path: str
    query: str
    body: bytes
    dropped: Sequence[str]


class UnreadableTools(Refused):
    """The list of tools cannot be read."""

    code = "invalid_input"


def write(conversation: Conversation, name: str) -> Written:
    """Write the conversation in format `name`. Raises `Refused` when it cannot be written at all."""
    request = _request(conversation, cast("Format", name))
    try:
        encoded = PROVIDERS[name].encode_request(request, conversation.model, RequestOptions())
    except FormatError as error:
        raise Refused(str(error)) from error
    path, query = _address(name, conversation)
    body = json.dumps(json.loads(encoded.body), ensure_ascii=False, indent=2)
    return Written(format=name, path=path, query=query, body=body.encode(), dropped=encoded.dropped)


def _address(name: str, conversation: Conversation) -> tuple[str, str]:
    match name:
        case "openai_responses":
            return "/v1/responses", ""
        case "anthropic":
            return "/v1/messages", ""
        case "gemini":
            action = "streamGenerateContent" if conversation.stream else "generateContent"
            return f"/v1beta/models/{conversation.model}:{action}", "alt=sse" if conversation.stream else ""
    return "/v1/chat/completions", ""


def _request(conversation: Conversation, name: Format) -> Request:
    messages = [Message(turn.role, [Text(turn.text)]) for turn in conversation.turns]
    if messages:
        messages[-1].parts.extend(map(_image, conversation.images))
    request = Request(
        format=name,
        model=conversation.model,
        messages=messages,
        system=[Text(conversation.system)] if conversation.system else [],
        tools=list(read_tools(conversation.tools)),
        stream=conversation.stream,
        temperature=conversation.temperature,
        max_output_tokens=conversation.max_tokens,
    )
    if conversation.effort:
        request.reasoning = ReasoningOptions(effort=cast("Effort", conversation.effort))
    return request


def _image(url: str) -> Image:
    """Return a picture by its address, or out of one that holds it (`data:`)."""
    inline = split_data_url(url)
    return Image(url=url) if inline is None else Image(media_type=inline[0], data=inline[1])


class _Function(msgspec.Struct):
    name: str
    description: str = ""
    parameters: dict[str, object] | None = None


class _Tool(msgspec.Struct):
    function: _Function | None = None
    name: str = ""
    description: str = ""
    parameters: dict[str, object] | None = None


def read_tools(text: str) -> list[Tool]:
    """Read tools as Chat or Responses list them. Raises `UnreadableTools`."""
    if not text.strip():
        return []
    try:
        tools = msgspec.json.decode(text, type=list[_Tool])
    except msgspec.DecodeError as error:
        raise UnreadableTools(f"the list of tools cannot be read: {error}") from error
    found = []
    for tool in tools:
        function = tool.function or _Function(tool.name, tool.description, tool.parameters)
        if not function.name:
            raise UnreadableTools("the list of tools cannot be read: a tool has no name")
        found.append(Tool(name=function.name, description=function.description, parameters=function.parameters))
    return found
