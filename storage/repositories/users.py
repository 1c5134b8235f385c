"""Accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, func, insert, or_, select, update

from storage.people_tables import gw_unlimited_users
from storage.records import User, UserStatus
from storage.repositories.rows import (
    Page,
    Sort,
    as_id,
    begins_with,
    fetch_page,
    insert_unless_there,
    many,
    one,
    ordering,
    query,
    whole,
)
from storage.tables import users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

SORTABLE = (
    "id",
    "username",
    "display_name",
    "role",
    "status",
    "email",
    "quota",
    "used_quota",
    "request_count",
    "group",
    "created_at",
    "updated_at",
)
_ALLOWED = {name: users.c[name] for name in SORTABLE}
_OLD_STYLE = {name: [users.c[name].desc()] for name in ("quota", "used_quota", "request_count")}
_ALIVE = users.c.status != UserStatus.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all accounts that are not deleted."""

    quota: int
    used_quota: int
    accounts: int
    enabled: int


def by_id(conn: Connection, user_id: int) -> User | None:
    """Return one account, deleted or not."""
    return one(conn, User, query(users, User).where(users.c.id == user_id))


def locked(conn: Connection, user_id: int) -> User | None:
    """Return one account and hold its row until the transaction ends, so that a change can build on what was read."""
    return one(conn, User, query(users, User).where(users.c.id == user_id).with_for_update())


def names_of(conn: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the names of some accounts, deleted ones among them."""
    if not ids:
        return {}
    rows = conn.execute(select(users.c.id, users.c.username).where(users.c.id.in_(list(ids))))
    return {int(number): str(name or "") for number, name in rows}


def by_ids(conn: Connection, ids: Sequence[int]) -> list[User]:
    """Return some accounts."""
    return many(conn, User, query(users, User).where(users.c.id.in_(list(ids)))) if ids else []


def by_name(conn: Connection, username: str) -> User | None:
    """Return the account with exactly this name."""
    return one(conn, User, query(users, User).where(users.c.username == username))


def by_login(conn: Connection, text: str) -> User | None:
    """Return the account that signs in as `text`: its name, else an e-mail address that only one account has."""
    found = by_name(conn, text)
    if found is not None or "@" not in text:
        return found
    owners = many(conn, User, query(users, User).where(users.c.email == text, _ALIVE).limit(2))
    return owners[0] if len(owners) == 1 else None


def by_access_token(conn: Connection, token: str) -> User | None:
    """Return the account with this access token."""
    return one(conn, User, query(users, User).where(users.c.access_token == token))


def by_aff_code(conn: Connection, code: str) -> User | None:
    """Return the living account with this invitation code."""
    return one(conn, User, query(users, User).where(users.c.aff_code == code, _ALIVE))


def page(conn: Connection, wanted: Page, sort: Sort) -> tuple[list[User], int]:
    """Return one page of the accounts that are not deleted, and their number."""
    return _page(conn, [_ALIVE], sort, wanted)


def search(conn: Connection, keyword: str, sort: Sort, wanted: Page | None) -> tuple[list[User], int]:
    """Find living accounts by number, or by the beginning of name, e-mail address or display name."""
    where: list[ColumnElement[bool]] = [_ALIVE]
    if keyword:
        matches = [begins_with(users.c[name], keyword) for name in ("username", "email", "display_name")]
        number = as_id(keyword)
        if number is not None:
            matches.append(users.c.id == number)
        where.append(or_(*matches))
    return _page(conn, where, sort, wanted)


def add(conn: Connection, values: dict[str, object]) -> int:
    """Store a new account and return its id. Raises a conflict for a taken name, access token or invitation code."""
    key = conn.execute(insert(users).values(values)).inserted_primary_key
    return int(key[0]) if key else 0


def change(conn: Connection, user_id: int, values: dict[str, object]) -> bool:
    """Write `values` to an account; never used for balances. `False` when there is no such account."""
    return bool(conn.execute(update(users).where(users.c.id == user_id).values(values)).rowcount)


def add_quota(conn: Connection, user_id: int, units: int, *, now_ms: int, most: int) -> bool:
    """Move the balance of a living account by `units`; `False` when there is none or it would pass `most`."""
    changed = conn.execute(
        update(users)
        .where(users.c.id == user_id, _ALIVE, users.c.quota + units <= most)
        .values(quota=users.c.quota + units, updated_at=now_ms)
    )
    return bool(changed.rowcount)


def set_unlimited(conn: Connection, user_id: int, unlimited: bool, *, now_ms: int) -> None:
    """Have an account spend without a balance, or by its balance again."""
    if unlimited:
        insert_unless_there(conn, insert(gw_unlimited_users).values(user_id=user_id, since=now_ms))
    else:
        conn.execute(delete(gw_unlimited_users).where(gw_unlimited_users.c.user_id == user_id))


def totals(conn: Connection) -> Totals:
    """Return sums over all living accounts."""
    enabled = func.sum(case((users.c.status == UserStatus.ENABLED, 1), else_=0))
    row = conn.execute(
        select(
            whole(func.sum(users.c.quota)), whole(func.sum(users.c.used_quota)), func.count(), whole(enabled)
        ).where(_ALIVE)
    ).one()
    return Totals(quota=int(row[0]), used_quota=int(row[1]), accounts=int(row[2]), enabled=int(row[3]))


def _page(
    conn: Connection, where: list[ColumnElement[bool]], sort: Sort, wanted: Page | None
) -> tuple[list[User], int]:
    order = ordering(conn, users, sort, allowed=_ALLOWED, old_style=_OLD_STYLE)
    return fetch_page(conn, users, User, where=where, order=order, page=wanted)
