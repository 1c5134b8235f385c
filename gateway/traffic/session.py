"""What a client calls its conversation or its run, so that requests of the same one are found together.

There is no standard for it. Read are headers that programs send (Codex CLI, Claude Code, gateways that observe), and
the members that formats have for it. A trace context (`traceparent`) counts last: it is one operation rather than a
session.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.relay.body import RequestBody

LONGEST = 64
_HEADERS = (
    b"session-id",
    b"session_id",
    b"x-session-id",
    b"x-claude-code-session-id",
    b"conversation_id",
    b"x-conversation-id",
    b"helicone-session-id",
)
_MEMBERS = frozenset(("metadata", "session_id", "prompt_cache_key", "conversation"))
_LONGEST_MEMBER = 1000
_WORD = re.compile(r"[\x21-\x7e]{4,64}")
# Claude Code puts it into the id of the user.
_IN_USER_ID = re.compile(r"session(?:_id)?[_\":\s]+([0-9A-Za-z-]{8,64})")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-")


def session_of(headers: Mapping[bytes, bytes], body: RequestBody) -> str:
    """Return it, or an empty text where the client tells of none."""
    for name in _HEADERS:
        if name in headers and (found := _word(headers[name].decode("latin-1"))):
            return found
    members = body.brief(_MEMBERS, longest=_LONGEST_MEMBER)
    metadata = members.get("metadata")
    if isinstance(metadata, dict):
        if found := _word(metadata.get("session_id")):
            return found
        user = metadata.get("user_id")
        if isinstance(user, str) and (within := _IN_USER_ID.search(user)):
            return within[1]
    conversation = members.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    for value in (members.get("session_id"), conversation, members.get("prompt_cache_key")):
        if found := _word(value):
            return found
    trace = _TRACE.match(headers.get(b"traceparent", b"").decode("latin-1"))
    return trace[1] if trace is not None else ""


def _word(value: object) -> str:
    """Return a text that can be an id; anything else is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
