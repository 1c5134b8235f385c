"""What relays leave behind of responses: where each is kept, and what is to be charged later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.relay.state import now_ms
from gateway.relay.stored.charges import pending_of
from gateway.relay.stored.settler import FIRST_ASK_MS
from storage.repositories.responses import StoredResponse

if TYPE_CHECKING:
    from gateway.relay.state import Relay
    from gateway.relay.stored.book import ResponseBook
    from gateway.relay.stored.settler import BackgroundCharges
    from gateway.relay.stored.sighting import Sighting


@dataclass(frozen=True, slots=True)
class Responses:
    """The memory of responses, and who charges those that run on."""

    book: ResponseBook
    charges: BackgroundCharges

    def saw(self, relay: Relay, sighting: Sighting, *, held_units: int) -> None:
        """Note what the answer of `relay`, which holds `held_units`, says of its response."""
        known, relay.sighting = relay.sighting, sighting
        kept = sighting.kept and relay.body.any("store") is not False
        if not kept or (known is not None and known.id == sighting.id):
            return
        if sighting.is_running and not relay.streams:
            # With what it is charged by, at once: the client may take its time to read that it is queued, and nobody
            # would ask about it if the process were killed meanwhile. A stream most often tells the end itself.
            self._note_running(relay, sighting, held_units=held_units, is_over=False)
        else:
            self.book.note(_stored(relay, sighting))

    def runs_on(self, relay: Relay) -> bool:
        """Whether the response of `relay` goes on without it, so that nobody knows yet what it costs."""
        return relay.sighting is not None and relay.sighting.is_running

    def take_over(self, relay: Relay, *, held_units: int) -> None:
        """Charge the response of `relay` when it is known how it ended; `held_units` stay reserved until then."""
        assert relay.sighting is not None, "only responses that were seen run on"  # noqa: S101
        self._note_running(relay, relay.sighting, held_units=held_units, is_over=True)

    def _note_running(self, relay: Relay, sighting: Sighting, *, held_units: int, is_over: bool) -> None:
        pending = pending_of(relay, held_units=held_units, is_over=is_over)
        self.book.note(_stored(relay, sighting, ask_at=now_ms() + FIRST_ASK_MS, pending=pending.as_text()))


def _stored(relay: Relay, sighting: Sighting, *, ask_at: int | None = None, pending: str = "") -> StoredResponse:
    assert relay.channel is not None, "what was seen came from a channel"  # noqa: S101
    return StoredResponse(
        response_id=sighting.id,
        user_id=relay.caller.user.id,
        channel_id=relay.channel.id,
        key_id=relay.key_id,
        model=relay.model,
        created_at=now_ms(),
        ask_at=ask_at,
        pending=pending,
    )
