"""Rows that a settlement leaves behind: log, cost and trace, made fit for every engine.

A charge must never fail for the text beside it. So what an engine would refuse is bent to fit here: NUL
characters (PostgreSQL), lone surrogates (all), values longer than their column (PostgreSQL, MySQL).
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec

from storage.records import LogRow, LogType

if TYPE_CHECKING:
    from storage.records import TraceRow

Values = dict[str, Any]

_NAME = 191
_ID = 64
_FIELDS = frozenset(field.name for field in fields(LogRow))
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LogRow)


def fit(text: str, limit: int | None = None) -> str:
    """Return `text` as every engine takes it, at most `limit` characters long."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if limit is None else text[:limit]


def log_values(log: LogRow, *, quota: int) -> Values:
    """Return the row of `logs` for `log`, saying that `quota` units were charged."""
    return {
        "user_id": log.user_id,
        "created_at": log.created_at,
        "type": log.type,
        "content": fit(log.content),
        "username": fit(log.username, _NAME),
        "token_name": fit(log.token_name, _NAME),
        "model_name": fit(log.model_name, _NAME),
        "quota": quota,
        "prompt_tokens": log.prompt_tokens,
        "completion_tokens": log.completion_tokens,
        "channel_id": log.channel_id,
        "request_id": fit(log.request_id, _NAME),
        "trace_id": fit(log.trace_id, _ID),
        "updated_at": log.updated_at,
        "elapsed_time": log.elapsed_time,
        "is_stream": log.is_stream,
        "system_prompt_reset": log.system_prompt_reset,
        "cached_prompt_tokens": log.cached_prompt_tokens,
        "cached_completion_tokens": log.cached_completion_tokens,
    }


def outbox_values(values: Values, *, now_ms: int) -> Values:
    """Return the row of `gw_outbox` that carries a row of `logs` to the log database."""
    return {"key": token_hex(16), "payload": _encoder.encode(values).decode(), "created_at": now_ms}


def outbox_log(payload: str) -> Values:
    """Return the row of `logs` that an outbox row carries. Raises `ValueError` if it does not hold one."""
    try:
        values = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ValueError("the outbox row holds no log row") from error
    return {name: value for name, value in values.items() if name in _FIELDS and name != "id"}


def cost_values(*, request_id: str, user_id: int, units: int, now_ms: int) -> Values:
    """Return the row of `user_request_costs` for a request."""
    return {
        "created_time": now_ms // 1000,
        "user_id": user_id,
        "request_id": request_id,
        "quota": units,
        "created_at": now_ms,
        "updated_at": now_ms,
    }


def trace_values(trace: TraceRow) -> Values:
    """Return the row of `traces` for `trace`."""
    return {
        "trace_id": fit(trace.trace_id, _ID),
        "url": fit(trace.url, 512),
        "method": fit(trace.method, 16),
        "body_size": trace.body_size,
        "status": trace.status,
        "timestamps": fit(trace.timestamps),
        "created_at": trace.created_at,
        "updated_at": trace.updated_at,
    }


def seed_text(log: LogRow) -> str:
    """Return `log` as the text that `seed_log` reads."""
    try:
        return _encoder.encode(log).decode()
    except UnicodeEncodeError:
        clean = {name: fit(value) if isinstance(value, str) else value for name, value in asdict(log).items()}
        return json.dumps(clean)


def seed_log(text: str, *, user_id: int, channel_id: int, request_id: str) -> LogRow:
    """Return the log row that a reservation carries; what cannot be read gives one of the facts alone.

    Never raises: a reservation must be settled even if another version of this program wrote it.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return LogRow(user_id=user_id, type=LogType.CONSUME, channel_id=channel_id, request_id=request_id)
