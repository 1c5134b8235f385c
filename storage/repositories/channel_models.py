"""How a channel did with each of its models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

from storage.repositories.requests import FailedAttempt
from storage.repositories.rows import many, query
from storage.tables import abilities
from storage.traffic_tables import gw_attempts, gw_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


class Did(NamedTuple):
    """How many requests a channel answered, and how many attempts failed."""

    answered: int = 0
    failed: int = 0

    @property
    def share(self) -> float | None:
        """What part of the attempts failed; `None` without any."""
        total = self.answered + self.failed
        return self.failed / total if total else None


def by_model(conn: Connection, channel_id: int, *, since: int, until: int) -> dict[str, Did]:
    """Count what a channel did from `since` to before `until` (Unix seconds), by the model as it was sent.

    Failures are known by that name alone.
    """
    r, a = gw_requests.c, gw_attempts.c
    sent = case((r.sent_model == "", r.model), else_=r.sent_model).label("sent")
    answered = conn.execute(
        select(sent, func.count())
        .where(
            r.channel_id == channel_id,
            r.finished_at >= since * 1000,
            r.finished_at < until * 1000,
            r.failed.is_(False),
        )
        .group_by("sent")
    )
    found = {str(model): Did(answered=int(count)) for model, count in answered}
    failed = conn.execute(
        select(a.model, func.count())
        .where(a.channel_id == channel_id, a.failed_at >= since * 1000, a.failed_at < until * 1000)
        .group_by(a.model)
    )
    for model, count in failed:
        found[str(model)] = found.get(str(model), Did())._replace(failed=int(count))
    return found


def last_failures(
    conn: Connection, channel_id: int, models: Sequence[str], *, since_ms: int
) -> dict[str, FailedAttempt]:
    """Return the newest failed attempt of a channel with each of some models, as they were sent, since a moment."""
    a = gw_attempts.c
    newest = (
        select(func.max(a.id))
        .where(a.channel_id == channel_id, a.failed_at >= since_ms, a.model.in_(list(models)))
        .group_by(a.model)
    ).scalar_subquery()
    rows = many(conn, FailedAttempt, query(gw_attempts, FailedAttempt).where(a.id.in_(newest)))
    return {row.model: row for row in rows}


def enabled_groups(conn: Connection, channel_id: int) -> dict[str, int]:
    """Count for how many groups each model of a channel is on."""
    c = abilities.c
    rows = conn.execute(
        select(c.model, func.count()).where(c.channel_id == channel_id, c.enabled.is_(True)).group_by(c.model)
    )
    return {str(model): int(count) for model, count in rows}
