"""Servers behind Gemini's OpenAI form, which one-api asked at the path of the Messages API.

Google itself has no such path; what stands in front of it may. One that does not know it is asked at Chat's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from adapters.wires.types import Call

_UNKNOWN = (404, 405)
_PATH = "/messages"


class MessagesPath:
    """Asks once more at Chat's path where the first is not known."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`."""
        response = await transport.send(request)
        if call.endpoint != "messages" or response.status not in _UNKNOWN or not request.url.endswith(_PATH):
            return response
        await response.aclose()
        url = request.url.removesuffix(_PATH) + "/chat/completions"
        return await transport.send(replace(request, url=url))
