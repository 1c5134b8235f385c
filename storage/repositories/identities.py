"""Accounts by what belongs to one of them only: an e-mail address, a third party's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select

from storage.records import Role, User, UserStatus
from storage.repositories.rows import many, query
from storage.tables import users

if TYPE_CHECKING:
    from sqlalchemy import Connection

ForeignId = Literal["github_id", "oidc_id", "lark_id", "wechat_id"]
"""The columns that hold a third party's ids."""


def by_address(conn: Connection, address: str) -> list[User]:
    """Return the accounts with this e-mail address in any case, deleted ones among them, oldest first.

    One-api let several accounts have the same one.
    """
    wanted = folded(address)
    found = many(
        conn, User, query(users, User).where(func.lower(users.c.email) == address.lower()).order_by(users.c.id)
    )
    # To MySQL `é` is `e`: an address that merely looks alike must not pass for somebody's.
    return [user for user in found if folded(user.email) == wanted]


def by_foreign_id(conn: Connection, column: ForeignId, value: str) -> User | None:
    """Return the account that a third party's id belongs to; deleted ones keep theirs."""
    found = many(conn, User, query(users, User).where(users.c[column] == value).order_by(users.c.id))
    # To MySQL the ids `Ab` and `ab` are the same; to third parties they are two people.
    return next((user for user in found if getattr(user, column) == value), None)


def folded(address: str) -> str:
    """Return what e-mail addresses are compared by: case does not count, as far as it is plain ASCII.

    Beyond that lower case is treacherous: that of the Kelvin sign is `k`.
    """
    return address.lower() if address.isascii() else address


def address_of_root(conn: Connection) -> str:
    """Return the e-mail address of the first root account that has one, or empty."""
    addresses = select(users.c.email).where(
        users.c.role == Role.ROOT, users.c.status == UserStatus.ENABLED, func.coalesce(users.c.email, "") != ""
    )
    return str(conn.execute(addresses.order_by(users.c.id).limit(1)).scalar() or "")


def next_id(conn: Connection) -> int:
    """Return the number that the next account probably gets; for names only."""
    return int(conn.execute(select(func.max(users.c.id))).scalar() or 0) + 1
