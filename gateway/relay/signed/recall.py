"""What the supervisor does about signatures, around an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.relay.prepare import converts, decoded, spoken_to
from gateway.relay.signed.put_back import unsigned_calls
from gateway.relay.signed.refused import refuses_signatures

if TYPE_CHECKING:
    from gateway.observe.types import Journal
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.errors import UpstreamFailed
    from gateway.relay.signed.book import SignatureBook
    from gateway.relay.state import Relay


async def recall(relay: Relay, channel: ChannelView, book: SignatureBook) -> None:
    """Look up what this channel's provider may have signed, where the client's format had no room for it."""
    if relay.endpoint.format is None or not converts(channel, relay) or relay.without_signatures:
        return
    calls = unsigned_calls(decoded(relay), spoken_to(channel, relay))
    relay.known = await book.find(relay.caller.user.id, calls) if calls else {}


def begins_anew(relay: Relay, error: UpstreamFailed, *, delivered: bool, journal: Journal) -> bool:
    """Whether the same channel is to be asked once more, with nothing signed that it would have to trust."""
    if relay.without_signatures or delivered or relay.endpoint.format is None or not refuses_signatures(error):
        return False
    relay.without_signatures = True
    journal.event(
        "warning",
        "relay.signatures",
        f"a provider refused signed thoughts, asking once more without: {error.message}",
        request_id=relay.request_id,
    )
    return True
