"""Lists as pages show them: text search joined with filters by column, for accounts, tokens, channels and codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, or_, select

from storage.records import Channel, Redemption, Token, User, UserStatus
from storage.repositories import channels as channel_rows
from storage.repositories import redemptions as code_rows
from storage.repositories import tokens as token_rows
from storage.repositories import users as user_rows
from storage.repositories.channel_secrets import opened
from storage.repositories.rows import Page, Sort, as_id, contains, fetch_page, ordering
from storage.tables import abilities, channels, redemptions, tokens, users

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows: `text` is looked for in names and, if it is a number, in ids; columns must equal their values."""

    text: str = ""
    equal: Mapping[str, int | str] | None = None
    group: str = ""
    """Channels only: one of the groups that they serve."""
    model: str = ""
    """Channels only: one of the models that they serve."""


@dataclass(frozen=True, slots=True)
class _List:
    table: Table
    searched: Sequence[str]
    sortable: Sequence[str]


_USERS = _List(users, ("username", "display_name", "email"), user_rows.SORTABLE)
_TOKENS = _List(tokens, ("name",), token_rows.SORTABLE)
_CHANNELS = _List(channels, ("name", "base_url"), channel_rows.SORTABLE)
_CODES = _List(redemptions, ("name",), code_rows.SORTABLE)


def user_page(conn: Connection, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[User], int]:
    """Return one page of the accounts that are not deleted, and their number."""
    where = [users.c.status != UserStatus.DELETED, *_where(_USERS, wanted)]
    return fetch_page(conn, users, User, where=where, order=_order(conn, _USERS, sort), page=page)


def token_page(conn: Connection, user_id: int, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[Token], int]:
    """Return one page of an account's tokens, and their number."""
    where = [tokens.c.user_id == user_id, *_where(_TOKENS, wanted)]
    return fetch_page(conn, tokens, Token, where=where, order=_order(conn, _TOKENS, sort), page=page)


def code_page(conn: Connection, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[Redemption], int]:
    """Return one page of redemption codes, and their number."""
    where = _where(_CODES, wanted)
    return fetch_page(conn, redemptions, Redemption, where=where, order=_order(conn, _CODES, sort), page=page)


def channel_page(conn: Connection, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[Channel], int]:
    """Return one page of channels, and their number; unsorted, those that are tried first come first."""
    where = _where(_CHANNELS, wanted)
    if wanted.group or wanted.model:
        serves = [abilities.c.channel_id == channels.c.id]
        if wanted.group:
            serves.append(abilities.c.group == wanted.group)
        if wanted.model:
            serves.append(abilities.c.model == wanted.model)
        where.append(exists().where(and_(*serves)))
    order: Sequence[ColumnElement[object]] = _order(conn, _CHANNELS, sort)
    if not sort.column:
        first: ColumnElement[object] = func.coalesce(channels.c.priority, 0).desc()
        second: ColumnElement[object] = func.coalesce(channels.c.weight, 0).desc()
        order = [first, second, *order]
    rows, total = fetch_page(conn, channels, Channel, where=where, order=order, page=page)
    return opened(conn, rows), total


def channel_counts(conn: Connection) -> dict[int, int]:
    """Return how many channels there are by state."""
    rows = conn.execute(select(channels.c.status, func.count()).group_by(channels.c.status))
    return {int(status or 0): int(number) for status, number in rows}


def tested_since(conn: Connection, seconds: int) -> int:
    """Return how many channels were tested at or after a moment."""
    wanted = select(func.count()).select_from(channels).where(channels.c.test_time >= seconds)
    return int(conn.execute(wanted).scalar_one())


def _where(kind: _List, wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if wanted.text:
        matches = [contains(kind.table.c[name], wanted.text) for name in kind.searched]
        number = as_id(wanted.text)
        if number is not None:
            matches.append(kind.table.c.id == number)
        where.append(or_(*matches))
    for name, value in (wanted.equal or {}).items():
        where.append(kind.table.c[name] == value)
    return where


def _order(conn: Connection, kind: _List, sort: Sort) -> list[ColumnElement[object]]:
    return ordering(conn, kind.table, sort, allowed={name: kind.table.c[name] for name in kind.sortable})
