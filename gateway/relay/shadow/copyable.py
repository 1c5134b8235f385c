"""Which requests may be copied: chats of bounded size that do nothing but make an answer.

What providers keep, or do with tools of their own, would be done twice by a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.relay.errors import Invalid

if TYPE_CHECKING:
    from gateway.relay.state import Relay

MOST_BYTES = 256 << 10
"""A prompt of some fifty thousand tokens; pictures are left out by it, as a rule."""
_NOT_TWICE = ("background", "previous_response_id", "conversation", "mcp_servers", "container")
_OWN_TOOLS = ("function", "custom")


def may_be_copied(relay: Relay) -> bool:
    """Whether a copy of the request has no effect but an answer."""
    body = relay.body
    if relay.endpoint.format is None or relay.form is not None or len(body.raw) > MOST_BYTES:
        return False
    if any(name in body and body.any(name) is not False for name in _NOT_TWICE):
        return False
    try:
        tools = body.any("tools")
    except Invalid:
        return False
    return not isinstance(tools, list) or all(_is_clients(tool) for tool in tools)


def _is_clients(tool: object) -> bool:
    """Whether the client itself carries out what this tool is asked for."""
    if not isinstance(tool, dict):
        return False
    if "type" in tool:
        return tool["type"] in _OWN_TOOLS
    # Gemini's: one member for each kind. Claude's have a schema and need no type.
    return "input_schema" in tool or set(tool) <= {"functionDeclarations", "function_declarations"}
