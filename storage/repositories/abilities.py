"""Which channel serves which model to which group: rebuilt from the channel whenever it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from storage.records import Channel, ChannelStatus
from storage.tables import abilities

if TYPE_CHECKING:
    from sqlalchemy import Connection

# SQLite takes at most 32,766 values in a statement; a channel of 400 models in 20 groups has 8,000 rows.
_ROWS_PER_INSERT = 1000


def rebuild(conn: Connection, channel: Channel, *, now_ms: int) -> None:
    """Replace the rows of a channel. Suspensions go with the old rows: whoever saves a channel wants it tried."""
    conn.execute(delete(abilities).where(abilities.c.channel_id == channel.id))
    groups = _names(channel.group)
    models = _names(channel.models)
    rows = [
        {
            "group": group,
            "model": model,
            "channel_id": channel.id,
            "enabled": channel.status == ChannelStatus.ENABLED,
            "priority": channel.priority,
            "created_at": now_ms,
            "updated_at": now_ms,
        }
        for model in models
        for group in groups
    ]
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        conn.execute(insert(abilities), rows[start : start + _ROWS_PER_INSERT])


def switch(conn: Connection, channel_id: int, *, enabled: bool, now_ms: int) -> None:
    """Let the rows of a channel follow its state."""
    conn.execute(
        update(abilities).where(abilities.c.channel_id == channel_id).values(enabled=enabled, updated_at=now_ms)
    )


def remove(conn: Connection, channel_ids: list[int]) -> None:
    """Delete the rows of channels that are being deleted."""
    conn.execute(delete(abilities).where(abilities.c.channel_id.in_(channel_ids)))


def _names(text: str) -> list[str]:
    # A dict keeps the order and drops doubles, which the primary key would refuse.
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
