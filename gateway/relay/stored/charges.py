"""What a background response costs: worked out when its usage is known, from what was agreed when it was made.

Its reservation stays until then. It is settled by whoever learns first how the response ended; the books take one
settlement for each request, so that it does not matter if two of them do.
"""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from adapters.pricing.charge import Mode, charge, log_text
from adapters.pricing.price import ModelConfig
from gateway.ledger.types import Settlement
from gateway.relay import settle
from storage.records import LogRow, TraceRow
from storage.repositories.ledger_rows import fit

if TYPE_CHECKING:
    from adapters.pricing.book import PriceBook
    from adapters.pricing.usage import Usage
    from gateway.relay.state import Relay

UNKNOWN_NOTE = "settled by estimate: the provider does not tell any more what this response used"


class Pending(msgspec.Struct, kw_only=True):
    """What the charge of a background response depends on. `held_units` is what is reserved for it."""

    request_id: str
    user_id: int
    token_id: int
    token_limited: bool
    channel_id: int
    channel_type: int
    sent_model: str
    ratio: Decimal | None
    completion_ratio: Decimal | None
    group_ratio: Decimal
    held_units: int
    begun_s: float
    logs: bool
    log: LogRow
    trace: TraceRow

    def as_text(self) -> str:
        """Return it as `read_pending` reads it."""
        try:
            return msgspec.json.encode(self).decode()
        except UnicodeEncodeError:
            # Names in rows that others wrote may hold what is no text.
            return msgspec.json.encode(_clean(msgspec.to_builtins(self))).decode()


def _clean(value: object) -> object:
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return fit(value) if isinstance(value, str) else value


_decoder = msgspec.json.Decoder(Pending)


def read_pending(text: str) -> Pending | None:
    """Return what `as_text` wrote; `None` for what another version wrote."""
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def pending_of(relay: Relay, *, held_units: int, is_over: bool) -> Pending:
    """Return what `relay`, whose response goes on without it, leaves to be charged later. `is_over`: it ends now."""
    channel, token = relay.channel, relay.caller.token
    assert channel is not None, "a relay that has an answer has a channel"  # noqa: S101
    own = channel.model_configs.get(relay.sent_model) or ModelConfig()
    return Pending(
        request_id=relay.request_id,
        user_id=relay.caller.user.id,
        token_id=token.id,
        token_limited=not token.unlimited_quota,
        channel_id=channel.id,
        channel_type=channel.type,
        sent_model=relay.sent_model,
        ratio=own.ratio,
        completion_ratio=own.completion_ratio,
        group_ratio=channel.group_ratio,
        held_units=held_units,
        begun_s=time.time(),
        logs=relay.snapshot.options.flag("LogConsumeEnabled"),
        log=settle.log_row(relay, channel_id=channel.id, model=relay.sent_model, cost=None, usage=None),
        trace=settle.trace_row(relay, is_over=is_over),
    )


def used_settlement(pending: Pending, usage: Usage, prices: PriceBook) -> Settlement:
    """Return the settlement of a response that used `usage`."""
    override = ModelConfig(ratio=pending.ratio, completion_ratio=pending.completion_ratio)
    price = prices.resolve(pending.channel_type, pending.sent_model, override).at(pending.begun_s)
    cost = charge(price, usage, pending.group_ratio, mode=Mode.RESPONSES)
    log = replace(
        pending.log,
        content=log_text(cost),
        quota=cost.units,
        prompt_tokens=cost.prompt_tokens,
        completion_tokens=cost.completion_tokens,
        cached_prompt_tokens=usage.cached_read,
    )
    return _settlement(pending, units=cost.units, log=log)


def unknown_settlement(pending: Pending) -> Settlement:
    """Return the settlement of a response of which nobody tells any more what it used: what was reserved."""
    log = replace(pending.log, content=UNKNOWN_NOTE, quota=pending.held_units)
    return _settlement(pending, units=pending.held_units, log=log)


def unused_settlement(pending: Pending) -> Settlement:
    """Return the settlement of a response that failed and used nothing."""
    return _settlement(pending, units=0, log=None)


def _settlement(pending: Pending, *, units: int, log: LogRow | None) -> Settlement:
    ended_ms = time.time_ns() // 1_000_000
    if log is not None:
        log = replace(log, elapsed_time=max(ended_ms - round(pending.begun_s * 1000) + log.elapsed_time, 0))
    return Settlement(
        request_id=pending.request_id,
        user_id=pending.user_id,
        token_id=pending.token_id,
        token_limited=pending.token_limited,
        channel_id=pending.channel_id,
        units=units,
        counted=log is not None,
        log=log if pending.logs else None,
        trace=pending.trace,
    )
