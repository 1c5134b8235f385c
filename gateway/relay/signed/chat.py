"""Signatures in requests of Chat clients that pass to a provider of Chat, most of which refuse what they do not know.

Our own answers hold them: `reasoning_details` as OpenRouter has it, and `extra_content` as Google's endpoint has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DETAILS = "reasoning_details"
ON_CALLS = "extra_content"


def names_signatures(raw: bytes) -> bool:
    """Whether a body may hold any; a quick look that spares most requests the parsing."""
    return b'"reasoning_details"' in raw or b'"extra_content"' in raw


def without(messages: object, *, details: bool, on_calls: bool) -> tuple[object, tuple[str, ...]]:
    """Return `messages` (plain JSON values, unchanged) without these members, and the names of what was left out."""
    if not isinstance(messages, list):
        return messages, ()
    names: dict[str, None] = {}
    written = [_bare(message, details, on_calls, names) for message in messages]
    return (written, tuple(names)) if names else (messages, ())


def _bare(message: object, details: bool, on_calls: bool, names: dict[str, None]) -> object:
    if not isinstance(message, dict):
        return message
    if details and DETAILS in message:
        names[f"messages.{DETAILS}"] = None
        message = {name: value for name, value in message.items() if name != DETAILS}
    calls = message.get("tool_calls")
    if on_calls and isinstance(calls, list) and any(_signed(calls)):
        names[f"messages.tool_calls.{ON_CALLS}"] = None
        bare = [
            {name: value for name, value in call.items() if name != ON_CALLS} if isinstance(call, dict) else call
            for call in calls
        ]
        message = {**message, "tool_calls": bare}
    return message


def _signed(calls: list[object]) -> Iterator[bool]:
    return (isinstance(call, dict) and ON_CALLS in call for call in calls)
