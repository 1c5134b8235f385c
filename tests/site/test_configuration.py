"""The configuration as a file: read strictly, compared exactly, applied as a whole or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from gateway.accounts.refusals import Refused
from gateway.audit.author import Author
from gateway.site.configuration.apply import PlanOutdated, apply_text, export_text, plan_text
from gateway.site.configuration.document import BadDocument, read_document, write_document
from storage.records import ChannelStatus
from storage.repositories import channels
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, address="10.0.0.1", via="page")
CHANNEL = {
    "type": 1,
    "name": "EU",
    "key": "sk-stored-secret-1",
    "models": "gpt-4o,on,1:30",
    "group": "default,vip",
    "base_url": "https://eu.example",
    "priority": 5,
    "config": '{"custom_headers": {"X-Team": "header-secret"}, "region": "eu"}',
    "model_configs": '{"gpt-4o": {"ratio": 2.5, "completion_ratio": 4}}',
}


async def test_an_export_holds_no_secret_and_changes_nothing_when_it_is_applied(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    await site.root.call("PUT", "/api/option/", json={"key": "SMTPToken", "value": "mail-secret"})
    await site.root.call("PUT", "/api/option/", json={"key": "Notice", "value": "two\nlines: yes"})
    text = await export_text(site.services)
    for secret in ("stored-secret", "header-secret", "mail-secret", "SMTPToken"):
        assert secret not in text
    content = yaml.safe_load(text)
    assert content["settings"]["Notice"] == "two\nlines: yes"
    assert content["channels"][0]["type"] == "openai"
    plan = await plan_text(site.services, text, prune=True)
    assert (plan.steps, plan.faults) == ([], [])


async def test_a_file_adds_changes_and_removes_in_one_transaction_and_is_written_down(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    await site.root.call("POST", "/api/channel/", json=CHANNEL | {"name": "Old", "group": "default"})
    text = """
settings: {RetryTimes: 3, DisplayInCurrencyEnabled: false}
groups: {default: 1, vip: 0.8, svip: 1}
channels:
  - name: EU
    priority: 9
    models: [gpt-4o, gpt-4.1]
    config: {region: us, custom_headers: {X-Team: ''}}
    tag: europe
  - {name: New, type: anthropic, models: [claude-sonnet-4-5], groups: [vip]}
"""
    plan = await plan_text(site.services, text, prune=True)
    told = {(step.part, step.name): step.doing for step in plan.steps}
    assert told == {
        ("setting", "RetryTimes"): "change",
        ("setting", "DisplayInCurrencyEnabled"): "change",
        ("group", "vip"): "change",
        ("channel", "EU"): "change",
        ("channel", "New"): "add",
        ("channel", "Old"): "remove",
    }
    (eu,) = [step for step in plan.steps if step.name == "EU"]
    assert [d.name for d in eu.differences] == ["priority", "models", "config", "tag"]
    await apply_text(site.services, ROOT, text, prune=True, mark=plan.mark)
    eu_now, new = await site.services.database.read(channels.everything)
    assert (eu_now.priority, eu_now.models, eu_now.key) == (9, "gpt-4o,gpt-4.1", "sk-stored-secret-1")
    assert '"X-Team": "header-secret"' in eu_now.config
    assert '"region": "us"' in eu_now.config
    assert (new.name, new.status, new.key) == ("New", ChannelStatus.DISABLED, "")
    options = site.services.registry.current.options
    assert (options.integer("RetryTimes"), options.group_ratio["vip"]) == (3, Decimal("0.8"))
    assert (await plan_text(site.services, text, prune=True)).steps == []
    entries, _total = await site.services.database.read(lambda conn: page(conn, AuditFilter(), Page(0, 6)))
    assert [entry.action for entry in entries[:5]] == [
        "config.apply",
        "channel.delete",
        "channel.create",
        "channel.update",
        "option.set",
    ]
    assert {entry.address for entry in entries[:5]} == {"10.0.0.1"}
    assert "header-secret" not in "".join(entry.changes for entry in entries)


async def test_what_was_changed_meanwhile_keeps_a_plan_from_being_applied(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    text = "channels: [{name: EU, priority: 9, weight: 3}]"
    plan = await plan_text(site.services, text, prune=False)
    await site.root.call("PUT", "/api/channel/", json=CHANNEL | {"id": 1, "priority": 8})
    with pytest.raises(PlanOutdated):
        await apply_text(site.services, ROOT, text, prune=False, mark=plan.mark)
    (eu,) = await site.services.database.read(channels.everything)
    assert (eu.priority, eu.weight) == (8, 0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("settings: {SMTPToken: x}", "settings.SMTPToken is a secret, which is set on the page"),
        ("settings: {GroupRatio: x}", "settings.GroupRatio does not belong here: groups have a part of their own"),
        ("settings: {Nothing: x}", "settings.Nothing is no setting"),
        ("settings: {RetryTimes: many}", "settings.RetryTimes: RetryTimes must be a whole number"),
        ("settings: {RetryTimes: 50}", "settings.RetryTimes: RetryTimes must be between 0 and 10"),
        ("channels: [{name: A}]", "channels[0] (A): a new channel needs type and models"),
        ("channels: [{name: A, type: nope, models: [m]}]", "channels[0] (A): unknown type nope"),
        ("channels: [{name: A, type: openai, models: [m], groups: [x]}]", "channels[0] (A): there is no group x"),
        ("channels: [{name: A, id: 77}]", "channels[0] (A): there is no channel 77"),
        ("channels: [{name: EU, weight: -1}]", "channels[0] (EU): weight cannot be negative"),
        ("channels: [{name: EU}, {name: EU}]", "channels: 2 are called EU; give each its id"),
    ],
)
async def test_a_file_that_does_not_fit_is_refused_with_the_place(site: Site, text: str, fault: str) -> None:
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    plan = await plan_text(site.services, text, prune=False)
    assert plan.steps == ()
    assert fault in plan.faults
    with pytest.raises(Refused):
        await apply_text(site.services, ROOT, text, prune=False, mark=plan.mark)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the file must begin with names such as `settings:` or `channels:`"),
        ("a: [", "line 1, column 5: expected the node content, but found '<stream end>'"),
        ("a: &x [1]\nb: *x", "line 2, column 6: anchors and aliases are not taken"),
        ("sorts: 1", "unknown part 'sorts'; known are version, settings, groups, channels"),
        ("version: 2", "version 2 is not known here, only 1"),
        ("groups: {a: -1}", "groups.a must be a number of 0 or more"),
        ("channels: [{name: A, modells: [x]}]", "channels[0] (A): unknown member 'modells'"),
        ("channels: [{name: A, models: {}}]", "channels[0] (A): models must be a list of names"),
        ("channels: [{name: A, status: maybe}]", "channels[0] (A): status must be one of enabled, disabled"),
        ("channels: [{type: openai}]", "channels[0] needs a name"),
        ("settings: {A: [1]}", "settings.A must be one value"),
        ("!!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_place(text: str, fault: str) -> None:
    with pytest.raises(BadDocument) as refused:
        read_document(text)
    assert any(fault in one for one in refused.value.faults), refused.value.faults


def test_texts_and_numbers_come_back_as_they_were_written() -> None:
    settings = {
        "A": "true",
        "B": "0123",
        "C": "1:30",
        "D": "line\n  two \n",
        "E": "",
        "F": "yes",
        "G": "1e3",
        "H": "# no",
    }
    channel = {"name": "on", "models": ["1.0", "2024-01-01", "null"], "prices": {"m": {"ratio": 0.1}}}
    text = write_document(settings=settings, groups={"a": Decimal("0.10"), "b": Decimal(1)}, channels=[channel])
    found = read_document(text)
    assert dict(found.settings) == settings
    assert found.groups == {"a": Decimal("0.1"), "b": Decimal(1)}
    assert found.channels is not None
    assert found.channels[0].members["models"] == channel["models"]
    assert found.channels[0].members["prices"] == channel["prices"]
