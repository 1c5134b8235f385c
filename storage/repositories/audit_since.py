"""What was changed about some channels since a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.audit_tables import gw_audit as audit
from storage.repositories.audit import AuditRow
from storage.repositories.rows import many, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


def channel_changes(conn: Connection, channel_ids: Sequence[int], *, since_ms: int, limit: int) -> list[AuditRow]:
    """Return the newest changes of some channels, newest first."""
    wanted = (
        query(audit, AuditRow)
        .where(audit.c.kind == "channel", audit.c.object_id.in_(list(channel_ids)), audit.c.created_at >= since_ms)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    return many(conn, AuditRow, wanted)
