"""Codes and links that were mailed: one for each purpose and subject, good once, for a while, for few guesses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from storage.account_tables import gw_codes as codes

if TYPE_CHECKING:
    from sqlalchemy import Connection


def digest(*parts: str) -> str:
    """Return the hash under which a subject, or a secret together with its subject, is stored."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def put(conn: Connection, code_id: str, secret_hash: str, *, user_id: int = 0, expires_at: int, now_ms: int) -> None:
    """Store a code; the one before it for the same subject is void. Times are Unix milliseconds.

    Raises a conflict when another transaction stores one for the same subject at this moment.
    """
    conn.execute(delete(codes).where((codes.c.expires_at <= now_ms) | (codes.c.id == code_id)))
    values = {"id": code_id, "secret_hash": secret_hash, "user_id": user_id, "expires_at": expires_at}
    conn.execute(insert(codes).values(values))


def check(conn: Connection, code_id: str, secret_hash: str, *, most_failures: int, now_ms: int) -> bool:
    """Return whether the code is right, and count it if it is wrong; the last failure allowed makes it void."""
    row = conn.execute(
        select(codes.c.secret_hash, codes.c.failures)
        .where(codes.c.id == code_id, codes.c.expires_at > now_ms)
        .with_for_update()
    ).first()
    if row is None:
        return False
    if row.secret_hash == secret_hash:
        return True
    if row.failures + 1 >= most_failures:
        conn.execute(delete(codes).where(codes.c.id == code_id))
    else:
        conn.execute(update(codes).where(codes.c.id == code_id).values(failures=row.failures + 1))
    return False


def spend(conn: Connection, code_id: str, secret_hash: str, *, now_ms: int) -> bool:
    """Use the code up; `False` when it is wrong, too old or used. Of two at the same time one gets `True`."""
    used = conn.execute(
        delete(codes).where(codes.c.id == code_id, codes.c.secret_hash == secret_hash, codes.c.expires_at > now_ms)
    )
    return bool(used.rowcount)


def take_turn(conn: Connection, subject: str) -> None:
    """Wait until no other transaction has a turn for `subject`, and keep it until this one ends.

    For rules that no unique key of one-api's tables holds, such as one account to an e-mail address.
    """
    turn = digest("turn", subject)
    conn.execute(insert(codes).values(id=turn, secret_hash="", expires_at=0))
    conn.execute(delete(codes).where(codes.c.id == turn))
