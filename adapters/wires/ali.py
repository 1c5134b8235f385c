"""DashScope's own headers: streams, tasks and plugins are asked for in the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.wires.exchange import with_headers

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.types import Call


class AliAuthorizer:
    """Adds the headers; the key is in one already."""

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        del transport  # nothing is asked for
        headers: list[tuple[bytes, bytes]] = []
        if call.streams:
            headers += [(b"accept", b"text/event-stream"), (b"x-dashscope-sse", b"enable")]
        if call.endpoint == "images_generations":
            headers.append((b"x-dashscope-async", b"enable"))
        elif plugin := call.account.setting("plugin"):
            headers.append((b"x-dashscope-plugin", plugin.encode()))
        return with_headers(request, *headers)
