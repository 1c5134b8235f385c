"""Responses that a provider keeps, by user and id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from storage.repositories.ledger_rows import fit
from storage.response_tables import gw_responses as responses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

KEPT_MS = 30 * 24 * 3600 * 1000
"""As long as OpenAI keeps them (https://platform.openai.com/docs/guides/your-data)."""
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """One response. Times are Unix milliseconds.

    `ask_at` and `pending` belong to a background response that is not charged yet; else they are `None` and empty.
    """

    response_id: str
    user_id: int
    channel_id: int
    key_id: int = 0
    """With which of several keys of the channel it was made; 0: it had only one."""
    model: str
    created_at: int
    ask_at: int | None = None
    pending: str = ""

    @property
    def key(self) -> str:
        """What it is stored under."""
        return response_key(self.user_id, self.response_id)


def response_key(user_id: int, response_id: str) -> str:
    """Return what a user's response is stored under."""
    return hashlib.sha256(f"{user_id}\n{response_id}".encode("utf-8", "surrogatepass")).hexdigest()


def put(conn: Connection, stored: Sequence[StoredResponse]) -> None:
    """Store `stored`, in place of what was known of them. Raises `Conflict` if somebody else does so right now."""
    values = {
        one.key: {
            "key": one.key,
            "response_id": fit(one.response_id, _LONGEST_ID),
            "user_id": one.user_id,
            "channel_id": one.channel_id,
            "key_id": one.key_id,
            "model": fit(one.model, _LONGEST_ID),
            "created_at": one.created_at,
            "expires_at": one.created_at + KEPT_MS,
            "ask_at": one.ask_at,
            "pending": one.pending or None,
        }
        for one in stored
    }
    if values:
        conn.execute(delete(responses).where(responses.c.key.in_(list(values))))
        conn.execute(insert(responses), list(values.values()))


def find(conn: Connection, key: str) -> StoredResponse | None:
    """Return what is stored under `key`."""
    row = conn.execute(select(responses).where(responses.c.key == key)).first()
    return None if row is None else _read(row)


def forget(conn: Connection, key: str) -> None:
    """Remove what is stored under `key`."""
    conn.execute(delete(responses).where(responses.c.key == key))


def due(conn: Connection, *, now_ms: int, limit: int) -> list[StoredResponse]:
    """Return up to `limit` background responses that are to be asked about, those first that wait longest."""
    query = select(responses).where(responses.c.ask_at <= now_ms).order_by(responses.c.ask_at).limit(limit)
    return [_read(row) for row in conn.execute(query)]


def put_off(conn: Connection, stored: StoredResponse, *, until_ms: int) -> bool:
    """Ask about `stored` again at `until_ms`; `False` when somebody else said so first, or it is charged."""
    done = conn.execute(
        update(responses)
        .where(responses.c.key == stored.key, responses.c.ask_at == stored.ask_at)
        .values(ask_at=until_ms)
    )
    return bool(done.rowcount)


def charged(conn: Connection, key: str) -> None:
    """Note that a background response is charged."""
    conn.execute(update(responses).where(responses.c.key == key).values(ask_at=None, pending=None))


def delete_expired(conn: Connection, *, now_ms: int, limit: int) -> int:
    """Delete up to `limit` responses that their provider has let go, too; return how many."""
    old = select(responses.c.key).where(responses.c.expires_at <= now_ms, responses.c.ask_at.is_(None))
    keys = conn.execute(old.order_by(responses.c.expires_at).limit(limit)).scalars().all()
    if keys:
        conn.execute(delete(responses).where(responses.c.key.in_(keys)))
    return len(keys)


def _read(row: Row[tuple[object, ...]]) -> StoredResponse:
    return StoredResponse(
        response_id=row.response_id,
        user_id=row.user_id,
        channel_id=row.channel_id,
        key_id=row.key_id or 0,
        model=row.model,
        created_at=row.created_at,
        ask_at=row.ask_at,
        pending=row.pending or "",
    )
