"""The columns of a channel that hold secrets: sealed on their way into the table, opened on their way out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from storage.repositories import channel_keys, channel_undo
from storage.sealing import Sealer, is_sealed, sealer_of
from storage.tables import channels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from storage.records import Channel

COLUMNS = ("key", "config")


def opened(conn: Connection, found: Iterable[Channel]) -> list[Channel]:
    """Return channels with readable secrets; those that no secret opens stay sealed."""
    sealer = sealer_of(conn)
    if not sealer.seals:
        return list(found)
    return [replace(channel, key=sealer.open(channel.key), config=sealer.open(channel.config)) for channel in found]


def sealed(conn: Connection, values: Mapping[str, object]) -> dict[str, object]:
    """Return values of columns as they are to be stored."""
    sealer = sealer_of(conn)
    return {
        name: sealer.seal(value) if name in COLUMNS and isinstance(value, str) else value
        for name, value in values.items()
    }


def is_locked(channel: Channel) -> bool:
    """Whether a secret of `channel` could not be opened."""
    return is_sealed(channel.key) or is_sealed(channel.config)


def rewrite(conn: Connection, sealer: Sealer, *, seal: bool) -> tuple[int, list[int]]:
    """Seal all secrets with the first secret of `sealer`, or store all as plain text.

    Returns how many channels were written, and the ids of those that no secret opens, which are left as they are.
    """
    written, locked = 0, []
    rows = conn.execute(select(channels.c.id, *(channels.c[name] for name in COLUMNS)).with_for_update()).all()
    for row in rows:
        plain = {name: sealer.open(row._mapping[name] or "") for name in COLUMNS}
        if any(is_sealed(text) for text in plain.values()):
            locked.append(row.id)
            continue
        # Sealed anew, too, so that an old secret can be taken away afterwards.
        values = {name: sealer.seal(text) if seal else text for name, text in plain.items() if text}
        if values and any(values[name] != row._mapping[name] for name in values):
            conn.execute(update(channels).where(channels.c.id == row.id).values(values))
            written += 1
    # Copies of rows that were deleted a moment ago would stay as they were sealed.
    channel_undo.forget_rows(conn)
    channel_keys.forget_stray(conn)
    locked += [number for number in channel_keys.rewrite(conn, sealer, seal=seal) if number not in locked]
    return written, locked
