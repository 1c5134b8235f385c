"""Entries of the log that management writes, in the transaction of what they tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms, now_s
from storage.records import LogRow, LogType
from storage.repositories import logs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.records import User


def write_entry(services: Services, conn: Connection, row: LogRow) -> None:
    """Store an entry; where logs live in another database it waits in the outbox, which a service empties."""
    logs.add(conn, row, elsewhere=services.log_database is not services.database, now_ms=now_ms())


def about(user: User, kind: LogType, content: str, *, quota: int = 0) -> LogRow:
    """Return an entry about an account."""
    return LogRow(
        user_id=user.id,
        created_at=now_s(),
        updated_at=now_ms(),
        type=kind,
        content=content,
        username=user.username,
        quota=quota,
    )
