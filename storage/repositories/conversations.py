"""Conversations of the playground that people kept: `gw_conversations`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from storage.playground_tables import gw_conversations as conversations
from storage.repositories.rows import one, query

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConversation:
    """One of somebody's conversations. `created_at` in Unix milliseconds, `content` JSON."""

    id: int = 0
    user_id: int
    created_at: int
    title: str = ""
    content: str = "{}"


def titles(conn: Connection, user_id: int, limit: int) -> list[tuple[int, str, int]]:
    """Return number, title and time of somebody's newest conversations, the newest first."""
    c = conversations.c
    wanted = select(c.id, c.title, c.created_at).where(c.user_id == user_id).order_by(c.id.desc()).limit(limit)
    return [(int(number), str(title), int(at)) for number, title, at in conn.execute(wanted)]


def own(conn: Connection, user_id: int, number: int) -> StoredConversation | None:
    """Return one of somebody's conversations."""
    is_it = (conversations.c.id == number) & (conversations.c.user_id == user_id)
    return one(conn, StoredConversation, query(conversations, StoredConversation).where(is_it))


def count(conn: Connection, user_id: int) -> int:
    """Return how many conversations somebody keeps."""
    wanted = select(func.count()).select_from(conversations).where(conversations.c.user_id == user_id)
    return int(conn.execute(wanted).scalar_one())


def add(conn: Connection, row: StoredConversation) -> int:
    """Store a conversation, and return its number; its own does not count."""
    values = {"user_id": row.user_id, "created_at": row.created_at, "title": row.title, "content": row.content}
    found = conn.execute(insert(conversations).values(values)).inserted_primary_key
    assert found is not None, "the engine makes the number"  # noqa: S101
    return int(found[0])


def remove(conn: Connection, user_id: int, number: int) -> bool:
    """Delete one of somebody's conversations; `False` when there is none."""
    is_it = (conversations.c.id == number) & (conversations.c.user_id == user_id)
    return conn.execute(delete(conversations).where(is_it)).rowcount > 0
