"""Recorded messages are their owner's; whoever else looks is written down, and not everybody may."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gateway.recordings.packing import Content
from gateway.site.log_retention import LogRetention
from storage.repositories import messages
from storage.repositories.messages import StoredMessages

if TYPE_CHECKING:
    from tests.management.site import Person, Site

SAID = Content(
    request=json.dumps({"model": "m", "messages": [{"role": "user", "content": "a secret of mine"}]}),
    answer=json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "well kept"}}]}),
)
NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000


async def recorded(site: Site, name: str, request_id: str = "r1", *, at_ms: int = NOW_MS) -> None:
    row = StoredMessages(
        request_id=request_id,
        user_id=await site.number_of(name),
        token_id=9,
        created_at=at_ms,
        format="openai_chat",
        endpoint="chat_completions",
        status=200,
        content=zlib.compress(msgspec.json.encode(SAID)),
    )
    await site.services.database.write(lambda conn: messages.add(conn, [row]))


async def permit(site: Site, **options: str) -> None:
    for key, value in options.items():
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": value})


async def audited(site: Site) -> list[Any]:
    def work(conn):  # type: ignore[no-untyped-def]
        return [
            tuple(row)
            for row in conn.exec_driver_sql("SELECT actor, action, object_name, changes FROM gw_audit ORDER BY id")
            if row[1].startswith("messages.")
        ]

    return await site.services.database.read(work)  # type: ignore[no-any-return]


async def test_the_owner_reads_without_a_trace_in_the_audit_log(site: Site) -> None:
    ann = await site.user("ann")
    await recorded(site, "ann")
    found = await ann.call("GET", "/api/messages/r1")
    assert found["request"]["messages"][0]["content"] == "a secret of mine"
    assert found["answer"]["choices"][0]["message"]["content"] == "well kept"
    assert await audited(site) == []


async def test_root_reads_and_is_written_down_but_not_what_was_said(site: Site) -> None:
    await site.user("ann")
    await recorded(site, "ann")
    await site.root.call("GET", "/api/messages/r1")
    ((actor, action, name, changes),) = await audited(site)
    assert (actor, action, name) == ("root", "messages.read", "r1")
    assert "secret" not in changes


async def test_others_do_not_even_learn_that_there_is_something(site: Site) -> None:
    await site.user("ann")
    eve = await site.user("eve")
    await recorded(site, "ann")
    for method in ("GET", "DELETE"):
        assert (await eve.send(method, "/api/messages/r1")).status_code == 404
        assert (await eve.send(method, "/api/messages/r2")).status_code == 404
    assert await audited(site) == []
    assert (await site.visitor().send("GET", "/api/messages/r1")).status_code == 401


async def test_administrators_read_only_where_root_permits_it_and_only_of_lower_roles(site: Site) -> None:
    await site.user("ann")
    bob, _carl = await site.user("bob", role="admin"), await site.user("carl", role="admin")
    await recorded(site, "ann")
    await recorded(site, "carl", "r2")
    await recorded(site, "root", "r3")
    assert "only their owner and root" in await bob.refused("GET", "/api/messages/r1")
    await permit(site, MessagesForAdministrators="true")
    assert await bob.call("GET", "/api/messages/r1")
    for of_an_equal in ("r2", "r3"):
        assert (await bob.send("GET", f"/api/messages/{of_an_equal}")).status_code == 404
    assert [entry[:3] for entry in await audited(site)] == [("bob", "messages.read", "r1")]


@pytest.mark.parametrize("who", ["ann", "bob", "root"])
async def test_owner_and_administrators_delete_which_is_written_down(who: str, site: Site) -> None:
    people: dict[str, Person] = {"ann": await site.user("ann"), "bob": await site.user("bob", role="admin")}
    await recorded(site, "ann")
    person = people.get(who, site.root)
    await person.call("DELETE", "/api/messages/r1")
    assert (await person.send("GET", "/api/messages/r1")).status_code == 404
    assert [entry[:3] for entry in await audited(site)] == [(who, "messages.delete", "r1")]


async def test_a_token_is_recorded_only_if_its_owner_wants_it_and_the_site_permits_it(site: Site) -> None:
    ann = await site.user("ann")
    token = await site.token(ann)
    assert token["record_messages"] is False
    wish = {"id": token["id"], "name": "t", "record_messages": True}
    assert await ann.refused("PUT", "/api/token/", json=wish) == "this site does not permit recording messages"
    await permit(site, MessageRecordingEnabled="true")
    assert (await ann.call("PUT", "/api/token/", json=wish))["record_messages"] is True
    account = await site.services.accounts.by_key(token["key"].removeprefix("sk-"))
    assert account is not None
    assert account.records
    # What does not name the switch leaves it; a permission that is withdrawn does not get in the way of other edits.
    await permit(site, MessageRecordingEnabled="false")
    assert (await ann.call("PUT", "/api/token/", json={"id": token["id"], "name": "u"}))["record_messages"] is True
    assert (await ann.call("PUT", "/api/token/", json=wish))["record_messages"] is True
    listed = await ann.call("GET", "/api/token/")
    assert {one["id"]: one["record_messages"] for one in listed}[token["id"]] is True
    off = await ann.call("PUT", "/api/token/", json=wish | {"record_messages": False})
    assert off["record_messages"] is False


async def test_old_recordings_are_deleted_a_few_at_a_time_also_where_nothing_is_recorded_any_more(site: Site) -> None:
    await permit(site, MessageRetentionDays="2")
    for number in range(120):
        await recorded(site, "root", f"old{number}", at_ms=NOW_MS - 2 * DAY_MS - 1)
    await recorded(site, "root", "new", at_ms=NOW_MS - 2 * DAY_MS + 1)
    retention = LogRetention(site.services, now_s=lambda: NOW_MS / 1000)
    assert await retention.tidy_messages() == 120
    assert await site.services.database.read(messages.count) == 1


async def test_a_log_that_is_deleted_takes_its_recordings_along(site: Site) -> None:
    await recorded(site, "root", "old", at_ms=1_000_000_000)
    await recorded(site, "root", "new")
    await site.root.call("DELETE", "/api/log/", params={"target_timestamp": 2_000_000})
    assert await site.services.database.read(messages.count) == 1


async def test_an_account_that_is_deleted_takes_its_recordings_along(site: Site) -> None:
    await site.user("ann")
    await recorded(site, "ann")
    await recorded(site, "root", "r2")
    await site.root.call("DELETE", f"/api/user/{await site.number_of('ann')}")
    assert await site.services.database.read(messages.count) == 1
