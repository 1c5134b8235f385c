"""API tokens, seen by their owners. The relay reads them through `relay_reads`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, insert, or_, select, true, update

from storage.records import Token, TokenStatus
from storage.repositories.rows import Page, Sort, begins_with, fetch_page, many, one, ordering, query
from storage.repositories.token_extras import forget, is_there
from storage.tables import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

SORTABLE = (
    "id",
    "name",
    "status",
    "created_time",
    "accessed_time",
    "expired_time",
    "remain_quota",
    "unlimited_quota",
    "used_quota",
    "created_at",
    "updated_at",
)
_ALLOWED = {name: tokens.c[name] for name in SORTABLE}
_OLD_STYLE = {
    "remain_quota": [tokens.c.unlimited_quota.desc(), tokens.c.remain_quota.desc()],
    "used_quota": [tokens.c.used_quota.desc()],
}


def page(conn: Connection, user_id: int, keyword: str, sort: Sort, wanted: Page) -> tuple[list[Token], int]:
    """Return one page of an account's tokens whose names begin with `keyword`, and their number."""
    where = [tokens.c.user_id == user_id, is_there()]
    if keyword:
        where.append(begins_with(tokens.c.name, keyword))
    order = ordering(conn, tokens, sort, allowed=_ALLOWED, old_style=_OLD_STYLE)
    return fetch_page(conn, tokens, Token, where=where, order=order, page=wanted)


def own(conn: Connection, user_id: int, token_id: int) -> Token | None:
    """Return a token of this account."""
    return _own(conn, user_id, token_id, lock=False)


def own_locked(conn: Connection, user_id: int, token_id: int) -> Token | None:
    """Return a token of this account and hold its row until the transaction ends."""
    return _own(conn, user_id, token_id, lock=True)


def anybody_s(conn: Connection, token_id: int, *, lock: bool = False) -> Token | None:
    """Return a token, whoever's it is, and hold its row if asked to."""
    wanted = query(tokens, Token).where(tokens.c.id == token_id, is_there())
    return one(conn, Token, wanted.with_for_update() if lock else wanted)


def limited_of(conn: Connection, names: Sequence[tuple[int, str]]) -> list[Token]:
    """Return the tokens of these owners and names that are in use and have a limit of their own."""
    if not names:
        return []
    wanted = or_(*(and_(tokens.c.user_id == owner, tokens.c.name == name) for owner, name in names))
    limited = [tokens.c.status == TokenStatus.ENABLED, tokens.c.unlimited_quota.is_not(true()), is_there()]
    return many(conn, Token, query(tokens, Token).where(wanted, *limited))


def by_id(conn: Connection, token_id: int) -> Token | None:
    """Return any token, one that was thrown away as well."""
    return one(conn, Token, query(tokens, Token).where(tokens.c.id == token_id))


def add(conn: Connection, values: dict[str, object]) -> int:
    """Store a new token and return its id. Raises a conflict for a taken key."""
    key = conn.execute(insert(tokens).values(values)).inserted_primary_key
    return int(key[0]) if key else 0


def change(conn: Connection, token_id: int, values: dict[str, object], *, add_units: int = 0) -> bool:
    """Write `values` to a token and move what remains by `add_units`. `False` when there is no such token."""
    changed = conn.execute(
        update(tokens).where(tokens.c.id == token_id).values(remain_quota=tokens.c.remain_quota + add_units, **values)
    )
    return bool(changed.rowcount)


def consume(conn: Connection, token_id: int, units: int, *, now_s: int, now_ms: int) -> bool:
    """Take `units` from a token; an unlimited one only counts them. `False` when too little remains."""
    counted = {
        "used_quota": tokens.c.used_quota + units,
        "accessed_time": now_s,
        "updated_at": now_ms,
    }
    limited = conn.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.unlimited_quota.is_not(true()), tokens.c.remain_quota >= units)
        .values(remain_quota=tokens.c.remain_quota - units, **counted)
    )
    if limited.rowcount:
        return True
    unlimited = conn.execute(
        update(tokens).where(tokens.c.id == token_id, tokens.c.unlimited_quota.is_(true())).values(counted)
    )
    return bool(unlimited.rowcount)


def numbers_of(conn: Connection, user_id: int, name: str) -> list[int]:
    """Return the ids of an account's tokens of a name."""
    c = tokens.c
    return list(conn.execute(select(c.id).where(c.user_id == user_id, c.name == name, is_there())).scalars())


def remove(conn: Connection, user_id: int, token_id: int) -> bool:
    """Delete a token of this account; `False` when it has none with this id."""
    gone = bool(conn.execute(delete(tokens).where(tokens.c.id == token_id, tokens.c.user_id == user_id)).rowcount)
    if gone:
        forget(conn, token_id)
    return gone


def _own(conn: Connection, user_id: int, token_id: int, *, lock: bool) -> Token | None:
    wanted = query(tokens, Token).where(tokens.c.id == token_id, tokens.c.user_id == user_id, is_there())
    return one(conn, Token, wanted.with_for_update() if lock else wanted)
