"""Whether a request can pass to a provider of the client's own format as it is.

Where several providers take part in one conversation, its history holds what another one thought and called. A
provider refuses thoughts that it did not sign, and calls that lack its signature; then the request is written anew
without them, or with the word that stands for a signature.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from adapters.formats.gemini.wire import wants_signatures
from adapters.formats.signatures import OWN_THOUGHT, holds_foreign_signature

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import Format

_UNSIGNED = re.compile(rb'"signature"\s*:\s*""')
_UNSET = msgspec.UNSET


class _Block(msgspec.Struct):
    type: str = ""


class _Turn(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


class _Thinking(msgspec.Struct):
    type: str = ""


class _Messages(msgspec.Struct):
    messages: list[_Turn] = []
    thinking: _Thinking | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: msgspec.Raw | msgspec.UnsetType = _UNSET
    function_call: msgspec.Raw | msgspec.UnsetType = _UNSET
    thought_signature: msgspec.Raw | msgspec.UnsetType = _UNSET


class _Content(msgspec.Struct):
    role: str | None = None
    parts: list[_Part] = []


class _Generate(msgspec.Struct):
    contents: list[_Content] | _Content = []


_messages = msgspec.json.Decoder(_Messages).decode
_blocks = msgspec.json.Decoder(list[_Block]).decode
_generate = msgspec.json.Decoder(_Generate).decode


def can_pass(body: bytes, spoken: Format, model: str) -> bool:
    """Whether a provider that speaks `spoken` takes `body` for `model`. What cannot be read at all may pass."""
    if holds_foreign_signature(body):
        return False
    try:
        match spoken:
            case "anthropic":
                return _UNSIGNED.search(body) is None and not _thinks_without_thoughts(body)
            case "openai_responses":
                return b'"%s_' % OWN_THOUGHT.encode() not in body
            case "gemini":
                return not (wants_signatures(model) and _holds_unsigned_calls(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return True


def _thinks_without_thoughts(body: bytes) -> bool:
    """Whether Claude is to think on in a loop of tools whose last step another model made, without thoughts."""
    if b'"tool_result"' not in body or b'"enabled"' not in body:
        return False
    read = _messages(body)
    if read.thinking is None or read.thinking.type != "enabled" or len(read.messages) < 2:
        return False
    if "tool_result" not in _types(read.messages[-1]):
        return False
    before = _types(read.messages[-2])
    return "tool_use" in before and before[0] not in ("thinking", "redacted_thinking")


def _types(turn: _Turn) -> list[str]:
    raw = bytes(turn.content)
    return [block.type for block in _blocks(raw)] if raw.startswith(b"[") else []


def _holds_unsigned_calls(body: bytes) -> bool:
    """Whether the turn that is going on has a step whose first call is not signed."""
    if b"functionCall" not in body and b"function_call" not in body:
        return False
    read = _generate(
        body.replace(b'"function_call"', b'"functionCall"').replace(b'"thought_signature"', b'"thoughtSignature"')
    )
    contents = read.contents if isinstance(read.contents, list) else [read.contents]
    for content in reversed(contents):
        if content.role != "model":
            if any(part.text is not _UNSET for part in content.parts):
                return False
            continue
        first = next((part for part in content.parts if part.function_call is not _UNSET), None)
        if first is not None and first.thought_signature is _UNSET:
            return True
    return False
