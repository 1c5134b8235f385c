"""What it takes to undo what was just done to channels: copies of rows that were deleted, values that were replaced.

A copy of a deleted row is the row as it was stored, so that sealed secrets stay sealed. While it is away relays may
still settle on the channel: the ledger tells how much, and the row comes back with that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.channel_tables import gw_channel_undo as undo
from storage.ledger_tables import gw_ledger
from storage.repositories import channel_keys, channel_labels, channel_tests
from storage.repositories.rows import insert_unless_there
from storage.tables import channels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

REMOVED, CHANGED = "removed", "changed"
# No transaction of the ledger lasts as long: what a settlement books is seen before or after, never missed.
_OVERLAP_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Replaced:
    """By column, what a channel had before and what it was given."""

    channel_id: int
    values: Mapping[str, tuple[object, object]]


def keep_rows(conn: Connection, batch: str, channel_ids: Sequence[int], *, now_ms: int, expires_at: int) -> None:
    """Keep copies of channels that are about to be deleted. The caller holds their rows."""
    since = now_ms - _OVERLAP_MS
    booked = _booked(conn, channel_ids, since)
    found = conn.execute(select(channels).where(channels.c.id.in_(list(channel_ids)))).mappings().all()
    rows = []
    for row in found:
        values = {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        payload = json.dumps({"row": values, "booked": booked.get(row["id"], 0), "since": since})
        rows.append(_row(batch, row["id"], REMOVED, payload, expires_at))
    if rows:
        conn.execute(insert(undo), rows)


def bring_back(conn: Connection, batch: str, *, now_ms: int) -> list[int]:
    """Store the channels of a batch again, under the ids that they had, and return these; each only once."""
    restored = []
    for channel_id, text in _taken(conn, batch, REMOVED, now_ms):
        payload = json.loads(text)
        booked = _booked(conn, [channel_id], payload["since"]).get(channel_id, 0)
        row = payload["row"]
        row["used_quota"] = (row["used_quota"] or 0) + booked - payload["booked"]
        if insert_unless_there(conn, insert(channels).values(row)):
            restored.append(channel_id)
    return restored


def keep_values(conn: Connection, batch: str, changes: Sequence[Replaced], *, expires_at: int) -> None:
    """Keep what was replaced in channels."""
    rows = [
        _row(
            batch,
            one.channel_id,
            CHANGED,
            json.dumps({name: list(pair) for name, pair in one.values.items()}),
            expires_at,
        )
        for one in changes
    ]
    if rows:
        conn.execute(insert(undo), rows)


def replaced(conn: Connection, batch: str, *, now_ms: int) -> list[Replaced]:
    """Return what a batch replaced, in the order of ids; only once."""
    return [
        Replaced(channel_id, {name: (before, after) for name, (before, after) in json.loads(text).items()})
        for channel_id, text in _taken(conn, batch, CHANGED, now_ms)
    ]


def delete_expired(conn: Connection, *, now_ms: int, limit: int) -> int:
    """Forget up to `limit` copies that are too old, and what else is known of channels that are gone with them."""
    wanted = select(undo.c.batch, undo.c.channel_id, undo.c.kind).where(undo.c.expires_at <= now_ms).limit(limit)
    found = conn.execute(wanted).all()
    for batch in {row.batch for row in found}:
        ids = [row.channel_id for row in found if row.batch == batch]
        conn.execute(delete(undo).where(undo.c.batch == batch, undo.c.channel_id.in_(ids)))
    removed = {row.channel_id for row in found if row.kind == REMOVED}
    if removed:
        # Restored in between, or deleted a second time.
        there = set(conn.execute(select(channels.c.id).where(channels.c.id.in_(removed))).scalars())
        there |= set(
            conn.execute(
                select(undo.c.channel_id).where(undo.c.channel_id.in_(removed), undo.c.kind == REMOVED)
            ).scalars()
        )
        channel_labels.forget(conn, sorted(removed - there))
        channel_tests.forget(conn, sorted(removed - there))
        channel_keys.forget(conn, sorted(removed - there))
    return len(found)


def forget_rows(conn: Connection) -> None:
    """Forget all copies of deleted rows: they hold secrets as these were sealed then, or not sealed at all."""
    conn.execute(delete(undo).where(undo.c.kind == REMOVED))


def _row(batch: str, channel_id: int, kind: str, payload: str, expires_at: int) -> dict[str, object]:
    return {"batch": batch, "channel_id": channel_id, "kind": kind, "payload": payload, "expires_at": expires_at}


def _taken(conn: Connection, batch: str, kind: str, now_ms: int) -> list[tuple[int, str]]:
    """Return the payloads of a batch and delete them: whoever comes second finds nothing."""
    where = (undo.c.batch == batch, undo.c.kind == kind, undo.c.expires_at > now_ms)
    wanted = select(undo.c.channel_id, undo.c.payload).where(*where).order_by(undo.c.channel_id).with_for_update()
    found = [(int(number), str(text)) for number, text in conn.execute(wanted)]
    conn.execute(delete(undo).where(*where))
    return found


def _booked(conn: Connection, channel_ids: Sequence[int], since_ms: int) -> dict[int, int]:
    rows = conn.execute(
        select(gw_ledger.c.channel_id, func.sum(gw_ledger.c.channel_units))
        .where(gw_ledger.c.channel_id.in_(list(channel_ids)), gw_ledger.c.created_at >= since_ms)
        .group_by(gw_ledger.c.channel_id)
    )
    return {int(number): int(units or 0) for number, units in rows}
