"""A request on its way into a wire: members are taken out one by one, and what nobody took is named as dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from adapters.formats.names import name_of, name_of_part
from adapters.formats.neutral.encoding import Dropped
from adapters.formats.neutral.parts import Image, Reasoning, Refusal, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request, Tool
from adapters.formats.openai_chat.messages_out import write_messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from adapters.formats.neutral.encoding import RequestOptions
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

_OPTIONAL = (
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "n",
    "logprobs",
    "top_logprobs",
    "response_format",
    "verbosity",
    "reasoning",
    "modalities",
    "audio",
    "user",
    "metadata",
    "service_tier",
    "store",
    "prompt_cache_key",
    "cache",
)
BETWEEN_TEXTS = "\n\n"


class Turn(NamedTuple):
    """One turn as wires know it that have nothing but text and pictures."""

    role: str
    """`system`, `user` or `assistant`."""
    text: str
    images: tuple[Image, ...] = ()


class Asked:
    """One request while it is written for `model`."""

    def __init__(self, request: Request, model: str, options: RequestOptions) -> None:
        self.request = request
        self.model = model
        self.options = options
        self.endpoint = ""
        """The catalogue's name of the endpoint that takes the body, if it is not the usual one."""
        self._taken: set[str] = set()
        self.lost = Dropped()
        """What could not be carried, so far."""
        self._extra: set[str] = set()

    def take(self, member: str) -> object:
        """Return a member of the request, which is then accounted for."""
        self._taken.add(member)
        value: object = getattr(self.request, member)
        return value

    def put(self, target: JsonObject, **names: str) -> None:
        """Write members, as `temperature="Temperature"`, that the client gave."""
        for member, name in names.items():
            value = self.take(member)
            if value is not None and value not in ("", []):
                target[name] = value

    def put_extra(self, target: JsonObject, names: Iterable[str]) -> None:
        """Write members of the client's body that the neutral form does not know and this wire does."""
        if self.request.format != "openai_chat":
            return
        for name in names:
            if name in self.request.extra:
                self._extra.add(name)
                target[name] = self.request.extra[name]

    def setting(self, name: str) -> str:
        """Return a setting of the channel, empty if it has none."""
        return self.options.settings.get(name, "")

    def drop(self, member: str) -> None:
        """Name a member as left out, though it was taken."""
        self.lost.add(name_of(member, self.request.format))

    def drop_part(self, part: Part) -> None:
        """Name a part as left out."""
        self.lost.add(name_of_part(part, self.request.format))

    def functions(self) -> list[Tool]:
        """Return the tools that are functions; others are dropped."""
        found: list[Tool] = []
        self._taken.add("tools")
        for tool in self.request.tools:
            if isinstance(tool, Tool) and not tool.custom:
                found.append(tool)
            else:
                self.drop("tools")
        return found

    def chat_messages(self, *, images: bool) -> list[JsonObject]:
        """Return the messages as Chat has them: texts as strings, calls and results; pictures only if wanted."""
        return write_messages(self._reduced(images=images), self.options, self.lost)

    def turns(self, *, images: bool = False) -> list[Turn]:
        """Return what was said, in order; whatever is no text (or picture, if wanted) is dropped."""
        request = self.request
        said = [Turn("system", BETWEEN_TEXTS.join(part.text for part in request.system))] if request.system else []
        for message in request.messages:
            texts: list[str] = []
            shown: list[Image] = []
            for part in message.parts:
                if isinstance(part, Text | Refusal):
                    texts.append(part.text)
                elif images and isinstance(part, Image):
                    shown.append(part)
                else:
                    self.drop_part(part)
            if texts or shown:
                said.append(Turn(message.role, BETWEEN_TEXTS.join(texts), tuple(shown)))
        return said

    def dropped(self) -> tuple[str, ...]:
        """Return the names of all that the wire did not take."""
        request = self.request
        for member in _OPTIONAL:
            if member not in self._taken and _is_given(request, member):
                self.drop(member)
        self.lost.update(name for name in request.extra if name not in self._extra)
        return self.lost.names()

    def _reduced(self, *, images: bool) -> Request:
        """Return the request with the parts only that such wires carry."""
        request = self.request
        changed = Request(**{name: getattr(request, name) for name in request.__struct_fields__})
        changed.messages = []
        for message in request.messages:
            parts = self._kept(message.parts, images=images)
            if parts or not message.parts:
                changed.messages.append(Message(message.role, parts, message.name))
        return changed

    def _kept(self, parts: Sequence[Part], *, images: bool) -> list[Part]:
        kept: list[Part] = []
        for part in parts:
            if isinstance(part, ToolResult):
                # Results are texts in all of these wires.
                kept.append(
                    ToolResult(
                        call_id=part.call_id,
                        parts=self._kept(part.parts, images=False),
                        name=part.name,
                        is_error=part.is_error,
                    )
                )
            elif isinstance(part, Text | Refusal | Reasoning | ToolCall) or (images and isinstance(part, Image)):
                kept.append(part)
            else:
                self.drop_part(part)
        return kept


def _is_given(request: Request, member: str) -> bool:
    value = getattr(request, member)
    if value is None or value in ("", [], {}):
        return False
    match member:
        case "n":
            return bool(value != 1)
        case "logprobs" | "store":
            # Not to keep it is what wires do that keep nothing.
            return bool(value)
        case "modalities":
            return bool(value != ["text"])
        case "response_format":
            return request.response_format is not None and request.response_format.kind != "text"
        case "reasoning":
            return request.reasoning is not None and request.reasoning.enabled is not False
        case "tool_choice" | "parallel_tool_calls":
            # Without tools it says nothing.
            return bool(request.tools)
    return True


def last_user_text(turns: Sequence[Turn]) -> tuple[str, list[Turn]]:
    """Return what is asked now, and what was said before: for wires with a member of its own for the question."""
    for place in range(len(turns) - 1, -1, -1):
        if turns[place].role == "user":
            return turns[place].text, [*turns[:place], *turns[place + 1 :]]
    return (turns[-1].text, list(turns[:-1])) if turns else ("", [])
