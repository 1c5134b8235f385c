"""Recorded messages as a conversation that people read: who said what, in the order in which it was said."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapters.formats.data_url import data_url, split_data_url
from adapters.formats.errors import FormatError, ProviderFailure
from adapters.formats.neutral.parts import Audio, File, Foreign, Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Request, Tool
from adapters.formats.table import CLIENTS, PROVIDERS
from gateway.relay.endpoints import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.formats.neutral import parts
    from gateway.recordings.access import Recorded

_FIRST_ERROR: Final = 400
# What browsers show of what a URL may hold; SVG is a document, which may ask for others.
_SHOWN: Final = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that was said. `kind`: `text`, `thought`, `call`, `result`, `image`, `link`, `file` or `other`."""

    kind: str
    text: str = ""
    name: str = ""
    """Of the tool, or of the file."""
    url: str = ""
    """Of a picture, as a `data:` URL, or of what lies somewhere else."""
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One turn. `role`: `system`, `user`, `assistant` or `tool`."""

    role: str
    parts: Sequence[Part]
    is_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A whole conversation; of what could not be read only the raw texts are there."""

    turns: Sequence[Said] = ()
    tools: Sequence[str] = ()
    """Names of those that the model could use."""
    error: str = ""
    """What the client was told instead of an answer, or at its end."""
    is_readable: bool = True
    """Whether request and answer could be read."""
    request: str = ""
    answer: str = ""
    """Both as they were recorded, indented where they are JSON."""


@dataclass(slots=True)
class _Reader:
    turns: list[Said] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Of tools, by their calls."""

    def message(self, role: str, parts: Iterable[parts.Part], *, is_answer: bool = False) -> None:
        found = [self._part(part) for part in parts]
        results = [part for part in found if part.kind == "result"]
        others = [part for part in found if part.kind != "result"]
        if results:
            self.turns.append(Said(role="tool", parts=results))
        if others:
            self.turns.append(Said(role=role, parts=others, is_answer=is_answer))

    def _part(self, part: parts.Part) -> Part:
        match part:
            case Text(text=text) | Refusal(text=text):
                return Part(kind="text", text=text)
            case Reasoning():
                return Part(kind="thought", text=part.text)
            case ToolCall():
                self.names[part.id] = part.name
                return Part(kind="call", name=part.name, text=indented(part.arguments))
            case ToolResult():
                name = part.name or self.names.get(part.call_id, "")
                return Part(kind="result", name=name, text=self._result(part), is_error=part.is_error)
            case Image():
                return _image(part)
            case Audio():
                return Part(kind="file", name=part.media_type or "audio", text=part.transcript)
            case File():
                kind, url = ("link", part.url) if _leads_out(part.url) else ("file", "")
                return Part(kind=kind, name=part.name or part.media_type or part.file_id, text=part.text, url=url)
            case Foreign():
                text = json.dumps(part.value, ensure_ascii=False, indent=2)
                return Part(kind="other", name=part.type, text=text)

    def _result(self, result: ToolResult) -> str:
        said = [self._part(part) for part in result.parts]
        return "\n".join(part.text or f"[{part.name or part.kind}]" for part in said)


def read_talk(recorded: Recorded) -> Talk:
    """Return what was recorded as a conversation. Never raises: what cannot be read stays raw."""
    row, content = recorded.row, recorded.content
    reader = _Reader()
    tools = _read_request(reader, row.format, row.endpoint, content.request)
    is_readable, error = tools is not None, content.error
    if row.status >= _FIRST_ERROR and content.answer:
        error = _told(row.format, content.answer, row.status)
    elif content.answer:
        is_readable = _read_answer(reader, row.format, row.endpoint, content.answer) and is_readable
    return Talk(
        turns=reader.turns,
        tools=tools or (),
        error=error,
        is_readable=is_readable,
        request=indented(content.request),
        answer=indented(content.answer),
    )


def indented(text: str) -> str:
    """Return JSON as people read it, anything else as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def decoded(name: str, request: str) -> Request | None:
    """Return a recorded request of a client's format in the neutral form, `None` if it cannot be read."""
    if name not in CLIENTS:
        return None
    try:
        return CLIENTS[name].decode_request(request.encode())
    except (FormatError, RecursionError):
        return None


def _read_request(reader: _Reader, name: str, endpoint: str, text: str) -> list[str] | None:
    """Read what was asked and return the names of tools, `None` for what cannot be read."""
    if endpoint == Kind.COMPLETIONS:
        prompt = _member(text, "prompt")
        if not isinstance(prompt, str):
            return None
        reader.message("user", [Text(prompt)])
        return []
    request = decoded(name, text)
    if request is None:
        return None
    reader.message("system", request.system)
    for message in request.messages:
        reader.message(message.role, message.parts)
    return [tool.name if isinstance(tool, Tool) else tool.kind for tool in request.tools]


def _read_answer(reader: _Reader, name: str, endpoint: str, text: str) -> bool:
    if endpoint == Kind.COMPLETIONS:
        choices = _member(text, "choices")
        if not isinstance(choices, list):
            return False
        for choice in choices:
            said = choice.get("text") if isinstance(choice, dict) else None
            reader.message("assistant", [Text(said if isinstance(said, str) else "")], is_answer=True)
        return True
    if name not in PROVIDERS:
        return False
    try:
        response = PROVIDERS[name].decode_response(text.encode())
    except (FormatError, ProviderFailure, RecursionError):
        return False
    for choice in response.choices:
        reader.message("assistant", choice.parts, is_answer=True)
    return True


def _told(name: str, text: str, status: int) -> str:
    side = PROVIDERS.get(name, PROVIDERS["openai_chat"])
    return side.read_error(text.encode(), status).message


def _image(image: Image) -> Part:
    url, media_type, data = image.url, image.media_type, image.data
    if url and (inline := split_data_url(url)) is not None:
        url, (media_type, data) = "", inline
    if _leads_out(url):
        return Part(kind="link", name="image", url=url)
    if data and media_type in _SHOWN:
        return Part(kind="image", name=media_type, url=data_url(media_type, data))
    return Part(kind="file", name=media_type or image.file_id or "image")


def _leads_out(url: str) -> bool:
    """Whether a URL can be a link on a page: no other scheme may run anything."""
    return url[:8].lower().startswith(("http://", "https://"))


def _member(text: str, name: str) -> object:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found.get(name) if isinstance(found, dict) else None
