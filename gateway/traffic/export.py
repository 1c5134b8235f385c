"""The log as a file: all that fits, piece by piece, however much that is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.traffic.log import read_page
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gateway.services import Services
    from gateway.traffic.log import Entry, Look
    from storage.records import User
    from storage.repositories.log_pages import Place

_AT_ONCE = 500
COLUMNS = (
    "time",
    "type",
    "status",
    "outcome",
    "model",
    "asked_model",
    "channel_id",
    "channel",
    "user",
    "token",
    "group",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "quota",
    "first_ms",
    "total_ms",
    "tokens_per_second",
    "stream",
    "attempts",
    "endpoint",
    "format",
    "upstream_format",
    "address",
    "request_id",
    "trace_id",
    "session",
    "error",
    "content",
)
_FOR_ADMINS = frozenset(("channel_id", "channel"))
_TYPES = {1: "topup", 2: "consume", 3: "manage", 4: "system", 5: "test"}


def columns_for(actor: User) -> list[str]:
    """Return the columns that the actor may see."""
    return [name for name in COLUMNS if actor.role >= Role.ADMIN or name not in _FOR_ADMINS]


async def export(services: Services, actor: User, look: Look) -> AsyncIterator[Sequence[Sequence[object]]]:
    """Give all rows that fit, some at a time, in the order of `columns_for`."""
    columns = columns_for(actor)
    place: Place | None = None
    while True:
        page = await read_page(services, actor, look, place=place, size=_AT_ONCE)
        if page.entries:
            yield [[values[name] for name in columns] for values in map(_values, page.entries)]
        if page.older is None:
            return
        place = page.older


def _values(entry: Entry) -> dict[str, object]:
    return {
        "time": datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds"),
        "type": _TYPES.get(entry.type, entry.type),
        "status": entry.status,
        "outcome": entry.outcome,
        "model": entry.model,
        "asked_model": entry.asked_model,
        "channel_id": entry.channel_id or None,
        "channel": entry.channel,
        "user": entry.username,
        "token": entry.token_name,
        "group": entry.group,
        "prompt_tokens": entry.prompt_tokens,
        "cached_tokens": entry.cached_tokens,
        "completion_tokens": entry.completion_tokens,
        "quota": entry.units,
        "first_ms": entry.first_ms,
        "total_ms": entry.took_ms,
        "tokens_per_second": round(entry.speed, 1) if entry.speed is not None else None,
        "stream": str(entry.is_stream).lower(),
        "attempts": entry.attempts or None,
        "endpoint": entry.endpoint,
        "format": entry.format,
        "upstream_format": entry.spoken,
        "address": entry.address,
        "request_id": entry.request_id,
        "trace_id": entry.trace_id,
        "session": entry.session,
        "error": entry.error,
        "content": entry.content,
    }
