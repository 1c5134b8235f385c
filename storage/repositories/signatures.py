"""Signed thoughts by the tool call behind them, sealed by whoever keeps them here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from storage.signature_tables import gw_signatures as signatures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection


def put(conn: Connection, payloads: Mapping[str, str], *, expires_at_ms: int) -> None:
    """Store `payloads` by key, in place of what was there. Raises `Conflict` if somebody else does so right now."""
    if payloads:
        conn.execute(delete(signatures).where(signatures.c.key.in_(list(payloads))))
        conn.execute(
            insert(signatures),
            [{"key": key, "payload": payload, "expires_at": expires_at_ms} for key, payload in payloads.items()],
        )


def find(conn: Connection, keys: Sequence[str], *, now_ms: int) -> dict[str, str]:
    """Return what is stored under `keys` and has not expired."""
    query = select(signatures.c.key, signatures.c.payload)
    found = conn.execute(query.where(signatures.c.key.in_(keys), signatures.c.expires_at > now_ms))
    return {row.key: row.payload for row in found}


def delete_expired(conn: Connection, *, now_ms: int, limit: int) -> int:
    """Delete up to `limit` that have expired; return how many."""
    old = select(signatures.c.key).where(signatures.c.expires_at <= now_ms)
    keys = conn.execute(old.order_by(signatures.c.expires_at).limit(limit)).scalars().all()
    if keys:
        conn.execute(delete(signatures).where(signatures.c.key.in_(keys)))
    return len(keys)
