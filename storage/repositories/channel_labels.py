"""What people write on channels: a tag to find several by, and a note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.channel_tables import gw_channel_labels as labels
from storage.tables import channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What stands on a channel; empty texts for one that nobody wrote on."""

    tag: str = ""
    note: str = ""


def of(conn: Connection, channel_id: int) -> Label:
    """Return what stands on a channel."""
    return of_several(conn, [channel_id])[channel_id]


def of_several(conn: Connection, channel_ids: Sequence[int]) -> dict[int, Label]:
    """Return what stands on each of some channels."""
    found = dict.fromkeys(channel_ids, Label())
    if channel_ids:
        wanted = select(labels.c.channel_id, labels.c.tag, labels.c.note).where(
            labels.c.channel_id.in_(list(channel_ids))
        )
        found |= {int(number): Label(tag=tag, note=note) for number, tag, note in conn.execute(wanted)}
    return found


def put(conn: Connection, channel_id: int, label: Label) -> None:
    """Write on a channel, in place of what stood there. The caller holds the channel's row."""
    conn.execute(delete(labels).where(labels.c.channel_id == channel_id))
    if label != Label():
        conn.execute(insert(labels).values(channel_id=channel_id, tag=label.tag, note=label.note))


def tags(conn: Connection) -> dict[str, int]:
    """Return the tags that channels have, in order, each with their number."""
    wanted = (
        select(labels.c.tag, func.count())
        .select_from(labels.join(channels, channels.c.id == labels.c.channel_id))
        .where(labels.c.tag != "")
        .group_by(labels.c.tag)
        .order_by(labels.c.tag)
    )
    return {str(tag): int(number) for tag, number in conn.execute(wanted)}


def forget(conn: Connection, channel_ids: Sequence[int]) -> None:
    """Take away what stands on channels that are gone for good."""
    if channel_ids:
        conn.execute(delete(labels).where(labels.c.channel_id.in_(list(channel_ids))))
