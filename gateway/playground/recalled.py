"""A request that was recorded, as a conversation of the playground: what was said, and how it was asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from adapters.formats.data_url import data_url
from adapters.formats.neutral.parts import Image, Part, Reasoning, Refusal, Text
from adapters.formats.neutral.requests import HostedTool, Request, Tool
from gateway.playground.conversation import EFFORTS, Conversation, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_PICTURES: Final = 150_000
"""Characters of pictures that fit into the form."""


def recalled(request: Request) -> tuple[Conversation, bool]:
    """Return what a request said, and whether that is all: calls of tools, files and large pictures are left out."""
    turns: list[Turn] = []
    images: list[str] = []
    is_all = True
    for message in request.messages:
        text = _text(message.parts)
        found = [url for part in message.parts if isinstance(part, Image) and (url := _url(part))]
        is_last = message is request.messages[-1]
        is_all = is_all and message.role != "system" and all(map(_is_plain, message.parts)) and (is_last or not found)
        if is_last:
            images = found
        if text.strip() and message.role != "system":
            turns.append(Turn(role=message.role, text=text))
    if sum(map(len, images)) > _MOST_PICTURES:
        images, is_all = [], False
    reasoning = request.reasoning
    effort = reasoning.effort if reasoning is not None and reasoning.effort in EFFORTS else ""
    conversation = Conversation(
        model=request.model,
        turns=turns,
        system="\n\n".join(text.text for text in request.system),
        images=images,
        tools=_tools(request.tools),
        temperature=request.temperature,
        max_tokens=request.max_output_tokens,
        effort=effort or "",
        stream=request.stream,
    )
    return conversation, is_all and all(isinstance(tool, Tool) for tool in request.tools)


def _text(parts: Iterable[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text | Refusal))


def _is_plain(part: Part) -> bool:
    return isinstance(part, Text | Refusal | Image | Reasoning)


def _url(image: Image) -> str:
    if image.url:
        return image.url
    return data_url(image.media_type, image.data) if image.data else ""


def _tools(tools: Iterable[Tool | HostedTool]) -> str:
    found = [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                **({"parameters": tool.parameters} if tool.parameters is not None else {}),
            },
        }
        for tool in tools
        if isinstance(tool, Tool) and not tool.custom
    ]
    return json.dumps(found, ensure_ascii=False, indent=2) if found else ""
