"""How often models failed, day by day, for reasons that are ours or a provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from storage.traffic_tables import gw_attempts as attempts
from storage.traffic_tables import gw_requests as requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

DAY_S: Final = 86_400
# What a client did wrong, or did not pay for, says nothing of a model.
_OURS: Final[Sequence[str]] = ("upstream_failed", "deadline", "drained")
# The same for attempts: their kinds that blame the request.
_THEIRS: Final[Sequence[str]] = ("request",)


def failures_by_day(conn: Connection, models: Sequence[str], *, since_s: int) -> dict[tuple[str, int], int]:
    """Return how many requests failed by model and by the day's beginning (Unix seconds, UTC)."""
    day_ms = DAY_S * 1000
    day = (requests.c.finished_at - requests.c.finished_at % day_ms).label("day")
    rows = conn.execute(
        select(requests.c.model, day, func.count())
        .where(
            requests.c.failed.is_(True),
            requests.c.finished_at >= since_s * 1000,
            requests.c.outcome.in_(_OURS),
            requests.c.model.in_(models),
        )
        .group_by(requests.c.model, day)
    )
    return {(model, int(start) // 1000): int(count) for model, start, count in rows}


def failed_attempts_by_day(conn: Connection, channels: Sequence[int], *, since_s: int) -> dict[tuple[int, int], int]:
    """Return how many attempts failed by channel and by the day's beginning (Unix seconds, UTC)."""
    day_ms = DAY_S * 1000
    day = (attempts.c.failed_at - attempts.c.failed_at % day_ms).label("day")
    rows = conn.execute(
        select(attempts.c.channel_id, day, func.count())
        .where(
            attempts.c.channel_id.in_(channels),
            attempts.c.failed_at >= since_s * 1000,
            attempts.c.kind.not_in(_THEIRS),
        )
        .group_by(attempts.c.channel_id, day)
    )
    return {(int(channel), int(start) // 1000): int(count) for channel, start, count in rows}
