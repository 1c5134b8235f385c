"""How much waits that should not wait: for people who look after the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from storage.ledger_tables import gw_parked, gw_reservations

if TYPE_CHECKING:
    from sqlalchemy import Connection


def reservations_older_than(conn: Connection, moment_ms: int) -> int:
    """Count the reservations that were made before a moment and are not settled."""
    wanted = select(func.count()).select_from(gw_reservations).where(gw_reservations.c.created_at < moment_ms)
    return int(conn.execute(wanted).scalar_one())


def reservations(conn: Connection) -> int:
    """Count all that are not settled."""
    return int(conn.execute(select(func.count()).select_from(gw_reservations)).scalar_one())


def parked(conn: Connection) -> int:
    """Count the settlements that the database refused."""
    return int(conn.execute(select(func.count()).select_from(gw_parked)).scalar_one())
