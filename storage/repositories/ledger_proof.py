"""The proof that the books add up: every balance is its opening plus the ledger, less what is reserved.

One statement for each kind of account, so that each sees one moment whatever the isolation level: a relay
moves balance, ledger and reservation together. Unlimited tokens are left out, since their rest means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import case, false, func, select

from storage.ledger_tables import gw_ledger, gw_reservations
from storage.repositories.ledger import CORRECTION, OPENING, post
from storage.tables import channels, tokens, users

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Subquery, Table

AccountKind = Literal["user", "token", "channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A balance that the ledger does not explain, in quota units.

    `opened` is false for an account that has no opening: one-api made it, or changed it, behind our back.
    """

    kind: AccountKind
    id: int
    expected: int
    found: int
    opened: bool

    @property
    def difference(self) -> int:
        """How much more there is than there should be."""
        return self.found - self.expected


def read_differences(conn: Connection) -> list[Difference]:
    """Return every account whose balance is not what opening, ledger and reservations say."""
    ledger, reserved = gw_ledger.c, gw_reservations.c
    return [
        *_compare(
            conn,
            "user",
            table=users,
            balance=users.c.quota,
            entries=_sums(ledger.user_id, ledger.user_units),
            held=_held(reserved.user_id, reserved.user_units),
        ),
        *_compare(
            conn,
            "token",
            table=tokens,
            balance=tokens.c.remain_quota,
            entries=_sums(ledger.token_id, ledger.token_units),
            held=_held(reserved.token_id, reserved.token_units),
            only=func.coalesce(tokens.c.unlimited_quota, false()) == false(),
        ),
        *_compare(
            conn,
            "channel",
            table=channels,
            balance=channels.c.used_quota,
            entries=_sums(ledger.channel_id, ledger.channel_units),
            held=None,
        ),
    ]


def book_differences(conn: Connection, differences: list[Difference], *, at_ms: int, note: str) -> None:
    """Append rows that explain `differences`, read in the same transaction; balances stay as they are."""
    for item in differences:
        kind = CORRECTION if item.opened else OPENING
        units = item.difference
        if item.kind == "user":
            post(conn, kind=kind, at_ms=at_ms, user_id=item.id, user_units=units, note=note)
        elif item.kind == "token":
            post(conn, kind=kind, at_ms=at_ms, token_id=item.id, token_units=units, note=note)
        else:
            post(conn, kind=kind, at_ms=at_ms, channel_id=item.id, channel_units=units, note=note)


def _sums(account: ColumnElement[int], units: ColumnElement[int]) -> Subquery:
    return (
        select(
            account.label("account"),
            func.sum(units).label("units"),
            func.max(case((gw_ledger.c.kind == OPENING, 1), else_=0)).label("opened"),
        )
        .where(account != 0)
        .group_by(account)
        .subquery("entries")
    )


def _held(account: ColumnElement[int], units: ColumnElement[int]) -> Subquery:
    return select(account.label("account"), func.sum(units).label("units")).group_by(account).subquery("held")


def _compare(
    conn: Connection,
    kind: AccountKind,
    *,
    table: Table,
    balance: ColumnElement[int],
    entries: Subquery,
    held: Subquery | None,
    only: ColumnElement[bool] | None = None,
) -> list[Difference]:
    found = func.coalesce(balance, 0)
    expected: ColumnElement[int] = func.coalesce(entries.c.units, 0)
    source = table.outerjoin(entries, entries.c.account == table.c.id)
    if held is not None:
        expected = expected - func.coalesce(held.c.units, 0)
        source = source.outerjoin(held, held.c.account == table.c.id)
    query = (
        select(table.c.id, expected, found, func.coalesce(entries.c.opened, 0))
        .select_from(source)
        .where(found != expected)
        .order_by(table.c.id)
    )
    if only is not None:
        query = query.where(only)
    return [
        # int(): sums are decimals on servers.
        Difference(kind=kind, id=id_, expected=int(due), found=int(there), opened=bool(opened))
        for id_, due, there, opened in conn.execute(query)
    ]
