"""Alerts: whom to tell of which events."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from storage.alert_tables import gw_alerts as alerts
from storage.repositories.rows import many, query
from storage.sealing import sealer_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule. `target` is an address or a token, which is a secret; `sent_at` in Unix milliseconds."""

    id: int = 0
    name: str
    kind: str
    target: str
    chat: str = ""
    events: str = ""
    quiet_s: int = 3600
    enabled: bool = True
    sent_at: int = 0
    fault: str = ""
    """Why the last one could not be sent."""


def everything(conn: Connection) -> list[Alert]:
    """Return all alerts, oldest first."""
    sealer = sealer_of(conn)
    found = many(conn, Alert, query(alerts, Alert).order_by(alerts.c.id))
    return [replace(one, target=sealer.open(one.target)) for one in found]


def by_id(conn: Connection, alert_id: int) -> Alert | None:
    """Return one alert."""
    return next((one for one in everything(conn) if one.id == alert_id), None)


def put(conn: Connection, alert: Alert) -> int:
    """Store an alert, a new one under a new id, and return the id."""
    values = asdict(alert) | {"target": sealer_of(conn).seal(alert.target)}
    del values["id"]
    if alert.id:
        conn.execute(update(alerts).where(alerts.c.id == alert.id).values(values))
        return alert.id
    key = conn.execute(insert(alerts).values(values)).inserted_primary_key
    return int(key[0]) if key else 0


def note_outcome(conn: Connection, alert_id: int, *, sent_at: int, fault: str) -> None:
    """Remember how the last message went; `sent_at` 0 keeps when one was sent last."""
    values: dict[str, object] = {"fault": fault[:255]} | ({"sent_at": sent_at} if sent_at else {})
    conn.execute(update(alerts).where(alerts.c.id == alert_id).values(values))


def remove(conn: Connection, alert_id: int) -> None:
    """Delete an alert."""
    conn.execute(delete(alerts).where(alerts.c.id == alert_id))
