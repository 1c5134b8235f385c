"""Accounts by what belongs to one of them only: an e-mail address, a third party's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select

from storage.records import User
from storage.repositories.rows import many, one, query
from storage.tables import users

if TYPE_CHECKING:
    from sqlalchemy import Connection

ForeignId = Literal["github_id", "oidc_id", "lark_id", "wechat_id"]
"""The columns that hold a third party's ids."""


def by_address(conn: Connection, address: str) -> list[User]:
    """Return the accounts with this e-mail address in any case, deleted ones among them, oldest first.

    One-api let several accounts have the same one.
    """
    return many(
        conn, User, query(users, User).where(func.lower(users.c.email) == address.lower()).order_by(users.c.id)
    )


def by_foreign_id(conn: Connection, column: ForeignId, value: str) -> User | None:
    """Return the account that a third party's id belongs to; deleted ones keep theirs."""
    return one(conn, User, query(users, User).where(users.c[column] == value).order_by(users.c.id))


def next_id(conn: Connection) -> int:
    """Return the number that the next account probably gets; for names only."""
    return int(conn.execute(select(func.max(users.c.id))).scalar() or 0) + 1
