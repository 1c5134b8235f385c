"""Adds what was remembered to a request that holds the calls again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.formats.neutral.parts import Reasoning, Text, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.requests import Message, Request
    from gateway.relay.signed.kept import Kept

MOST_CALLS = 400
"""Calls that are looked up, the latest first: long loops are settled in their beginnings."""
_SIGNS: frozenset[str] = frozenset(["anthropic", "gemini", "openai_responses"])


def unsigned_calls(request: Request, target: str) -> list[str]:
    """Return the ids of earlier calls that a provider of `target` may have signed, and that came without."""
    if target not in _SIGNS:
        return []
    found: list[str] = []
    for message in reversed(request.messages):
        if message.role == "assistant":
            for before, call in reversed(list(_calls(message.parts))):
                if not _is_signed(before, call, target):
                    found.append(call.id)
        if len(found) >= MOST_CALLS:
            break
    return found[:MOST_CALLS]


def put_back(request: Request, target: str, channel_id: int, known: Mapping[str, Kept]) -> Request:
    """Return `request` with what is `known` of its calls, as far as a provider of `target` signed it."""
    usable = {
        call_id: kept
        for call_id, kept in known.items()
        if kept.format == target and (target != "openai_responses" or kept.channel_id == channel_id)
    }
    if not usable:
        return request
    return replace(request, messages=[_signed(message, target, usable) for message in request.messages])


def without_signatures(request: Request) -> Request:
    """Return `request` without anything that somebody signed."""
    return replace(request, messages=[_bare(message) for message in request.messages])


def _bare(message: Message) -> Message:
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, Reasoning) and (part.signature or part.redacted):
            continue
        signed = isinstance(part, (Text, ToolCall)) and part.signature
        parts.append(replace(part, signature="", signature_format=None) if signed else part)
    return replace(message, parts=parts)


def _signed(message: Message, target: str, known: Mapping[str, Kept]) -> Message:
    if message.role != "assistant" or not any(isinstance(p, ToolCall) and p.id in known for p in message.parts):
        return message
    parts: list[Part] = []
    rest = list(message.parts)
    for before, call in _calls(message.parts):
        kept = known.get(call.id)
        del rest[: len(before) + 1]
        if kept is None or _is_signed(before, call, target):
            parts += (*before, call)
            continue
        if kept.thoughts:
            # The client may have kept the words, which are in what is put back as well.
            before = [part for part in before if not isinstance(part, Reasoning)]
        parts += (*kept.thoughts, *before)
        if kept.signature:
            call = replace(call, signature=kept.signature, signature_format=kept.format)
        parts.append(call)
    return replace(message, parts=[*parts, *rest])


def _calls(parts: list[Part]) -> Iterator[tuple[list[Part], ToolCall]]:
    """Give each call with what stands between it and the one before."""
    before: list[Part] = []
    for part in parts:
        if isinstance(part, ToolCall):
            yield before, part
            before = []
        else:
            before.append(part)


def _is_signed(before: list[Part], call: ToolCall, target: str) -> bool:
    if call.signature and call.signature_format == target:
        return True
    return any(isinstance(part, Reasoning) and part.signature_format == target for part in before)
