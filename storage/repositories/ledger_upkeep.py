"""Keeping the ledger's tables small, and carrying log rows to another database.

Everything here works in batches that a caller repeats until one comes back empty, each a transaction of its
own, so that charging never waits long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, or_, select

from storage.errors import Retryable
from storage.ledger_tables import gw_delivered, gw_ledger, gw_outbox, gw_reaped
from storage.repositories.ledger import OPENING, post
from storage.repositories.ledger_rows import outbox_log
from storage.tables import logs, traces, user_request_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Column, Connection, Table


def fold_ledger(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Fold up to `limit` rows older than `before_ms` into one opening per account; return how many there were.

    Whatever rows are taken, each account's sum stays the same. The rows are locked, so that two folders cannot
    count one twice.
    """
    ledger = gw_ledger.c
    old = conn.execute(
        select(gw_ledger)
        .where(ledger.created_at < before_ms, ledger.kind != OPENING)
        .order_by(ledger.id)
        .limit(limit)
        .with_for_update()
    ).all()
    if not old:
        return 0
    user_ids = {row.user_id for row in old} - {0}
    token_ids = {row.token_id for row in old} - {0}
    channel_ids = {row.channel_id for row in old} - {0}
    openings = conn.execute(
        select(gw_ledger)
        .where(
            ledger.kind == OPENING,
            or_(
                ledger.user_id.in_(sorted(user_ids)),
                ledger.token_id.in_(sorted(token_ids)),
                ledger.channel_id.in_(sorted(channel_ids)),
            ),
        )
        .order_by(ledger.id)
        .with_for_update()
    ).all()
    user_sums = dict.fromkeys(user_ids, 0)
    token_sums = dict.fromkeys(token_ids, 0)
    channel_sums = dict.fromkeys(channel_ids, 0)
    gone = []
    for row in (*old, *openings):
        gone.append(row.id)
        for sums, account, units in (
            (user_sums, row.user_id, row.user_units),
            (token_sums, row.token_id, row.token_units),
            (channel_sums, row.channel_id, row.channel_units),
        ):
            if account:
                sums[account] = sums.get(account, 0) + units
    deleted = conn.execute(delete(gw_ledger).where(ledger.id.in_(gone))).rowcount
    if deleted != len(gone):
        raise Retryable("ledger rows were folded by somebody else meanwhile")
    for id_, units in sorted(user_sums.items()):
        post(conn, kind=OPENING, at_ms=before_ms, user_id=id_, user_units=units)
    for id_, units in sorted(token_sums.items()):
        post(conn, kind=OPENING, at_ms=before_ms, token_id=id_, token_units=units)
    for id_, units in sorted(channel_sums.items()):
        post(conn, kind=OPENING, at_ms=before_ms, channel_id=id_, channel_units=units)
    return len(old)


def delete_costs(conn: Connection, *, before_s: int, limit: int) -> int:
    """Delete cost rows older than `before_s` (Unix seconds) among the first `limit`; return how many.

    one-api gave the table no index on time. Its ids grow with time, so the old ones come first.
    """
    costs = user_request_costs.c
    first = conn.execute(select(costs.id, costs.created_time).order_by(costs.id).limit(limit))
    doomed = [id_ for id_, created in first if (created or 0) < before_s]
    if doomed:
        conn.execute(delete(user_request_costs).where(costs.id.in_(doomed)))
    return len(doomed)


def delete_traces(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Delete up to `limit` traces older than `before_ms`; return how many."""
    return _delete_some(conn, traces, traces.c.id, traces.c.created_at, before_ms, limit)


def delete_reaped(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Forget up to `limit` estimates older than `before_ms`: their true charge will not come any more."""
    return _delete_some(conn, gw_reaped, gw_reaped.c.request_id, gw_reaped.c.reaped_at, before_ms, limit)


def delete_delivered(conn: Connection, *, before_ms: int, limit: int) -> int:
    """Forget, in the log database, up to `limit` deliveries older than `before_ms`; return how many."""
    return _delete_some(conn, gw_delivered, gw_delivered.c.key, gw_delivered.c.delivered_at, before_ms, limit)


def _delete_some(
    conn: Connection, table: Table, key: Column[str] | Column[int], at: Column[int], before: int, limit: int
) -> int:
    keys = conn.execute(select(key).where(at < before).order_by(at).limit(limit)).scalars().all()
    if keys:
        conn.execute(delete(table).where(key.in_(keys)))
    return len(keys)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A log row on its way. `key` names it in both databases."""

    id: int
    key: str
    payload: str


def read_outbox(conn: Connection, *, limit: int) -> list[Parcel]:
    """Return the oldest `limit` rows of the outbox."""
    rows = conn.execute(
        select(gw_outbox.c.id, gw_outbox.c.key, gw_outbox.c.payload).order_by(gw_outbox.c.id).limit(limit)
    )
    return [Parcel(*row) for row in rows]


def deliver(log_conn: Connection, parcels: Sequence[Parcel], *, now_ms: int) -> None:
    """Store `parcels` in the log database, those that have not arrived before; one transaction.

    Raises `Conflict` if another sender delivers one of them at this moment (then repeat), and `ValueError` for a
    payload that is no log row.
    """
    keys = [parcel.key for parcel in parcels]
    there = set(log_conn.execute(select(gw_delivered.c.key).where(gw_delivered.c.key.in_(keys))).scalars())
    fresh = [parcel for parcel in parcels if parcel.key not in there]
    if fresh:
        log_conn.execute(insert(gw_delivered), [{"key": parcel.key, "delivered_at": now_ms} for parcel in fresh])
        log_conn.execute(insert(logs), [outbox_log(parcel.payload) for parcel in fresh])


def remove_delivered(conn: Connection, parcels: Sequence[Parcel]) -> None:
    """Take `parcels`, which have arrived, out of the outbox."""
    conn.execute(delete(gw_outbox).where(gw_outbox.c.id.in_([parcel.id for parcel in parcels])))


def outbox_size(conn: Connection) -> int:
    """Return how many log rows wait."""
    return conn.execute(select(func.count()).select_from(gw_outbox)).scalar_one()


def prepare_log_database(conn: Connection) -> None:
    """Make sure that the log database can remember what arrived."""
    gw_delivered.create(conn, checkfirst=True)
