"""Turn how a relay ended into a settlement: the one exit for money, log, cost and trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import trio

from adapters.pricing.charge import log_text
from gateway.ledger.types import Settlement
from gateway.observe.types import RelaySummary
from gateway.relay.state import now_ms
from storage.records import LogRow, LogType, TraceRow

if TYPE_CHECKING:
    from adapters.pricing.charge import Charge
    from adapters.pricing.usage import Usage
    from gateway.relay.errors import RelayError
    from gateway.relay.state import Relay


def log_row(relay: Relay, *, channel_id: int, model: str, cost: Charge | None, usage: Usage | None) -> LogRow:
    """Return the log row of a relay; without `cost` the seed that a reaper would write."""
    return LogRow(
        user_id=relay.caller.user.id,
        created_at=int(time.time()),
        type=LogType.CONSUME,
        content=log_text(cost) if cost is not None else "",
        username=relay.caller.user.username,
        token_name=relay.caller.token.name,
        model_name=model,
        quota=cost.units if cost is not None else 0,
        prompt_tokens=cost.prompt_tokens if cost is not None else relay.prompt_tokens,
        completion_tokens=cost.completion_tokens if cost is not None else 0,
        channel_id=channel_id,
        request_id=relay.request_id,
        trace_id=relay.trace_id,
        updated_at=now_ms(),
        elapsed_time=round((trio.current_time() - relay.started_at) * 1000),
        is_stream=relay.streams,
        system_prompt_reset=relay.system_prompt_reset,
        cached_prompt_tokens=usage.cached_read if usage is not None else 0,
    )


def trace_row(relay: Relay, *, is_over: bool = True) -> TraceRow:
    """Return the trace of a relay that ends now; with `is_over` unset as if it did."""
    if is_over:
        relay.stamp("request_completed")
    stamps = {"request_completed": now_ms()} | relay.timestamps
    return TraceRow(
        trace_id=relay.trace_id,
        url=relay.head.raw_path[:512],
        method=relay.head.method,
        body_size=len(relay.body.raw) if relay.form is None else relay.form.size,
        status=relay.client.status,
        timestamps=msgspec.json.encode(stamps).decode("ascii"),
        created_at=stamps["request_received"],
        updated_at=stamps["request_completed"],
    )


def settlement(relay: Relay, *, cost: Charge | None, usage: Usage | None, log_consumption: bool) -> Settlement:
    """Return the settlement of a relay that reserved; `cost` `None` when nothing was delivered."""
    assert relay.channel is not None, "a relay that reserved has a channel"  # noqa: S101
    log = None
    if cost is not None and log_consumption:
        log = log_row(relay, channel_id=relay.channel.id, model=relay.sent_model, cost=cost, usage=usage)
    return Settlement(
        request_id=relay.request_id,
        user_id=relay.caller.user.id,
        token_id=relay.caller.token.id,
        token_limited=not relay.caller.token.unlimited_quota,
        channel_id=relay.channel.id,
        units=cost.units if cost is not None else 0,
        counted=cost is not None,
        log=log,
        trace=trace_row(relay),
    )


def summary(
    relay: Relay, *, outcome: str, cost: Charge | None, usage: Usage | None, error: RelayError | None
) -> RelaySummary:
    """Return what operators see of a relay that ended."""
    now = trio.current_time()
    if relay.client.status or error is None:
        status = relay.client.status
    else:
        # Nobody was there to be told.
        status = error.status
    return RelaySummary(
        request_id=relay.request_id,
        user=relay.caller.user.username,
        token_name=relay.caller.token.name,
        endpoint=relay.endpoint.kind.value,
        model=relay.model,
        channel=relay.channel.label if relay.channel is not None else "",
        status=status,
        outcome=outcome,
        is_stream=relay.streams,
        attempts=relay.attempts,
        first_content_s=None if relay.first_content_at is None else relay.first_content_at - relay.started_at,
        duration_s=now - relay.started_at,
        prompt_tokens=cost.prompt_tokens if cost is not None else 0,
        completion_tokens=cost.completion_tokens if cost is not None else 0,
        cached_tokens=usage.cached_read if usage is not None else 0,
        units=cost.units if cost is not None else 0,
        error=error.message if error is not None else "",
    )
