"""What is countable in a request: its texts, and the tokens of everything else.

The shapes are read as far as they make sense, and what does not is not counted: to refuse a request is the
provider's business, and an estimate must not fail over it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.counting.media import audio_tokens, image_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

VIDEO_TOKENS = 80
"""Of a request to a `veo-*` model: ten per second, of eight seconds."""

_REPLY_TOKENS = 3


@dataclass(slots=True)
class Countable:
    """Texts still to be counted, and `tokens` that are known without."""

    texts: list[str] = field(default_factory=list)
    tokens: int = 0

    @property
    def chars(self) -> int:
        """Length of all texts."""
        return sum(map(len, self.texts))


def countable(kind: str, model: str, value: object) -> Countable:
    """Return what is to be counted in a request.

    `value` is what the endpoint `kind` is asked about, as decoded from JSON: `messages` of
    `chat_completions`, else `prompt` or `input`.
    """
    if kind != "chat_completions":
        found = Countable()
        _add_input(found, value, model)
        return found
    if model.startswith("veo-"):
        return Countable(tokens=VIDEO_TOKENS)
    return _chat(value, model)


def _chat(messages: object, model: str) -> Countable:
    # The one model whose messages were framed otherwise.
    per_message, per_name = (4, -1) if model == "gpt-3.5-turbo-0301" else (3, 1)
    found = Countable(tokens=_REPLY_TOKENS)
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        found.tokens += per_message
        _add_content(found, message.get("content"), model)
        role, name = message.get("role"), message.get("name")
        if isinstance(role, str):
            found.texts.append(role)
        if isinstance(name, str) and name:
            found.tokens += per_name
            found.texts.append(name)
    return found


def _add_content(found: Countable, content: object, model: str) -> None:
    if isinstance(content, str):
        found.texts.append(content)
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                found.texts.append(part)
            elif isinstance(part, dict):
                _add_part(found, part, model)


def _add_part(found: Countable, part: Mapping[str, object], model: str) -> None:
    text = part.get("text")
    if isinstance(text, str):
        found.texts.append(text)
    image = part.get("image_url")
    if isinstance(image, str):
        found.tokens += image_tokens(model, image)
    elif isinstance(image, dict) and isinstance(image.get("url"), str):
        found.tokens += image_tokens(model, image["url"], str(image.get("detail") or ""))
    audio = part.get("input_audio")
    if isinstance(audio, dict) and isinstance(audio.get("data"), str):
        found.tokens += audio_tokens(audio["data"])


def _add_input(found: Countable, value: object, model: str) -> None:
    """Add a `prompt` or `input`: a text, token ids, or a list of texts, lists of token ids or content parts."""
    if isinstance(value, str):
        found.texts.append(value)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                found.texts.append(item)
            elif isinstance(item, int):
                found.tokens += 1
            elif isinstance(item, list):
                found.tokens += sum(isinstance(token, int) for token in item)
            elif isinstance(item, dict):
                _add_part(found, item, model)
