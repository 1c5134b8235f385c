"""Figures that lists of tokens, accounts and codes are sorted by and that stand in no column of their own tables.

Each is an expression and what has to be joined for it, so that the database puts all rows in order in one query. What
has no such figure (a token without a limit runs out never) is NULL, and stands last whichever way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, String, and_, case, cast, collate, false, func, literal, not_, select
from sqlalchemy.dialects import mysql

from storage.people_tables import gw_code_extras, gw_sessions
from storage.records import LogType
from storage.repositories.rows import by_bytes, summed
from storage.repositories.rows import column as field_of
from storage.repositories.token_extras import is_there, was_used
from storage.repositories.usage import DAY
from storage.tables import logs, redemptions, tokens, users
from storage.traffic_tables import gw_requests, gw_tallies, gw_usage

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause

OF_TOKENS = ("owner", "requests", "lasts")
OF_USERS = ("active", "tokens", "inviter")
OF_CODES = ("expires",)
USE_OF_TOKENS = ("requests", "lasts")
"""Those that need `TokenSpans`."""
LEAST_S = 3600
"""Spending is averaged over this long at least, however young a token is."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What to sort by, and the table with all that is joined to it."""

    value: ColumnElement[Any]
    source: FromClause


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpans:
    """Over which times tokens are looked at, in Unix seconds.

    Spending counts from `since`: by whole days until `stop`, then by entries. Requests count from `lately`.
    """

    now: int
    since: int
    stop: int
    lately: int
    log_is_here: bool = True
    """Whether the log lives in this database; else its tallies answer, which lack what the running hour brought."""


def tokens_by(conn: Connection, column: str, spans: TokenSpans | None) -> Figure | None:
    """Return what sorts tokens by `lasts`, `requests`, `owner` or by a column that is no figure for all of them."""
    c = tokens.c
    if column == "expired_time":
        return Figure(_if(c.expired_time > 0, c.expired_time), tokens)
    if column == "remain_quota":
        return Figure(_if(func.coalesce(c.unlimited_quota, false()) == false(), c.remain_quota), tokens)
    if column == "accessed_time":
        return Figure(_if(was_used(), c.accessed_time), tokens)
    if column == "owner":
        return Figure(users.c.username, tokens.outerjoin(users, users.c.id == c.user_id))
    if spans is None:
        return None
    if column == "requests":
        found = _charges(conn, spans, since=spans.lately)
        joined = tokens.outerjoin(found, _is_of_token(conn, found))
        return Figure(func.coalesce(found.c.requests, 0), joined)
    return _lasts(conn, spans) if column == "lasts" else None


def _lasts(conn: Connection, spans: TokenSpans) -> Figure:
    """Seconds until a token is used up, at the rate at which it was charged lately."""
    c, u = tokens.c, gw_usage.c
    # Byte by byte: PostgreSQL sorts tens of thousands of texts to group them, five times as quickly so.
    word = by_bytes(u.key, conn.dialect.name) if conn.dialect.name == "postgresql" else u.key
    days = (
        select(word.label("key"), summed(conn.dialect.name, u.units).label("units"))
        .where(u.span == DAY, u.kind == "token", u.start >= spans.since, u.start < spans.stop)
        .group_by(word)
        .subquery()
    )
    rest = _charges(conn, spans, since=spans.stop)
    key = _text(conn, cast(c.user_id, String(20)).concat(":").concat(func.coalesce(c.name, "")))
    source = tokens.outerjoin(days, _text(conn, days.c.key) == key).outerjoin(rest, _is_of_token(conn, rest))
    spent = func.coalesce(days.c.units, 0) + func.coalesce(rest.c.units, 0)
    made = func.coalesce(c.created_time, 0)
    began = case((made > spans.since, made), else_=spans.since)
    seconds = case((spans.now - began > LEAST_S, spans.now - began), else_=LEAST_S)
    limited = func.coalesce(c.unlimited_quota, false()) == false()
    lasts = cast(c.remain_quota, Float) * seconds / func.nullif(cast(spent, Float), 0.0)
    return Figure(_if(and_(limited, c.remain_quota > 0, spent > 0), lasts), source)


def _charges(conn: Connection, spans: TokenSpans, *, since: int) -> FromClause:
    """What tokens were charged since a moment, by their owners and names."""
    dialect = conn.dialect.name
    if spans.log_is_here:
        lc = logs.c
        entries = select(
            lc.user_id, lc.token_name, func.count().label("requests"), summed(dialect, lc.quota).label("units")
        ).where(lc.type == LogType.CONSUME, lc.created_at >= since, lc.created_at <= spans.now)
        return entries.group_by(lc.user_id, lc.token_name).subquery()
    t = gw_tallies.c
    requests, units = summed(dialect, t.requests), summed(dialect, t.units)
    tallied = select(t.user_id, t.token_name, requests.label("requests"), units.label("units")).where(
        t.start >= since, t.requests > 0
    )
    return tallied.group_by(t.user_id, t.token_name).subquery()


def _is_of_token(conn: Connection, found: FromClause) -> ColumnElement[bool]:
    return and_(found.c.user_id == tokens.c.user_id, _text(conn, found.c.token_name) == _text(conn, tokens.c.name))


def users_by(conn: Connection, column: str) -> Figure | None:
    """Return what sorts accounts by `active`, `tokens`, `inviter` or `quota`, which unlimited ones have not."""
    if column == "quota":
        return Figure(_if(not_(field_of(users, "unlimited_quota")), users.c.quota), users)
    if column == "inviter":
        inviters = users.alias("inviters")
        return Figure(inviters.c.username, users.outerjoin(inviters, inviters.c.id == users.c.inviter_id))
    t = tokens.c
    by_token = (
        select(t.user_id, func.count().label("number"), func.max(case((was_used(), t.accessed_time))).label("at"))
        .where(is_there())
        .group_by(t.user_id)
        .subquery()
    )
    source = users.outerjoin(by_token, by_token.c.user_id == users.c.id)
    if column == "tokens":
        return Figure(func.coalesce(by_token.c.number, 0), source)
    if column != "active":
        return None
    s, r = gw_sessions.c, gw_requests.c
    by_session = select(s.user_id, func.max(s.seen_at).label("at_ms")).group_by(s.user_id).subquery()
    # One step into an index for each account, however many requests there are.
    latest = (
        select(r.finished_at).where(r.user_id == users.c.id).order_by(r.finished_at.desc()).limit(1).scalar_subquery()
    )
    moments = [
        func.coalesce(by_token.c.at, 0) * 1000,
        func.coalesce(by_session.c.at_ms, 0),
        func.coalesce(latest, 0),
    ]
    greatest = func.max(*moments) if conn.dialect.name == "sqlite" else func.greatest(*moments)
    source = source.outerjoin(by_session, by_session.c.user_id == users.c.id)
    return Figure(func.nullif(greatest, literal(0)), source)


def codes_by(column: str) -> Figure | None:
    """Return what sorts codes by `expires`, or by when they were redeemed."""
    if column == "redeemed_time":
        return Figure(_if(redemptions.c.redeemed_time > 0, redemptions.c.redeemed_time), redemptions)
    if column != "expires":
        return None
    extras = gw_code_extras.c
    joined = redemptions.outerjoin(gw_code_extras, extras.code_id == redemptions.c.id)
    return Figure(_if(extras.expires_at > 0, extras.expires_at), joined)


def _if(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((condition, value))


def _text(conn: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Make texts of different tables comparable, byte by byte: MySQL refuses where their collations differ."""
    if conn.dialect.name != "mysql":
        return column
    return collate(cast(column, mysql.CHAR(255, charset="utf8mb4")), "utf8mb4_bin")
