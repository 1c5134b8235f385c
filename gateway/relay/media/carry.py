"""An answer that is sound: its bytes pass as they come, and are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.relay import head as heads
from gateway.relay.errors import UpstreamCut, UpstreamFailed

if TYPE_CHECKING:
    from adapters.transport.types import UpstreamResponse
    from gateway.relay.meter import Meter
    from gateway.relay.state import Relay


async def carry(relay: Relay, response: UpstreamResponse, meter: Meter, *, first_content_at: float) -> None:
    """Bring the answer's bytes to the client. Raises `UpstreamFailed` or `TransportError`.

    The head is held back until the first byte is there, so that a provider that fails at once can be replaced.
    """
    with trio.move_on_at(first_content_at) as scope:
        data = await response.receive_some()
    if scope.cancelled_caught:
        raise UpstreamCut("the provider fell silent", status=504)
    if not data:
        raise UpstreamFailed("the provider's answer is empty")
    meter.add_whole()
    relay.first_content_at = trio.current_time()
    relay.stamp("first_client_response")
    await relay.client.start(response.status, heads.for_client(response.headers))
    while data:
        await relay.client.write(data)
        data = await response.receive_some()
    relay.stamp("upstream_completed")
    await relay.client.finish()
