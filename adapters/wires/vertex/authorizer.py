"""Puts Google's token into requests to Vertex AI."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from adapters.wires.exchange import with_headers
from adapters.wires.vertex.credentials import fetch_token

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest
    from adapters.wires.tokens import TokenKeeper
    from adapters.wires.types import Call

# One token is fetched an hour and channel.
_THREADS = 4


class VertexAuthorizer:
    """An `Authorizer` with tokens from a keeper."""

    def __init__(self, keeper: TokenKeeper) -> None:
        self._keeper = keeper
        self._limiter: trio.CapacityLimiter | None = None

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        adc = call.account.setting("vertex_ai_adc")
        fetch = partial(fetch_token, adc, request, transport, limiter=self._threads())
        token = await self._keeper.token(call.account.token_name, fetch)
        return with_headers(request, (b"authorization", f"Bearer {token}".encode()))

    def _threads(self) -> trio.CapacityLimiter:
        """Made on first use: a limiter belongs to the loop that runs."""
        if self._limiter is None:
            self._limiter = trio.CapacityLimiter(_THREADS)
        return self._limiter
