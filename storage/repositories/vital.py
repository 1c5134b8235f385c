"""What operators want to know of the database itself: its version, its size, what waits in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select, text

from storage.ledger_tables import gw_outbox, gw_parked, gw_replicas, gw_reservations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

AGES_S: Final = (60, 600, 3600, 86_400)
_VERSION = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version", "mysql": "SELECT VERSION()"}
_BYTES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
    "mysql": (
        "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A process that has a lease. Times are Unix milliseconds by the database's clock."""

    replica_id: str
    host: str
    started_at: int
    lease_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The database at one moment."""

    version: str
    size_bytes: int
    answer_ms: float
    """How long the first question took."""
    reservations: int
    oldest_reservation_ms: int
    """When it was made (Unix milliseconds); 0 without any."""
    reservations_by_age: Sequence[int]
    """How many are younger than each of `AGES_S`, and not than the one before; the last number is of all others."""
    parked: int
    outbox: int
    leases: Sequence[Lease]


def read_vitals(conn: Connection) -> Vitals:
    """Return what is to be known of the database."""
    began, now_ms = time.perf_counter(), time.time_ns() // 1_000_000
    dialect = "mysql" if conn.dialect.name == "mariadb" else conn.dialect.name
    version = conn.execute(text(_VERSION[dialect])).scalar_one()
    answer_ms = (time.perf_counter() - began) * 1000
    held = conn.execute(
        select(func.count(), func.min(gw_reservations.c.created_at)).select_from(gw_reservations)
    ).one()
    ages = [func.count(case((gw_reservations.c.created_at > now_ms - age * 1000, 1))) for age in AGES_S]
    younger = [int(count) for count in conn.execute(select(*ages).select_from(gw_reservations)).one()]
    leases = conn.execute(
        select(
            gw_replicas.c.replica_id, gw_replicas.c.host, gw_replicas.c.started_at, gw_replicas.c.lease_until
        ).order_by(gw_replicas.c.started_at, gw_replicas.c.replica_id)
    )
    return Vitals(
        version=str(version),
        size_bytes=int(conn.execute(text(_BYTES[dialect])).scalar() or 0),
        answer_ms=answer_ms,
        reservations=int(held[0]),
        oldest_reservation_ms=int(held[1] or 0),
        reservations_by_age=[b - a for a, b in zip([0, *younger], [*younger, int(held[0])], strict=True)],
        parked=int(conn.execute(select(func.count()).select_from(gw_parked)).scalar_one()),
        outbox=int(conn.execute(select(func.count()).select_from(gw_outbox)).scalar_one()),
        leases=[Lease(replica_id=row[0], host=row[1], started_at=row[2], lease_until=row[3]) for row in leases],
    )
