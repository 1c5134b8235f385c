"""The keys of channels that use several in turn. The first of each stays in the channel's own row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from storage.channel_tables import gw_channel_undo as undo
from storage.key_tables import gw_channel_keys as keys
from storage.repositories.ledger_rows import fit
from storage.sealing import is_sealed, sealer_of
from storage.tables import channels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from storage.sealing import Sealer

LONGEST_ERROR = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key. Times are Unix milliseconds, 0 for never; `rests` has Unix seconds by model."""

    id: int
    channel_id: int
    key: str = field(default="", repr=False)
    """Empty: the one in the channel's own row."""
    added_at: int = 0
    bad_at: int = 0
    """When the provider refused it; it is left out since."""
    rests: Mapping[str, float] = field(default_factory=dict)
    failed_at: int = 0
    status: int = 0
    error: str = ""

    @property
    def is_first(self) -> bool:
        """Whether the key itself is in the channel's own row."""
        return not self.key

    @property
    def is_locked(self) -> bool:
        """Whether no secret of the operator's opens it."""
        return is_sealed(self.key)


def everything(conn: Connection) -> list[KeyRow]:
    """Return all keys, those of a channel in the order in which they were added."""
    return _read(conn, conn.execute(select(keys).order_by(keys.c.channel_id, keys.c.id)).all())


def of_channel(conn: Connection, channel_id: int) -> list[KeyRow]:
    """Return the keys of a channel, the first one first; none where it has only one."""
    rows = _read(conn, conn.execute(select(keys).where(keys.c.channel_id == channel_id).order_by(keys.c.id)).all())
    return sorted(rows, key=lambda row: not row.is_first)


def add(conn: Connection, channel_id: int, added: Sequence[str], *, now_ms: int) -> None:
    """Give a channel more keys; `""` stands for the one in its own row."""
    sealer = sealer_of(conn)
    for key in added:
        values = {"channel_id": channel_id, "key": sealer.seal(key), "added_at": now_ms, "rests": "{}"}
        conn.execute(insert(keys).values(**values))


def remove(conn: Connection, key_id: int) -> None:
    """Take a key away."""
    conn.execute(delete(keys).where(keys.c.id == key_id))


def become_first(conn: Connection, key_id: int) -> None:
    """The key itself moves to the channel's own row, which is the caller's to write; what is known of it stays."""
    conn.execute(update(keys).where(keys.c.id == key_id).values(key=""))


def clear(conn: Connection, key_id: int) -> bool:
    """Use a key again; `False` when nothing was held against it."""
    changed = conn.execute(
        update(keys)
        .where(keys.c.id == key_id, (keys.c.bad_at != 0) | (keys.c.rests != "{}"))
        .values(bad_at=0, rests="{}")
    )
    return bool(changed.rowcount)


def first_changed(conn: Connection, channel_id: int) -> None:
    """The key in the channel's own row is another one now: what was known of the old one is forgotten."""
    conn.execute(
        update(keys)
        .where(keys.c.channel_id == channel_id, keys.c.key == "")
        .values(bad_at=0, rests="{}", failed_at=0, status=0, error="")
    )


def note_failure(
    conn: Connection, key_id: int, *, at_ms: int, status: int, error: str, model: str, until: float, bad: bool
) -> bool:
    """Store that a key rests for a model until a moment (Unix seconds), or that it is bad.

    Returns whether it became bad by this: `False` also for one that was so already, or is gone.
    """
    row = conn.execute(select(keys.c.bad_at, keys.c.rests).where(keys.c.id == key_id).with_for_update()).first()
    if row is None:
        return False
    values: dict[str, object] = {"failed_at": at_ms, "status": status, "error": fit(error, LONGEST_ERROR)}
    if bad:
        values["bad_at"] = row.bad_at or at_ms
    elif until > at_ms / 1000:
        left = {name: end for name, end in _rests(row.rests).items() if end > at_ms / 1000}
        values["rests"] = json.dumps(left | {model: max(until, left.get(model, 0.0))})
    conn.execute(update(keys).where(keys.c.id == key_id).values(values))
    return bad and not row.bad_at


def forget(conn: Connection, channel_ids: Sequence[int]) -> None:
    """Delete the keys of channels that are gone for good."""
    if channel_ids:
        conn.execute(delete(keys).where(keys.c.channel_id.in_(list(channel_ids))))


def forget_stray(conn: Connection) -> int:
    """Delete keys of channels that are gone and cannot come back; return how many. The original program, which may
    have deleted their channels, knows nothing of them."""
    there = select(channels.c.id)
    kept = select(undo.c.channel_id).where(undo.c.kind == "removed")
    return conn.execute(delete(keys).where(keys.c.channel_id.not_in(there), keys.c.channel_id.not_in(kept))).rowcount


def rewrite(conn: Connection, sealer: Sealer, *, seal: bool) -> list[int]:
    """Seal all keys with the first secret of `sealer`, or store all as plain text.

    Returns the channels whose keys no secret opens; those keys are left as they are.
    """
    locked = set()
    for row in conn.execute(select(keys.c.id, keys.c.channel_id, keys.c.key).with_for_update()).all():
        plain = sealer.open(row.key)
        if is_sealed(plain):
            locked.add(int(row.channel_id))
        elif plain:
            conn.execute(update(keys).where(keys.c.id == row.id).values(key=sealer.seal(plain) if seal else plain))
    return sorted(locked)


def _read(conn: Connection, rows: Sequence[Row[tuple[object, ...]]]) -> list[KeyRow]:
    sealer = sealer_of(conn)
    return [
        KeyRow(
            id=int(row.id),
            channel_id=int(row.channel_id),
            key=sealer.open(row.key),
            added_at=int(row.added_at),
            bad_at=int(row.bad_at),
            rests=_rests(row.rests),
            failed_at=int(row.failed_at),
            status=int(row.status),
            error=row.error,
        )
        for row in rows
    ]


def _rests(text: str) -> dict[str, float]:
    try:
        stored: object = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(stored, dict):
        return {}
    return {name: float(end) for name, end in stored.items() if isinstance(end, int | float)}
