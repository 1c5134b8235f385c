"""Why a relay ended, in the words that its client is told and in the one word that operators search for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.relay.errors import Interrupted, OutOfQuota, RelayError, UpstreamFailed

if TYPE_CHECKING:
    from gateway.relay.client import Client
    from gateway.relay.running import RunningRelay


def interruption(client: Client, running: RunningRelay) -> Interrupted:
    """Return why the scope of `running` was cancelled."""
    if client.left:
        return Interrupted("the client left", status=499, code="client_gone")
    if running.end_reason == "drained":
        return Interrupted("the gateway is shutting down", status=503, code="drained")
    if running.end_reason:
        return Interrupted("an operator ended this request", status=503, code="cancelled")
    return Interrupted("the request took longer than allowed", status=504, code="deadline")


def outcome(error: RelayError | None) -> str:
    """Return the `outcome` of `RelaySummary` for a relay that ended with `error`."""
    if error is None:
        return "ok"
    if isinstance(error, Interrupted):
        return error.code
    if isinstance(error, OutOfQuota):
        return "quota"
    return "upstream_failed" if isinstance(error, UpstreamFailed) else "refused"
