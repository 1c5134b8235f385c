"""Who was told that little quota is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from storage.account_tables import gw_reminders as reminders
from storage.records import UserStatus
from storage.repositories.rows import column, insert_unless_there
from storage.tables import users

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Balance:
    """What somebody has left, and how to reach them. An unlimited account never has little."""

    user_id: int
    username: str
    email: str
    quota: int
    is_unlimited: bool = False


def balances(conn: Connection, user_ids: Collection[int]) -> list[Balance]:
    """Return the balances of these accounts, as far as they are enabled."""
    unlimited = column(users, "unlimited_quota")
    columns = (users.c.id, users.c.username, users.c.email, users.c.quota, unlimited)
    rows = conn.execute(select(*columns).where(users.c.id.in_(user_ids), users.c.status == UserStatus.ENABLED))
    return [Balance(row[0], row[1], row[2] or "", row[3] or 0, bool(row[4])) for row in rows]


def forget(conn: Connection, user_ids: Collection[int]) -> None:
    """Note that these accounts have enough again."""
    conn.execute(delete(reminders).where(reminders.c.user_id.in_(user_ids)))


def note(conn: Connection, user_id: int, *, now_ms: int) -> bool:
    """Note that an account is reminded; `False` when it was, by whichever process, and has had little since."""
    if conn.execute(select(reminders.c.user_id).where(reminders.c.user_id == user_id)).first() is not None:
        return False
    return insert_unless_there(conn, insert(reminders).values(user_id=user_id, reminded_at=now_ms))
