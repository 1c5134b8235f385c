"""What is known of a request while it is decided whether it is relayed at all, and how operators see a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from gateway.observe.types import RelaySummary

if TYPE_CHECKING:
    from gateway.recordings.recording import Recording
    from gateway.relay.admit import Caller
    from gateway.relay.head import RequestHead


@dataclass(slots=True)
class Arrival:
    """A request on its way in. `started_at` on Trio's clock, in seconds; what is not known yet is empty."""

    head: RequestHead
    request_id: str
    started_at: float
    received_ms: int
    endpoint: str = ""
    caller: Caller | None = None
    model: str = ""
    streams: bool = False
    recording: Recording | None = None
    """Listens, where the token's messages are recorded."""

    def refused(self, status: int, message: str) -> RelaySummary:
        """Return what operators see of a request that was turned away before anything was reserved for it."""
        caller = self.caller
        return RelaySummary(
            request_id=self.request_id,
            user=caller.user.username if caller is not None else "",
            token_name=caller.token.name if caller is not None else "",
            endpoint=self.endpoint,
            model=self.model,
            channel="",
            status=status,
            outcome="refused",
            is_stream=self.streams,
            attempts=0,
            first_content_s=None,
            duration_s=trio.current_time() - self.started_at,
            prompt_tokens=0,
            completion_tokens=0,
            cached_tokens=0,
            units=0,
            error=message,
        )
