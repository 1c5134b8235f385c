"""Lists of accounts, tokens and codes with the filters of their pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, false, func, not_, or_, select

from storage.people_tables import gw_code_extras
from storage.records import Redemption, RedemptionStatus, Token, TokenStatus, User, UserStatus
from storage.repositories import redemptions as code_rows
from storage.repositories import tokens as token_rows
from storage.repositories import users as user_rows
from storage.repositories.list_figures import codes_by, tokens_by, users_by
from storage.repositories.rows import Page, Sort, as_id, column, contains, fetch_page, ordering
from storage.repositories.token_extras import is_there, was_used
from storage.tables import redemptions, tokens, users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, FromClause, Table

    from storage.repositories.list_figures import Figure, TokenSpans


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFilter:
    """Which tokens. Empty values do not narrow; `now_s` is what "expired" is measured by."""

    now_s: int
    user_id: int = 0
    text: str = ""
    status: int = 0
    """As they are shown: a token whose time is over counts as expired before anybody tried it."""
    model: str = ""
    """One that they may use."""
    expires_before: int = 0
    is_unused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """Which accounts. Deleted ones are never among them."""

    text: str = ""
    role: int = 0
    status: int = 0
    group: str = ""
    below: int | None = None
    """Whose balance is less than this."""
    is_idle: bool = False
    """Who never sent a request."""
    has_no_second_factor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFilter:
    """Which codes. `state`: `unused`, `disabled`, `used` or `expired`."""

    now_s: int
    text: str = ""
    state: str = ""
    name: str = ""
    """Exactly this one, which all codes of a batch have."""


def token_page(
    conn: Connection, wanted: TokenFilter, sort: Sort, page: Page, spans: TokenSpans | None = None
) -> tuple[list[Token], int]:
    """Return one page of tokens, and their number. `spans`: for what is sorted by how they are used."""
    c = tokens.c
    where = [is_there(), *_found(tokens, ("name",), wanted.text)]
    if wanted.user_id:
        where.append(c.user_id == wanted.user_id)
    if wanted.status:
        where.append(_has_status(wanted.status, wanted.now_s))
    if wanted.model:
        where.append(or_(func.coalesce(c.models, "") == "", contains("," + c.models + ",", f",{wanted.model},")))
    if wanted.expires_before:
        where.append(and_(c.expired_time > wanted.now_s, c.expired_time < wanted.expires_before))
    if wanted.is_unused:
        where.append(not_(was_used()))
    figure = tokens_by(conn, sort.column, spans)
    order = _order(conn, tokens, sort, token_rows.SORTABLE, figure)
    return fetch_page(conn, tokens, Token, where=where, order=order, page=page, source=_source(figure))


def _has_status(status: int, now_s: int) -> ColumnElement[bool]:
    c = tokens.c
    is_over = and_(c.status != TokenStatus.DISABLED, c.expired_time > 0, c.expired_time <= now_s)
    is_empty = and_(
        c.status != TokenStatus.DISABLED,
        func.coalesce(c.unlimited_quota, false()) == false(),
        func.coalesce(c.remain_quota, 0) <= 0,
    )
    if status == TokenStatus.EXPIRED:
        return or_(c.status == TokenStatus.EXPIRED, is_over)
    if status == TokenStatus.EXHAUSTED:
        return and_(or_(c.status == TokenStatus.EXHAUSTED, is_empty), c.status != TokenStatus.EXPIRED, not_(is_over))
    if status == TokenStatus.ENABLED:
        return and_(c.status == TokenStatus.ENABLED, not_(is_over), not_(is_empty))
    return c.status == status


def user_page(conn: Connection, wanted: UserFilter, sort: Sort, page: Page) -> tuple[list[User], int]:
    """Return one page of accounts, and their number."""
    c = users.c
    where = [c.status != UserStatus.DELETED, *_found(users, ("username", "display_name", "email"), wanted.text)]
    if wanted.role:
        where.append(c.role == wanted.role)
    if wanted.status:
        where.append(c.status == wanted.status)
    if wanted.group:
        where.append(c.group == wanted.group)
    if wanted.below is not None:
        where.append(and_(func.coalesce(c.quota, 0) < wanted.below, not_(column(users, "unlimited_quota"))))
    if wanted.is_idle:
        where.append(func.coalesce(c.request_count, 0) == 0)
    if wanted.has_no_second_factor:
        where.append(func.coalesce(c.totp_secret, "") == "")
    figure = users_by(conn, sort.column)
    order = _order(conn, users, sort, user_rows.SORTABLE, figure)
    return fetch_page(conn, users, User, where=where, order=order, page=page, source=_source(figure))


def code_page(conn: Connection, wanted: CodeFilter, sort: Sort, page: Page) -> tuple[list[Redemption], int]:
    """Return one page of redemption codes, and their number."""
    c = redemptions.c
    where = _found(redemptions, ("name",), wanted.text)
    if wanted.name:
        where.append(c.name == wanted.name)
    if wanted.state in _CODE_STATES:
        where.append(c.status == _CODE_STATES[wanted.state])
    if wanted.state in ("unused", "expired"):
        e = gw_code_extras.c
        over = select(e.code_id).where(e.expires_at > 0, e.expires_at <= wanted.now_s)
        where.append(c.id.not_in(over) if wanted.state == "unused" else c.id.in_(over))
    if wanted.state == "expired":
        where.append(c.status == RedemptionStatus.ENABLED)
    figure = codes_by(sort.column)
    order = _order(conn, redemptions, sort, code_rows.SORTABLE, figure)
    return fetch_page(conn, redemptions, Redemption, where=where, order=order, page=page, source=_source(figure))


_CODE_STATES = {
    "unused": RedemptionStatus.ENABLED,
    "disabled": RedemptionStatus.DISABLED,
    "used": RedemptionStatus.USED,
}


def _order(
    conn: Connection, table: Table, sort: Sort, plain: Sequence[str], figure: Figure | None
) -> list[ColumnElement[Any]]:
    """Sort by a figure or by a column of the table's own; what has no such figure stands last, whichever way."""
    if figure is None:
        return ordering(conn, table, sort, allowed={name: table.c[name] for name in plain})
    by = ordering(conn, table, sort, allowed={sort.column: figure.value})
    return [case((figure.value.is_(None), 1), else_=0), *by]


def _source(figure: Figure | None) -> FromClause | None:
    return None if figure is None else figure.source


def _found(table: Table, searched: Sequence[str], text: str) -> list[ColumnElement[bool]]:
    if not text:
        return []
    matches = [contains(table.c[name], text) for name in searched]
    number = as_id(text)
    if number is not None:
        matches.append(table.c.id == number)
    return [or_(*matches)]
