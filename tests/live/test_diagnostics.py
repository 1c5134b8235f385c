"""How the installation is, as it says itself; on each engine."""

from __future__ import annotations

import json
from dataclasses import replace

from gateway.live.facts import Roll, Surroundings
from gateway.live.live import Live
from gateway.observe.records import Event
from gateway.observe.redact import Redactor
from gateway.observe.tail import Tail
from gateway.site.diagnostics import bundle, changed_options, changed_settings, diagnose
from tests.cluster.members import worker_members
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase

__all__ = ["site", "site_everywhere", "sqlite"]


async def test_processes_and_database_are_told_of(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call(
        "POST",
        "/api/channel/",
        json={"type": 1, "name": "x", "key": "k", "models": "m", "group": "default", "base_url": "https://a.example"},
    )
    found = await diagnose(
        site.services, Live.of(site.services, around=Surroundings(process="a/0", replica="1234567890"))
    )
    # The site has one of its own, which answers as well.
    (facts,) = [facts for facts in found.processes if facts.process == "a/0"]
    assert (facts.process, facts.replica, facts.state, facts.channels) == ("a/0", "12345678", "serving", 1)
    assert facts.memory_bytes > 1_000_000
    assert found.main.vitals is not None
    assert found.main.vitals.size_bytes > 10_000
    assert found.main.vitals.version
    assert (found.main.vitals.reservations, found.main.vitals.parked) == (0, 0)
    assert (found.revision.isdigit(), list(found.pending), found.logs) == (True, [], None)


async def test_every_worker_answers_the_roll(site: Site) -> None:
    async with worker_members() as (first, second):
        services = site.services
        one = Roll(replace(services, bus=first.bus), Surroundings(process="a/0"), is_alone=False)
        Roll(replace(services, bus=second.bus), Surroundings(process="a/1", is_leader=False), is_alone=False)
        assert [(facts.process, facts.is_leader) for facts in await one.call()] == [("a/0", True), ("a/1", False)]


async def test_only_what_differs_is_listed_and_no_secret(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"session_secret": "very-secret-value", "port": 4711}) as site:
        await site.root.call("PUT", "/api/option/", json={"key": "SMTPToken", "value": "hush-hush"})
        await site.root.call("PUT", "/api/option/", json={"key": "SystemName", "value": "Mine"})
        settings = {setting.name: setting.value for setting in changed_settings(site.services)}
        assert settings["PORT"] == "4711"
        assert "very-secret-value" not in settings["SESSION_SECRET"]
        assert "RELAY_TIMEOUT" not in settings
        options = {setting.name: setting.value for setting in changed_options(site.services)}
        assert options == {"SMTPToken": "•••", "SystemName": "Mine"}


async def test_what_is_handed_to_helpers_is_json_without_secrets(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"session_secret": "very-secret-value"}) as site:
        await site.root.call("PUT", "/api/option/", json={"key": "SMTPToken", "value": "hush-hush"})
        tail = Tail(Redactor())
        tail.put(Event(1.0, "info", "test.event", "key is sk-abcdefghijklmnop", {}))
        text = (await bundle(site.services, Live.of(site.services, tail=tail))).decode()
        content = json.loads(text)
        assert content["processes"][0]["state"] == "serving"
        assert content["journal"][0]["event"] == "test.event"
        for secret in ("very-secret-value", "hush-hush", "abcdefghijklmnop"):
            assert secret not in text
