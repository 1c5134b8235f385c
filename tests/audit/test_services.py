"""Every change that people make is written down with who made it, whichever way it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.audit.author import PROGRAM, Author
from gateway.audit.trail import MASK
from gateway.channels import bulk, removal
from gateway.channels.changes import with_names
from storage.repositories.audit import AuditFilter, AuditRow, delete_old, page
from storage.repositories.rows import Page
from tests.management.conftest import site, sqlite
from tests.management.site import PASSWORD, Site

__all__ = ["site", "sqlite"]

CHANNEL = {
    "type": 1,
    "name": "first",
    "key": "sk-very-secret",
    "models": "m",
    "group": "default",
    "base_url": "https://provider.example",
}


async def entries(site: Site, **wanted: Any) -> list[AuditRow]:
    """What was written down, oldest first."""
    rows, _total = await site.services.database.read(lambda conn: page(conn, AuditFilter(**wanted), Page(0, 100)))
    return rows[::-1]


def changes(row: AuditRow) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(row.changes)
    return found


async def test_channels(site: Site) -> None:
    root = site.root
    await root.call("POST", "/api/channel/", json=CHANNEL)
    await root.call(
        "PUT", "/api/channel/", json={"id": 1, **CHANNEL, "name": "renamed", "key": "sk-other", "priority": 5}
    )
    await root.call("PUT", "/api/channel/?status_only=true", json={"id": 1, "status": 2})
    await root.call("PUT", "/api/channel/pricing/1", json={"model_configs": {"m": {"ratio": 1}}})
    await root.call("DELETE", "/api/channel/disabled")
    found = await entries(site, kind="channel")
    assert [row.action.partition(".")[2] for row in found] == ["create", "update", "disable", "update", "delete"]
    assert {(row.actor, row.via, row.address) for row in found} == {("root", "api", "127.0.0.1")}
    assert {(row.object_id, row.object_name) for row in found[1:]} == {(1, "renamed")}
    assert changes(found[1]) == {"name": ["first", "renamed"], "priority": [0, 5], "key": [MASK, MASK]}
    assert changes(found[2]) == {"status": [1, 2]}
    assert all("secret" not in row.changes and "sk-" not in row.changes for row in found)


async def test_many_channels_at_once(site: Site) -> None:
    for name in ("one", "two"):
        await site.root.call("POST", "/api/channel/", json={**CHANNEL, "name": name})
    author = Author(id=1, username="root", role=100, address="::1", via="page")
    await bulk.switch_channels(site.services, author, [1, 2, 3], enabled=False)
    await bulk.change_channels(site.services, author, [1, 2], with_names("models", ["n"]))
    await bulk.clear_suspensions(site.services, author, 1)
    await removal.remove_channels(site.services, author, [2])
    wholes = (await entries(site, kind="channel"))[2:]
    assert [row.action for row in wholes] == [
        "channel.disable",
        "channel.update",
        "channel.resume",
        "channel.delete",
    ]
    found = sorted(
        [row for number in (1, 2) for row in (await entries(site, kind="channel", object_id=number))[1:]],
        key=lambda row: row.id,
    )
    assert [(row.action, row.object_id) for row in found] == [
        ("channel.disable", 1),
        ("channel.disable", 2),
        ("channel.update", 1),
        ("channel.update", 2),
        ("channel.resume", 1),
        ("channel.delete", 2),
    ]
    assert changes(found[2]) == {"models": ["m", "m,n"]}
    assert {row.via for row in found} == {"page"}


async def test_what_the_program_does_has_a_reason(site: Site) -> None:
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    assert await site.services.registry.auto_disable(1, "status 401: no such key")
    assert not await site.services.registry.auto_disable(1, "again")
    (row,) = await entries(site, actor_id=PROGRAM.id)
    assert (row.action, row.object_name, row.via) == ("channel.auto-disable", "first", "program")
    assert changes(row) == {"reason": ["", "status 401: no such key"]}


async def test_accounts(site: Site) -> None:
    root = site.root
    await site.user("ann")
    number = await site.number_of("ann")
    edit = {
        "id": number,
        "username": "ann",
        "display_name": "Ann",
        "group": "vip",
        "quota": 7,
        "password": "a-new-secret",
    }
    await root.call("PUT", "/api/user/", json=edit)
    await root.call("POST", "/api/topup", json={"user_id": number, "quota": 5, "remark": "birthday"})
    for action in ("promote", "demote", "disable", "enable"):
        await root.call("POST", "/api/user/manage", json={"username": "ann", "action": action})
    await root.call("DELETE", f"/api/user/{number}")
    found = await entries(site, kind="user", object_id=number)
    assert [row.action.partition(".")[2] for row in found] == [
        "create",
        "update",
        "topup",
        "promote",
        "demote",
        "disable",
        "enable",
        "delete",
    ]
    assert {row.actor for row in found} == {"root"}
    assert changes(found[1]) == {
        "display_name": ["ann", "Ann"],
        "group": ["default", "vip"],
        "password": ["", MASK],
        "quota": [0, 7],
    }
    assert changes(found[2]) == {"quota": [7, 12], "remark": ["", "birthday"]}
    assert changes(found[3]) == {"role": [1, 10]}


async def test_what_people_do_with_their_own_account(site: Site) -> None:
    ann = await site.user("ann")
    await ann.call("PUT", "/api/user/self", json={"username": "ann", "display_name": "A", "password": "another-one"})
    await ann.call("GET", "/api/user/token")
    token = await site.token(ann, name="mine", remain_quota=5)
    await ann.call("PUT", "/api/token/", json={"id": token["id"], "name": "yours", "remain_quota": 9})
    await ann.call("DELETE", f"/api/token/{token['id']}")
    await ann.call("DELETE", "/api/user/self")
    found = [row for row in await entries(site) if row.actor == "ann"]
    assert [row.action for row in found] == [
        "user.update",
        "user.access-token",
        "token.create",
        "token.update",
        "token.delete",
        "user.delete",
    ]
    assert changes(found[0]) == {"password": ["", MASK]}
    assert changes(found[3]) == {"name": ["mine", "yours"], "remain_quota": [5, 9]}
    assert all(token["key"].removeprefix("sk-") not in row.changes for row in found)


async def test_registering_is_the_newcomer_s_own_deed(site: Site) -> None:
    await site.visitor().call("POST", "/api/user/register", json={"username": "newcomer", "password": PASSWORD})
    (row,) = await entries(site, action="user.register")
    assert (row.actor, row.object_name, row.object_id) == ("newcomer", "newcomer", row.actor_id)


async def test_options_without_their_secrets(site: Site) -> None:
    await site.root.call("PUT", "/api/option/", json={"key": "SystemName", "value": "Mine"})
    await site.root.call("PUT", "/api/option/", json={"key": "SMTPToken", "value": "hush-hush"})
    name, secret = await entries(site, kind="option")
    assert (name.object_name, changes(name)) == ("SystemName", {"SystemName": ["One API", "Mine"]})
    assert changes(secret) == {"SMTPToken": ["", MASK]}


async def test_codes(site: Site) -> None:
    root = site.root
    await root.call("POST", "/api/redemption/", json={"name": "spring", "quota": 100, "count": 2})
    await root.call("PUT", "/api/redemption/", json={"id": 1, "name": "summer", "quota": 50})
    await root.call("DELETE", "/api/redemption/1")
    found = await entries(site, kind="code")
    assert [row.action for row in found] == ["code.create", "code.update", "code.delete"]
    assert changes(found[1]) == {"name": ["spring", "summer"], "quota": [100, 50]}


async def test_what_was_refused_is_not_written_down(site: Site) -> None:
    before = len(await entries(site))
    await site.root.refused("PUT", "/api/channel/", json={"id": 99, **CHANNEL})
    await site.root.refused("PUT", "/api/option/", json={"key": "RetryTimes", "value": "many"})
    await site.root.refused("POST", "/api/user/manage", json={"username": "root", "action": "disable"})
    ann = await site.user("ann", role="admin")
    await ann.refused("POST", "/api/user/manage", json={"username": "root", "action": "demote"})
    assert len(await entries(site)) == before + 2  # ann, and her promotion


@pytest.mark.parametrize("text", ["renamed", "1"])
async def test_entries_are_found_by_name_and_number(site: Site, text: str) -> None:
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    await site.root.call("PUT", "/api/channel/", json={"id": 1, **CHANNEL, "name": "renamed"})
    assert "channel.update" in [row.action for row in await entries(site, text=text)]
    assert await entries(site, text="nothing-like-it") == []


async def test_clearing_the_log_is_written_down(site: Site) -> None:
    await site.root.call("DELETE", "/api/log/?target_timestamp=100")
    (row,) = await entries(site, kind="log")
    assert (row.actor, changes(row)) == ("root", {"before": ["", 100], "entries": ["", 0]})


async def test_entries_are_forgotten_when_they_are_old(site: Site) -> None:
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    (row,) = await entries(site)
    database = site.services.database
    assert await database.write(lambda conn: delete_old(conn, before_ms=row.created_at, limit=10)) == 0
    assert await database.write(lambda conn: delete_old(conn, before_ms=row.created_at + 1, limit=10)) == 1
    assert await entries(site) == []
