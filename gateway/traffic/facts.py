"""A relay that ended, as the row that pages show.

Kinds of failed attempts: `auth`, `rate_limit`, `quota`, `timeout`, `server`, `request`, `network`, `cut`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio

from adapters.pricing.figures import UNITS_PER_USD
from gateway.relay.errors import OutOfQuota, UpstreamCut, UpstreamUnreachable
from gateway.relay.state import now_ms
from storage.repositories.requests import FailedAttempt, FinishedRequest

if TYPE_CHECKING:
    from adapters.pricing.charge import Charge
    from adapters.pricing.usage import Usage
    from gateway.relay.errors import RelayError
    from gateway.relay.state import Relay, Try

_LONGEST_ERROR = 500
_PER_MILLION = 1_000_000
_LONGEST_AGENT = 200


class TryFacts(msgspec.Struct, omit_defaults=True):
    """One attempt. Times in milliseconds since the request was received."""

    channel_id: int
    channel: str
    model: str = ""
    began: int = 0
    head: int | None = None
    """The provider's status line and headers were there."""
    first: int | None = None
    """The client got the first content."""
    ended: int = 0
    status: int = 0
    """Of the failure; 0 for an attempt that did not fail."""
    kind: str = ""
    error: str = ""


class Bill(msgspec.Struct, omit_defaults=True):
    """What the charge was made of, beside the tokens. Prices in USD per million tokens, before the group's ratio."""

    input_usd: float = 0.0
    output_usd: float = 0.0
    group_ratio: float = 1.0
    tool_units: int = 0
    cache_write: int = 0
    """Tokens written to a cache; they cost more than others."""
    reasoning: int = 0
    """Those of the answer that nobody saw."""
    is_fallback: bool = False
    """Nobody knows a price for this model."""


class Detail(msgspec.Struct, omit_defaults=True):
    """What only the page of one request shows."""

    tries: list[TryFacts] = []
    received_at: int = 0
    """Unix milliseconds."""
    reserved: int | None = None
    """When the reservation was durable, in milliseconds since the request was received."""
    path: str = ""
    size: int = 0
    address: str = ""
    agent: str = ""
    group: str = ""
    dropped: list[str] = []
    prompt_reset: bool = False
    bill: Bill | None = None


_decoder = msgspec.json.Decoder(Detail)


def read_detail(text: str) -> Detail:
    """Return a stored detail; what cannot be read is an empty one."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return Detail()


def kind_of(error: RelayError) -> str:
    """Return in a word what went wrong."""
    if isinstance(error, UpstreamCut):
        return "timeout" if error.status == 504 else "cut"
    if error.status in (408, 504):
        return "timeout"
    if isinstance(error, UpstreamUnreachable):
        return "network"
    if error.status in (401, 403):
        return "auth"
    if error.status == 429:
        return "rate_limit"
    if error.status == 402 or isinstance(error, OutOfQuota):
        return "quota"
    return "server" if error.status >= 500 else "request"


def finished(
    relay: Relay,
    *,
    outcome: str,
    status: int,
    cost: Charge | None,
    usage: Usage | None,
    error: RelayError | None,
    logged: bool,
) -> tuple[FinishedRequest, list[FailedAttempt]]:
    """Return the row of a relay that ends now, and those of its attempts that failed."""
    at_ms = now_ms()
    since = relay.timestamps.get("request_received", at_ms)
    first = relay.timestamps.get("first_client_response")
    row = FinishedRequest(
        request_id=relay.request_id,
        trace_id=relay.trace_id,
        finished_at=at_ms,
        user_id=relay.caller.user.id,
        username=relay.caller.user.username,
        token_name=relay.caller.token.name,
        model=relay.model,
        sent_model=relay.sent_model,
        channel_id=relay.channel.id if relay.channel is not None else 0,
        endpoint=relay.endpoint.kind.value,
        is_stream=relay.streams,
        status=status,
        outcome=outcome,
        failed=outcome != "ok",
        logged=logged,
        attempts=len(relay.tries),
        first_ms=None if first is None else max(first - since, 0),
        duration_ms=round((trio.current_time() - relay.started_at) * 1000),
        prompt_tokens=cost.prompt_tokens if cost is not None else relay.prompt_tokens,
        completion_tokens=cost.completion_tokens if cost is not None else 0,
        cached_tokens=usage.cached_read if usage is not None else 0,
        units=cost.units if cost is not None else 0,
        error=error.message[:_LONGEST_ERROR] if error is not None else "",
        detail=_detail(relay, since=since, at_ms=at_ms, bill=_bill(cost, usage)),
    )
    failures = [
        FailedAttempt(
            request_id=relay.request_id,
            failed_at=tried.ended_ms,
            channel_id=tried.channel_id,
            model=tried.model,
            status=tried.status,
            kind=tried.kind,
            duration_ms=max(tried.ended_ms - tried.began_ms, 0),
            error=tried.error[:_LONGEST_ERROR],
        )
        for tried in relay.tries
        if tried.kind
    ]
    return row, failures


def _bill(cost: Charge | None, usage: Usage | None) -> Bill | None:
    if cost is None:
        return None
    input_usd = float(cost.ratio * _PER_MILLION / UNITS_PER_USD)
    return Bill(
        input_usd=input_usd,
        output_usd=input_usd * float(cost.completion_ratio),
        group_ratio=float(cost.group_ratio),
        tool_units=cost.tool_units,
        cache_write=usage.cache_write_5m + usage.cache_write_1h if usage is not None else 0,
        reasoning=usage.reasoning if usage is not None else 0,
        is_fallback=cost.is_fallback,
    )


def _detail(relay: Relay, *, since: int, at_ms: int, bill: Bill | None) -> str:
    detail = Detail(
        tries=[_try(tried, since=since, at_ms=at_ms) for tried in relay.tries],
        received_at=since,
        path=relay.head.path[:200],
        size=len(relay.body.raw) if relay.form is None else relay.form.size,
        address=relay.head.address,
        agent=relay.head.header(b"user-agent")[:_LONGEST_AGENT],
        group=relay.group,
        dropped=list(relay.dropped),
        prompt_reset=relay.system_prompt_reset,
        bill=bill,
        reserved=relay.reserved_ms - since if relay.reserved_ms else None,
    )
    try:
        return msgspec.json.encode(detail).decode()
    except UnicodeEncodeError:
        # A name of a channel may hold what is no text.
        return "{}"


def _try(tried: Try, *, since: int, at_ms: int) -> TryFacts:
    def offset(moment: int | None) -> int | None:
        return None if moment is None else max(moment - since, 0)

    return TryFacts(
        channel_id=tried.channel_id,
        channel=tried.channel,
        model=tried.model,
        began=max(tried.began_ms - since, 0),
        head=offset(tried.stamps.get("first_upstream_response")),
        first=offset(tried.stamps.get("first_client_response")),
        ended=max((tried.ended_ms or at_ms) - since, 0),
        status=tried.status,
        kind=tried.kind,
        error=tried.error[:_LONGEST_ERROR],
    )
