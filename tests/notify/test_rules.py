"""Alerts by rules: who is told of what, how often, and what is never told."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from gateway.accounts.refusals import Refused
from gateway.audit.author import Author
from gateway.identity.outside import Outside
from gateway.notify.rule_edits import delete_alert, list_alerts, save_alert, try_alert
from gateway.notify.rules import AlertRules, Watch, groups_of
from gateway.observe.records import Event
from gateway.observe.redact import Redactor
from storage.repositories import alerts
from storage.repositories.alerts import Alert
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, address="10.0.0.1", via="page")


def said(name: str, level: str = "warning", message: str = "key sk-abcdefghijklmnop fell out") -> Event:
    return Event(1.0, level, name, message, {})  # type: ignore[arg-type]


@asynccontextmanager
async def receiver(answer: bytes = b"ok") -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Something that takes messages; its address, and what it was sent."""
    bodies: list[dict[str, Any]] = []

    async def serve(stream: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive_some()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(
            next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split()[1]
        )
        while len(body) < length:
            body += await stream.receive_some()
        bodies.append(json.loads(body))
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}/hook-secret", bodies
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("name", "level", "groups"),
    [
        ("channel.disabled", "warning", {"channels"}),
        ("channel.enabled", "info", {"channels"}),
        ("channel.test", "info", set()),
        ("ledger.parked", "error", {"money", "errors"}),
        ("ledger.recovered", "info", set()),
        ("cluster.degraded", "warning", {"shared"}),
        ("ui.crash", "error", {"errors"}),
        ("options.changed", "info", set()),
        ("budget.soft", "warning", {"budgets"}),
        ("budget.hard", "warning", {"budgets"}),
        ("budget.unread", "warning", set()),
    ],
)
def test_events_belong_to_groups_by_name_and_level(name: str, level: str, groups: set[str]) -> None:
    assert groups_of(said(name, level)) == groups


def test_what_sending_itself_says_is_never_sent() -> None:
    watch = Watch()
    for name in ("notify.unsent", "alert.unsent", "mail.failed"):
        watch(said(name, "error"))
    watch(said("ui.crash", "error"))
    assert [event.name for event in watch.take()] == ["ui.crash"]
    assert watch.take() == []


async def test_a_rule_that_cannot_be_carried_out_at_all_stops_no_other(site: Site) -> None:
    services = site.services
    async with receiver() as (address, bodies):
        # As a newer version stored it, which was taken back.
        newer = Alert(name="newer", kind="pager", target=address, events="channels", enabled=True)
        await services.database.write(lambda conn: alerts.put(conn, newer))
        await save_alert(services, ROOT, Alert(name="ops", kind="slack", target=address, events="channels"))
        await AlertRules(services, Outside.of(services), Watch(), Redactor()).tell([said("channel.disabled")])
        assert len(bodies) == 1
    faults = {alert.name: alert.fault for alert in await list_alerts(services)}
    assert faults == {"newer": "KeyError", "ops": ""}


async def test_an_event_is_told_once_in_the_quiet_time_without_secrets(site: Site) -> None:
    services, outside = site.services, Outside.of(site.services)
    async with receiver() as (address, bodies):
        alert = Alert(name="ops", kind="slack", target=address, events="channels", quiet_s=60)
        await save_alert(services, ROOT, alert)
        await save_alert(
            services, ROOT, Alert(name="off", kind="webhook", target=address, events="channels", enabled=False)
        )
        rules = AlertRules(services, outside, Watch(), Redactor())
        await rules.tell([said("channel.disabled"), said("channel.disabled"), said("ledger.waiting")])
        assert len(bodies) == 1
        assert bodies[0]["text"].startswith("*One API: channel.disabled*\nkey sk-***")
        await rules.tell([said("channel.enabled", "info")])
        assert len(bodies) == 2
    (stored, _off) = await list_alerts(services)
    assert stored.sent_at > 0
    await AlertRules(services, outside, Watch(), Redactor()).tell([said("channel.failing")])
    (stored, _off) = await list_alerts(services)
    assert stored.fault == "the service cannot be reached, please try again later"


async def test_alerts_are_stored_tried_removed_and_written_down_on_each_engine(site_everywhere: Site) -> None:
    services, outside = site_everywhere.services, Outside.of(site_everywhere.services)
    async with receiver(b'{"errcode": 310000, "errmsg": "keywords not in content"}') as (address, _bodies):
        alert = Alert(name="团队", kind="dingtalk", target=address, events="errors,money")
        number = await save_alert(services, ROOT, alert)
        await save_alert(services, ROOT, Alert(id=number, name="team", kind="dingtalk", target="", events="errors"))
        (stored,) = await list_alerts(services)
        assert (stored.target, stored.events) == (address, "errors")
        with pytest.raises(Refused, match="keywords not in content"):
            await try_alert(services, outside, number)
    await delete_alert(services, ROOT, number)
    assert await list_alerts(services) == []
    entries, _total = await services.database.read(lambda conn: page(conn, AuditFilter(kind="alert"), Page(0, 9)))
    assert [entry.action for entry in entries] == ["alert.delete", "alert.update", "alert.create"]
    assert "hook-secret" not in "".join(entry.changes for entry in entries)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": " "}, "needs a name"),
        ({"kind": "fax"}, "unknown way"),
        ({"target": "ftp://x"}, "https:// or http://"),
        ({"kind": "mail", "target": "nobody"}, "an e-mail address"),
        ({"kind": "telegram", "target": "t"}, "number of a chat"),
        ({"events": ""}, "at least one kind"),
        ({"events": "errors,x"}, "at least one kind"),
        ({"quiet_s": 10**9}, "a week"),
    ],
)
async def test_an_alert_that_could_not_be_sent_is_refused(site: Site, change: dict[str, Any], why: str) -> None:
    values = {"name": "x", "kind": "webhook", "target": "https://hooks.example", "events": "errors"} | change
    with pytest.raises(Refused, match=why):
        await save_alert(site.services, ROOT, Alert(**values))
