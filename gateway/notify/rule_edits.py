"""Making, changing, removing and trying alerts, for root. What is secret in them is never shown or written down."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import differences, note
from gateway.identity.addresses import is_address
from gateway.notify.carriers import KINDS, carry
from gateway.notify.rules import GROUPS
from storage.repositories import alerts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.identity.outside import Outside
    from gateway.services import Services
    from storage.repositories.alerts import Alert

LONGEST_QUIET_S: Final = 7 * 86_400
_SHOWN: Final = ("name", "kind", "target", "chat", "events", "quiet_s", "enabled")


async def list_alerts(services: Services) -> list[Alert]:
    """Return all alerts."""
    return await services.database.read(alerts.everything)


async def read_alert(services: Services, alert_id: int) -> Alert:
    """Return one alert. Raises `NotFound`."""
    return _found(await services.database.read(lambda conn: alerts.by_id(conn, alert_id)))


async def save_alert(services: Services, author: Author, alert: Alert) -> int:
    """Store an alert and return its id. A blank `target` keeps what is stored. Raises `Refused`."""

    def work(conn: Connection) -> int:
        before = _found(alerts.by_id(conn, alert.id)) if alert.id else None
        kept = alert if alert.target or before is None else replace(alert, target=before.target)
        if before is not None:
            kept = replace(kept, sent_at=before.sent_at, fault=before.fault)
        check_alert(kept)
        alert_id = alerts.put(conn, kept)
        changes = differences(_facts(before), _facts(kept), secrets=("target",))
        verb = "alert.create" if before is None else "alert.update"
        note(conn, author, verb, object_id=alert_id, name=kept.name, changes=changes)
        return alert_id

    return await commit(services, work)


async def delete_alert(services: Services, author: Author, alert_id: int) -> None:
    """Remove an alert. Raises `NotFound`."""

    def work(conn: Connection) -> None:
        before = _found(alerts.by_id(conn, alert_id))
        alerts.remove(conn, alert_id)
        changes = differences(_facts(before), {}, secrets=("target",))
        note(conn, author, "alert.delete", object_id=alert_id, name=before.name, changes=changes)

    await commit(services, work)


async def try_alert(services: Services, outside: Outside, alert_id: int) -> None:
    """Send a test. Raises `Refused` with what went wrong."""
    alert = await read_alert(services, alert_id)
    site = services.registry.current.options.text("SystemName")
    await carry(outside, alert, f"{site}: test", f"This is a test of the alert {alert.name}. It works.")


def check_alert(alert: Alert) -> None:
    """Raise `Refused` for what could not be sent."""
    if not 1 <= len(alert.name.strip()) <= 64:
        raise Refused("An alert needs a name of 1 to 64 characters")
    if alert.kind not in KINDS:
        raise Refused("unknown way to send alerts")
    if not alert.target:
        raise Refused("Where to send it is missing")
    if alert.kind == "mail" and not is_address(alert.target):
        raise Refused("Where to send it must be an e-mail address")
    if alert.kind == "telegram" and not alert.chat:
        raise Refused("Telegram needs the number of a chat")
    if alert.kind not in ("mail", "telegram"):
        parts = urlsplit(alert.target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("Where to send it must begin with https:// or http://")
    groups = alert.events.split(",") if alert.events else []
    if not groups or any(group not in GROUPS for group in groups):
        raise Refused("Choose at least one kind of event")
    if not 0 <= alert.quiet_s <= LONGEST_QUIET_S:
        raise Refused("The quiet time may be a week at most")


def _found(alert: Alert | None) -> Alert:
    if alert is None:
        raise NotFound("there is no such alert", status=404)
    return alert


def _facts(alert: Alert | None) -> dict[str, object]:
    facts = asdict(alert) if alert is not None else {}
    return {name: facts[name] for name in _SHOWN if name in facts}
