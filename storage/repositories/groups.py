"""Who belongs to which group: accounts by their column, channels by the list in theirs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.records import UserStatus
from storage.tables import channels, users

if TYPE_CHECKING:
    from sqlalchemy import Connection


def users_by_group(conn: Connection) -> dict[str, int]:
    """Return how many living accounts each group has; groups without any are missing."""
    wanted = select(users.c.group, func.count()).where(users.c.status != UserStatus.DELETED).group_by(users.c.group)
    return {group or "": int(count) for group, count in conn.execute(wanted)}


def channels_by_group(conn: Connection) -> dict[str, int]:
    """Return how many channels serve each group, switched off ones included."""
    found: Counter[str] = Counter()
    # Most channels have the same few lists: counted by the database, taken apart here.
    for text, count in conn.execute(select(channels.c.group, func.count()).group_by(channels.c.group)):
        for name in {part.strip() for part in (text or "").split(",") if part.strip()}:
            found[name] += int(count)
    return dict(found)
