"""What lists and pages tell of accounts, tokens and codes beside their own columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, delete, func, insert, select, update

from storage.ledger_tables import gw_ledger
from storage.people_tables import gw_code_extras, gw_sessions
from storage.records import LogType, UserStatus
from storage.repositories.rows import insert_unless_there, whole
from storage.repositories.token_extras import is_there, was_used
from storage.repositories.usage import DAY, Sums
from storage.tables import logs, redemptions, tokens, users
from storage.traffic_tables import gw_requests, gw_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """Of one account: how many tokens it has, and when it was last active (Unix seconds, 0 never)."""

    tokens: int = 0
    active_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """Of one code: when it expires (Unix seconds, 0 never) and who redeemed it (0 nobody that is known)."""

    expires_at: int = 0
    used_by: int = 0


@dataclass(frozen=True, slots=True)
class TokenCharges:
    """What a token was charged since one moment, and since another."""

    requests: int = 0
    units: int = 0
    units_since_stop: int = 0


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request of a token. `detail` is JSON, `finished_at` Unix milliseconds."""

    detail: str
    finished_at: int
    units: int
    has_failed: bool


def facts_of_users(conn: Connection, user_ids: Sequence[int]) -> dict[int, UserFacts]:
    """Return what is known of some accounts: requests by key, and visits of these pages."""
    if not user_ids:
        return {}
    ids = list(user_ids)
    t, used = tokens.c, was_used()
    last_use = func.max(case((used, t.accessed_time), else_=0))
    by_token = conn.execute(
        select(t.user_id, func.count(), last_use).where(t.user_id.in_(ids), is_there()).group_by(t.user_id)
    )
    counts = {int(row[0]): (int(row[1]), int(row[2] or 0)) for row in by_token}
    by_session = conn.execute(
        select(gw_sessions.c.user_id, func.max(gw_sessions.c.seen_at))
        .where(gw_sessions.c.user_id.in_(ids))
        .group_by(gw_sessions.c.user_id)
    )
    seen = {int(number): int(at_ms or 0) // 1000 for number, at_ms in by_session}
    # Tokens that were deleted took their last use with them. One step into an index for each, however many there are.
    r = gw_requests.c
    latest = (
        select(r.finished_at).where(r.user_id == users.c.id).order_by(r.finished_at.desc()).limit(1).scalar_subquery()
    )
    asked = {
        int(number): int(at_ms or 0) // 1000
        for number, at_ms in conn.execute(select(users.c.id, latest).where(users.c.id.in_(ids)))
    }
    return {
        number: UserFacts(
            tokens=counts.get(number, (0, 0))[0],
            active_at=max(counts.get(number, (0, 0))[1], seen.get(number, 0), asked.get(number, 0)),
        )
        for number in ids
    }


def same_names(conn: Connection, pairs: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return those of some owners and token names that several tokens share: the log knows tokens by name only."""
    if not pairs:
        return set()
    t = tokens.c
    found = conn.execute(
        select(t.user_id, t.name)
        .where(t.user_id.in_({owner for owner, _ in pairs}), t.name.in_({name for _, name in pairs}))
        .group_by(t.user_id, t.name)
        .having(func.count() > 1)
    )
    return {(int(owner), str(name)) for owner, name in found}


def token_charges(
    conn: Connection, owners: Sequence[int], *, since: int, stop: int, until: int
) -> dict[tuple[int, str], TokenCharges]:
    """Return what tokens of some owners were charged, by owner and name, in one walk through the newest of the log.

    Requests and units are counted from `since` on, units also from `stop` on (Unix seconds).
    """
    c = logs.c
    # SQLite would rather look at all that a person ever asked than at the newest of everybody.
    owner = c.user_id + 0 if conn.dialect.name == "sqlite" else c.user_id
    recent, later = c.created_at >= since, c.created_at >= stop
    rows = conn.execute(
        select(
            c.user_id,
            c.token_name,
            whole(func.sum(case((recent, 1), else_=0))),
            whole(func.sum(case((recent, c.quota), else_=0))),
            whole(func.sum(case((later, c.quota), else_=0))),
        )
        .where(c.type == LogType.CONSUME, c.created_at >= min(since, stop), c.created_at < until)
        .where(owner.in_(list(owners)))
        .group_by(c.user_id, c.token_name)
    )
    return {(int(row[0]), str(row[1] or "")): TokenCharges(int(row[2]), int(row[3]), int(row[4])) for row in rows}


def requests_of_token(
    conn: Connection, user_id: int, token_name: str, *, since_ms: int, looked_at: int, limit: int
) -> list[TokenRequest]:
    """Return the last requests of a token among the last `looked_at` of its owner, newest first."""
    r = gw_requests.c
    recent = (
        select(r.id, r.token_name, r.finished_at, r.units, r.failed)
        .where(r.user_id == user_id, r.finished_at >= since_ms)
        .order_by(r.finished_at.desc())
        .limit(looked_at)
        .subquery()
    )
    rows = conn.execute(
        select(r.detail, recent.c.finished_at, recent.c.units, recent.c.failed)
        .join(recent, recent.c.id == r.id)
        .where(recent.c.token_name == token_name)
        .order_by(recent.c.finished_at.desc())
        .limit(limit)
    )
    return [
        TokenRequest(str(detail or "{}"), int(at_ms), int(units or 0), bool(failed))
        for detail, at_ms, units, failed in rows
    ]


def token_days(conn: Connection, key: str, *, since: int, until: int) -> dict[int, Sums]:
    """Return what the token of a key ("user:name") used on whole days of UTC, by the day's beginning."""
    c = gw_usage.c
    where = (c.span == DAY, c.kind == "token", c.key == key, c.start >= since, c.start < until)
    rows = conn.execute(
        select(c.start, c.requests, c.units, c.prompt_tokens, c.completion_tokens, c.cached_tokens).where(*where)
    )
    return {int(start): Sums(*(int(value) for value in values)) for start, *values in rows}


def invited(conn: Connection, user_id: int) -> int:
    """Return how many living accounts this one invited."""
    wanted = select(func.count()).select_from(users)
    where = and_(users.c.inviter_id == user_id, users.c.status != UserStatus.DELETED)
    return int(conn.execute(wanted.where(where)).scalar_one())


def gifts_for(conn: Connection, user_id: int, why: str) -> int:
    """Return the units that an account was given for a reason, as far back as the ledger goes row by row."""
    c = gw_ledger.c
    wanted = select(whole(func.sum(c.user_units))).where(c.user_id == user_id, c.kind == "gift", c.note == why)
    return int(conn.execute(wanted).scalar_one())


# --- codes


def facts_of_codes(conn: Connection, code_ids: Sequence[int]) -> dict[int, CodeFacts]:
    """Return what is known of some codes; of the others nothing is."""
    if not code_ids:
        return {}
    c = gw_code_extras.c
    rows = conn.execute(select(c.code_id, c.expires_at, c.used_by).where(c.code_id.in_(list(code_ids))))
    return {int(row[0]): CodeFacts(expires_at=int(row[1]), used_by=int(row[2])) for row in rows}


def set_code_facts(conn: Connection, code_id: int, **values: int) -> None:
    """Write when a code expires (`expires_at`), or who redeemed it (`used_by`)."""
    c = gw_code_extras.c
    if conn.execute(update(gw_code_extras).where(c.code_id == code_id).values(**values)).rowcount:
        return
    if not insert_unless_there(conn, insert(gw_code_extras).values(code_id=code_id, **values)):
        conn.execute(update(gw_code_extras).where(c.code_id == code_id).values(**values))


def forget_code(conn: Connection, code_id: int) -> None:
    """Drop what is kept of a code."""
    conn.execute(delete(gw_code_extras).where(gw_code_extras.c.code_id == code_id))


def expire_codes(conn: Connection, keys: Sequence[str], *, expires_at: int) -> None:
    """Have codes that were just made expire at a moment."""
    numbers = conn.execute(select(redemptions.c.id).where(redemptions.c.key.in_(list(keys)))).scalars().all()
    if numbers:
        rows = [{"code_id": number, "expires_at": expires_at} for number in numbers]
        conn.execute(insert(gw_code_extras), rows)
