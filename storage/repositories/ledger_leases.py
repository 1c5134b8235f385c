"""Leases of running processes, and the reservations of those whose lease ran out.

Leases are compared by the database's clock alone, because those of the machines may differ. SQLite has none
of its own, but a file is used from one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, delete, insert, literal_column, select, update

from storage.ledger_tables import gw_replicas, gw_reservations
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_ops import Reap, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

_NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
    "mysql": "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A process that has, or had, a lease. `host` and `process` tell its neighbours who it is."""

    replica_id: str
    host: str
    process: str
    expired: bool = False


def _now_ms(conn: Connection) -> ColumnElement[int]:
    return literal_column(_NOW_MS[conn.dialect.name if conn.dialect.name in _NOW_MS else "mysql"], BigInteger)


def renew_lease(conn: Connection, replica: Replica, *, lease_ms: int) -> bool:
    """Make the lease of `replica` last `lease_ms` from now; return whether it had one.

    A process that had none any more was thought dead, and what it had reserved may be settled by estimate.
    """
    now = _now_ms(conn)
    renewed = conn.execute(
        update(gw_replicas).where(gw_replicas.c.replica_id == replica.replica_id).values(lease_until=now + lease_ms)
    )
    if renewed.rowcount:
        return True
    conn.execute(
        insert(gw_replicas).values(
            replica_id=replica.replica_id,
            host=replica.host,
            process=replica.process,
            started_at=now,
            lease_until=now + lease_ms,
        )
    )
    return False


def end_lease(conn: Connection, replica_id: str) -> None:
    """Take the lease away: the process ends, and what it left behind may be settled at once."""
    conn.execute(delete(gw_replicas).where(gw_replicas.c.replica_id == replica_id))


def read_replicas(conn: Connection) -> list[Replica]:
    """Return all processes with a row, and as expired those that have reservations but no row."""
    rows = conn.execute(
        select(
            gw_replicas.c.replica_id,
            gw_replicas.c.host,
            gw_replicas.c.process,
            gw_replicas.c.lease_until <= _now_ms(conn),
        )
    )
    found = [Replica(replica_id=row[0], host=row[1], process=row[2], expired=bool(row[3])) for row in rows]
    known = {replica.replica_id for replica in found}
    holders = conn.execute(select(gw_reservations.c.replica_id).distinct()).scalars()
    found += [Replica(replica_id=name, host="", process="", expired=True) for name in holders if name not in known]
    return found


def read_orphans(conn: Connection, replica_id: str, *, limit: int, skip: Sequence[str] = ()) -> list[Reap]:
    """Return how to settle the first `limit` reservations of a process, without those in `skip`."""
    rows = conn.execute(
        select(gw_reservations.c.request_id, gw_reservations.c.user_id, gw_reservations.c.token_id)
        .where(gw_reservations.c.replica_id == replica_id, gw_reservations.c.request_id.not_in(skip))
        .order_by(gw_reservations.c.request_id)
        .limit(limit)
    )
    return [Reap(request_id=row[0], replica_id=replica_id, user_id=row[1], token_id=row[2]) for row in rows]


def reap(conn: Connection, ops: Sequence[Reap], replica: Replica, *, now_ms: int, outbox: bool) -> int | None:
    """Settle `ops` by estimate and return how many there still were; `None` if `replica` lives after all.

    `replica.expired` says why it was taken for dead: by its lease, which is looked at again, under a lock that
    makes its renewal wait; or by its neighbours, who saw that the process is gone.
    """
    row = conn.execute(
        select(gw_replicas.c.replica_id, gw_replicas.c.lease_until > _now_ms(conn))
        .where(gw_replicas.c.replica_id == replica.replica_id)
        .with_for_update()
    ).one_or_none()
    if row is not None and row[1] and replica.expired:
        return None
    outcomes = apply(conn, ops, now_ms=now_ms, outbox=outbox)
    return sum(outcome.verdict is Verdict.DONE for outcome in outcomes)


def forget_replica(conn: Connection, replica: Replica) -> None:
    """Remove the row of a dead process that has no reservations left, unless it came back meanwhile."""
    holds = select(gw_reservations.c.request_id).where(gw_reservations.c.replica_id == replica.replica_id).exists()
    doomed = delete(gw_replicas).where(gw_replicas.c.replica_id == replica.replica_id, ~holds)
    if replica.expired:
        doomed = doomed.where(gw_replicas.c.lease_until <= _now_ms(conn))
    conn.execute(doomed)
