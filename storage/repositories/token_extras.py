"""What tokens have beside one-api's columns: a note, former keys that still work, and a bin to be taken out of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, insert, or_, select, update

from storage.people_tables import gw_token_extras, gw_token_keys
from storage.records import TokenStatus
from storage.repositories import budgets, ledger
from storage.repositories.rows import insert_unless_there, many, query
from storage.tables import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerKey:
    """A key that a token had. It works until `until` (Unix seconds)."""

    key_hash: str
    token_id: int
    until: int


def is_there() -> ColumnElement[bool]:
    """Match tokens that nobody threw away."""
    e = gw_token_extras.c
    return ~exists().where(e.token_id == tokens.c.id, e.trashed_at > 0)


def hash_of(key: str) -> str:
    """Return what a former key is known by."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


# --- notes


def notes_of(conn: Connection, token_ids: Sequence[int]) -> dict[int, str]:
    """Return the notes of some tokens; those without one are left out."""
    if not token_ids:
        return {}
    e = gw_token_extras.c
    rows = conn.execute(select(e.token_id, e.note).where(e.token_id.in_(list(token_ids)), e.note != ""))
    return {int(number): str(note) for number, note in rows}


def set_note(conn: Connection, token_id: int, note: str) -> None:
    """Write a token's note."""
    _put(conn, token_id, {"note": note[:LONGEST_NOTE]})


# --- whether messages are recorded


def recorded_among(conn: Connection, token_ids: Sequence[int]) -> frozenset[int]:
    """Return which of some tokens have their messages recorded."""
    if not token_ids:
        return frozenset()
    e = gw_token_extras.c
    rows = conn.execute(select(e.token_id).where(e.token_id.in_(list(token_ids)), e.records.is_(True)))
    return frozenset(int(number) for number in rows.scalars())


def set_records(conn: Connection, token_id: int, records: bool) -> None:
    """Write whether a token's messages are recorded."""
    _put(conn, token_id, {"records": records})


# --- former keys


def keep_key(conn: Connection, token_id: int, key: str, *, until: int) -> None:
    """Let a key that a token had work until a moment."""
    conn.execute(insert(gw_token_keys).values(key_hash=hash_of(key), token_id=token_id, until=until))


def former_keys(conn: Connection, token_id: int, *, now_s: int) -> list[FormerKey]:
    """Return the former keys of a token that still work, the longest first."""
    c = gw_token_keys.c
    wanted = query(gw_token_keys, FormerKey).where(c.token_id == token_id, c.until > now_s)
    return many(conn, FormerKey, wanted.order_by(c.until.desc(), c.key_hash))


def drop_keys(conn: Connection, token_id: int) -> int:
    """End all former keys of a token; return how many there were."""
    return int(conn.execute(delete(gw_token_keys).where(gw_token_keys.c.token_id == token_id)).rowcount)


def token_of_former_key(conn: Connection, key: str, *, now_s: int) -> int | None:
    """Return the token that a former key still works for."""
    c = gw_token_keys.c
    return conn.execute(select(c.token_id).where(c.key_hash == hash_of(key), c.until > now_s)).scalar()


def delete_old_keys(conn: Connection, *, now_s: int, limit: int) -> int:
    """Delete up to `limit` former keys that no longer work; return how many."""
    c = gw_token_keys.c
    found = conn.execute(select(c.key_hash).where(c.until <= now_s).limit(limit)).scalars().all()
    if found:
        conn.execute(delete(gw_token_keys).where(c.key_hash.in_(found)))
    return len(found)


# --- the bin


def trash(conn: Connection, token_id: int, *, status: int, now_ms: int) -> None:
    """Switch a token off and hide it; `status` is what it has now."""
    _put(conn, token_id, {"trashed_at": now_ms, "status_before": status})
    conn.execute(update(tokens).where(tokens.c.id == token_id).values(status=TokenStatus.DISABLED, updated_at=now_ms))


def restore(conn: Connection, token_id: int, *, now_ms: int) -> bool:
    """Take a token out of the bin, as it was; `False` when it is not there any more."""
    e = gw_token_extras.c
    row = conn.execute(
        select(e.status_before).where(e.token_id == token_id, e.trashed_at > 0).with_for_update()
    ).first()
    if row is None:
        return False
    changed = conn.execute(
        update(tokens).where(tokens.c.id == token_id).values(status=row.status_before, updated_at=now_ms)
    )
    _put(conn, token_id, {"trashed_at": 0, "status_before": 0})
    return bool(changed.rowcount)


def trashed_before(conn: Connection, before_ms: int, *, limit: int) -> list[int]:
    """Return tokens that were thrown away before a moment."""
    e = gw_token_extras.c
    wanted = select(e.token_id).where(e.trashed_at > 0, e.trashed_at < before_ms).order_by(e.trashed_at).limit(limit)
    return [int(number) for number in conn.execute(wanted).scalars()]


def empty_trash(conn: Connection, *, before_ms: int, now_ms: int, limit: int) -> int:
    """Delete up to `limit` tokens for good that were thrown away before a moment; return how many."""
    numbers = trashed_before(conn, before_ms, limit=limit)
    for token_id in numbers:
        forget(conn, token_id)
        found = conn.execute(
            select(func.coalesce(tokens.c.remain_quota, 0)).where(tokens.c.id == token_id).with_for_update()
        ).scalar()
        if found is None:
            continue
        conn.execute(delete(tokens).where(tokens.c.id == token_id))
        if found:
            ledger.post(conn, kind="token", at_ms=now_ms, token_id=token_id, token_units=-found, note="deleted")
    return len(numbers)


def forget(conn: Connection, token_id: int) -> None:
    """Drop everything that is kept here of a token."""
    conn.execute(delete(gw_token_extras).where(gw_token_extras.c.token_id == token_id))
    conn.execute(delete(gw_token_keys).where(gw_token_keys.c.token_id == token_id))
    budgets.forget(conn, budgets.TOKEN, str(token_id))


def _put(conn: Connection, token_id: int, values: dict[str, object]) -> None:
    e = gw_token_extras.c
    if conn.execute(update(gw_token_extras).where(e.token_id == token_id).values(values)).rowcount:
        return
    fresh = insert(gw_token_extras).values(token_id=token_id, **values)
    if not insert_unless_there(conn, fresh):
        conn.execute(update(gw_token_extras).where(e.token_id == token_id).values(values))


def was_used() -> ColumnElement[bool]:
    """Match tokens that a request was charged to. New ones have the time of their making as their last use."""
    c = tokens.c
    return or_(
        func.coalesce(c.used_quota, 0) != 0,
        func.coalesce(c.accessed_time, 0) > func.coalesce(c.created_time, 0),
    )
