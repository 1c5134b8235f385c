"""A channel with several keys: adding and removing, what is known of each, and that no key is ever shown."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import pytest
import trio
from sqlalchemy import select

from gateway.audit.author import Author
from gateway.channels import edits, removal
from gateway.registry.key_states import KeyFailure
from storage.audit_tables import gw_audit
from storage.channel_tables import gw_channel_undo
from storage.engines import EngineOptions
from storage.key_tables import gw_channel_keys
from storage.repositories import channel_keys, channel_secrets, channels
from storage.repositories.relay_reads import registry_rows
from storage.sealing import PREFIX, Sealer
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site
from tests.support.engines import FreshDatabase
from tests.support.provider import Answer, Received, failure, provider

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, via="page")
KEYS = ("sk-first-0000-aaaa", "sk-second-000-bbbb", "sk-third-0000-cccc")


async def made(site: Site, **members: Any) -> int:
    body = {
        "name": "one",
        "type": 1,
        "key": "\n".join(KEYS),
        "models": "gpt-4o-mini",
        "keys_in_turn": True,
        **members,
    }
    await site.root.call("POST", "/api/channel/", json=body)
    return int((await site.root.call("GET", "/api/channel/"))[0]["id"])


async def listed(site: Site, number: int) -> list[dict[str, Any]]:
    return list(await site.root.call("GET", f"/api/channel/{number}/keys"))


def ring(site: Site, number: int) -> list[str]:
    return [one.key for one in site.services.registry.current.channels[number].ring]


async def test_one_channel_takes_all_lines_and_the_original_program_knows_the_first(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await made(site, key="\n".join([*KEYS, KEYS[0]]))
    assert [channel.id for channel in site.services.registry.current.channels.values()] == [number]
    assert ring(site, number) == list(KEYS)
    assert (await edits.read_channel(site.services, number)).key == KEYS[0]
    found = await listed(site, number)
    assert [(one["name"], one["first"], one["state"]) for one in found] == [
        ("…aaaa", True, "good"),
        ("…bbbb", False, "good"),
        ("…cccc", False, "good"),
    ]
    answer = await site.root.send("GET", f"/api/channel/{number}/keys")
    assert not any(key in answer.text for key in KEYS)


async def test_a_channel_gets_more_keys_and_loses_them_again(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await made(site, key=KEYS[0], keys_in_turn=False)
    assert ring(site, number) == []
    assert [(one["id"], one["name"]) for one in await listed(site, number)] == [(0, "…aaaa")]
    path = f"/api/channel/{number}/keys"
    assert await site.root.call("POST", path, json={"keys": f"{KEYS[1]}\n\n {KEYS[2]} \n{KEYS[0]}\n"}) == 2
    assert ring(site, number) == list(KEYS)
    first, second, _third = await listed(site, number)
    await site.root.call("DELETE", f"{path}/{second['id']}")
    assert ring(site, number) == [KEYS[0], KEYS[2]]
    # The next one takes the place of the first, and keeps its number.
    await site.root.call("DELETE", f"{path}/{first['id']}")
    assert (await edits.read_channel(site.services, number)).key == KEYS[2]
    (left,) = await listed(site, number)
    assert (left["name"], left["first"]) == ("…cccc", True)
    refused = (await site.root.send("DELETE", f"{path}/{left['id']}")).json()
    assert "needs a key" in refused["message"]
    actions = [row["action"] for row in await _audit(site)]
    assert [action for action in actions if "key" in action] == [
        "channel.keys-add",
        "channel.key-remove",
        "channel.key-remove",
    ]


async def _audit(site: Site) -> list[dict[str, Any]]:
    rows = await site.services.database.read(
        lambda conn: conn.execute(select(gw_audit.c.action, gw_audit.c.changes).order_by(gw_audit.c.id)).all()
    )
    texts = "".join(row.changes for row in rows)
    assert not any(key in texts for key in KEYS)
    return [{"action": row.action, "changes": row.changes} for row in rows]


async def test_what_befalls_a_key_is_known_after_a_restart_and_cleared_by_hand(site_everywhere: Site) -> None:
    site = site_everywhere
    registry = site.services.registry
    number = await made(site)
    first, second, _third = (one.key_id for one in registry.current.channels[number].ring)
    soon = time.time() + 60
    for failed in (
        KeyFailure(key_id=first, channel_id=number, model="a", until=soon, status=429, error="slow"),
        KeyFailure(key_id=first, channel_id=number, model="b", until=soon, status=429, error="slow down"),
        KeyFailure(key_id=second, channel_id=number, bad=True, status=401, error="no such key"),
    ):
        is_new = await registry.fail_key(failed)
        assert is_new == failed.bad
    assert not await registry.fail_key(KeyFailure(key_id=second, channel_id=number, bad=True, status=401))
    # As another process, or this one after a restart, reads it.
    rows = (await site.services.database.read(lambda c: registry_rows(c, site.services.database.instants))).keys
    assert [(sorted(row.rests), bool(row.bad_at), row.status) for row in rows] == [
        (["a", "b"], False, 429),
        ([], True, 401),
        ([], False, 0),
    ]
    states = [(one["state"], sorted(one["rests"]), one["failed_status"]) for one in await listed(site, number)]
    assert states == [("rests", ["a", "b"], 429), ("bad", [], 401), ("good", [], 0)]
    for key_id in (first, second):
        await site.root.call("POST", f"/api/channel/{number}/keys/{key_id}/clear")
    assert [one["state"] for one in await listed(site, number)] == ["good"] * 3
    assert not registry.keys.is_bad(second)
    refusals = [row["changes"] for row in await _audit(site) if row["action"] == "channel.key-refused"]
    assert len(refusals) == 1
    assert "…bbbb" in refusals[0]


async def test_processes_agree_on_keys_as_soon_as_one_of_them_learns_something(site: Site) -> None:
    number = await made(site)
    mine, other = site.services.registry, site.registry_beside()
    first, second, _third = (one.key_id for one in mine.current.channels[number].ring)
    async with trio.open_nursery() as nursery:
        await nursery.start(other.run)
        await mine.fail_key(KeyFailure(key_id=first, channel_id=number, bad=True, status=401, error="no"))
        await other.fail_key(KeyFailure(key_id=second, channel_id=number, model="m", until=time.time() + 60))
        taken = []
        for registry in (mine, other):
            one = registry.keys.take(registry.current.channels[number], "m", now=time.time())
            taken.append(one.key if one is not None else "")
        assert taken == [KEYS[2], KEYS[2]]
        await site.root.call("POST", f"/api/channel/{number}/keys/{first}/clear")
        assert not other.keys.is_bad(first)
        nursery.cancel_scope.cancel()


async def test_another_first_key_begins_without_the_old_ones_record(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await made(site)
    registry = site.services.registry
    first = registry.current.channels[number].ring[0].key_id
    await registry.fail_key(KeyFailure(key_id=first, channel_id=number, bad=True, status=401, error="no"))
    await site.root.call("PUT", "/api/channel/", json={"id": number, "name": "one", "key": "sk-fourth-000-dddd"})
    found = (await listed(site, number))[0]
    assert (found["name"], found["state"], found["error"]) == ("…dddd", "good", "")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"type": 42, "key": "a|b|c\nd|e|f"}, "made of settings"),
        ({"type": 33, "key": "k1\nk2", "config": '{"ak": "a", "sk": "b", "region": "r"}'}, "made of settings"),
        ({"type": 33, "key": "k1\na|b|c", "config": '{"region": "r"}'}, "only Bedrock API keys"),
        ({"type": 34, "key": "k1\nk2", "config": '{"auth_type": "oauth_jwt"}'}, "OAuth app"),
        ({"type": 1, "key": 'k1\n{"a": 1}'}, "JSON"),
        ({"type": 18, "key": "a|b|c\nd|e"}, "write each as"),
        ({"type": 1, "key": "\n".join(f"k{n}" for n in range(101))}, "may have 100 keys"),
    ],
)
async def test_keys_that_are_not_one_line_each_are_refused(site: Site, members: dict[str, Any], words: str) -> None:
    body = {"name": "one", "models": "m", "keys_in_turn": True, **members}
    refused = (await site.root.send("POST", "/api/channel/", json=body)).json()
    assert not refused["success"]
    assert words in refused["message"]


@pytest.mark.parametrize(
    "members",
    [
        {"type": 18, "key": "a|b|c\nd|e|f"},
        {"type": 33, "key": "k1\nk2", "config": '{"region": "eu-central-1"}'},
        {"type": 34, "key": "pat_1\npat_2"},
        {"type": 14, "key": "k1\nk2"},
    ],
)
async def test_whole_keys_of_one_line_are_taken(site: Site, members: dict[str, Any]) -> None:
    number = await made(site, **members)
    assert ring(site, number) == members["key"].splitlines()


async def test_a_type_that_the_further_keys_are_none_of_is_refused(site: Site) -> None:
    number = await made(site)
    edit = {"id": number, "name": "one", "type": 18, "key": "a|b|c"}
    refused = (await site.root.send("PUT", "/api/channel/", json=edit)).json()
    assert "write each as" in refused["message"]
    assert (await edits.read_channel(site.services, number)).type == 1


async def test_keys_go_and_come_back_with_their_channel(site_everywhere: Site) -> None:
    site = site_everywhere
    number = await made(site)
    gone = await removal.remove_channels(site.services, ROOT, [number])
    stray = site.services.database.write
    assert await stray(channel_keys.forget_stray) == 0
    await removal.restore_channels(site.services, ROOT, gone.batch)
    assert ring(site, number) == list(KEYS)
    await removal.remove_channels(site.services, ROOT, [number])
    await site.services.database.write(lambda conn: conn.execute(gw_channel_undo.delete()))
    assert await stray(channel_keys.forget_stray) == 3


async def test_a_test_marks_a_refused_key_and_goes_on_with_the_next(site: Site) -> None:
    def answered(request: Received) -> Answer:
        bearer = request.headers["authorization"]
        return failure(401, "no such key") if bearer.endswith("aaaa") else Answer()

    async with provider() as mock:
        mock.responder = answered
        number = await made(site, base_url=mock.url)
        assert (await site.root.send("GET", f"/api/channel/test/{number}")).json()["success"]
        assert [one["state"] for one in await listed(site, number)] == ["bad", "good", "good"]
        assert (await edits.read_channel(site.services, number)).status == 1
        first = (await listed(site, number))[0]["id"]
        path = f"/api/channel/{number}/keys/{first}/test"
        assert not (await site.root.send("POST", path)).json()["success"]
        mock.responder = None
        assert (await site.root.send("POST", path)).json()["success"]
    assert [one["state"] for one in await listed(site, number)] == ["good"] * 3


async def test_a_test_does_not_tell_the_key_that_a_provider_repeats(site: Site) -> None:
    # Of a shape that nobody would take for a key.
    keys = ("first-of-two-aaaa", "second-of-two-bbbb")
    async with provider() as mock:
        mock.responder = lambda request: failure(401, f"no such key: {request.headers['authorization'][7:]}")
        number = await made(site, base_url=mock.url, key="\n".join(keys))
        told = (await site.root.send("GET", f"/api/channel/test/{number}")).text
    rows = await site.services.database.read(lambda conn: channel_keys.of_channel(conn, number))
    assert [row.error for row in rows] == ["no such key: ***"] * 2
    kept = await site.services.database.read(lambda conn: conn.execute(select(gw_audit.c.changes)).scalars().all())
    assert not any(key in told + "".join(kept) for key in keys)


def test_further_keys_are_sealed_and_rewritten_like_the_first(migrated: FreshDatabase) -> None:
    old, new = "o" * 32, "n" * 32
    options = EngineOptions(pool_size=3, secrets=(old,))
    with closing(migrated.open(options)) as database:

        def add(conn: Any) -> int:
            number = channels.add(conn, {"name": "c", "type": 1, "status": 1, "key": KEYS[0]})
            channel_keys.add(conn, number, ["", KEYS[1]], now_ms=1)
            return number

        number = database.write_sync(add)
        assert _stored(database) == ["", "sealed"]
        written, locked = database.write_sync(
            lambda conn: channel_secrets.rewrite(conn, Sealer((new, old)), seal=True)
        )
        assert (written, locked) == (1, [])
    with closing(migrated.open(EngineOptions(pool_size=3, secrets=(new,)))) as database:
        rows = database.read_sync(lambda conn: channel_keys.of_channel(conn, number))
        assert [row.key for row in rows] == ["", KEYS[1]]
        database.write_sync(lambda conn: channel_secrets.rewrite(conn, Sealer((new,)), seal=False))
        assert _stored(database) == ["", KEYS[1]]
        database.write_sync(lambda conn: channel_secrets.rewrite(conn, Sealer((old,)), seal=True))
    with closing(migrated.open(EngineOptions(pool_size=3, secrets=(new,)))) as database:
        _written, locked = database.write_sync(lambda conn: channel_secrets.rewrite(conn, Sealer((new,)), seal=True))
        assert locked == [number]
        assert [row.is_locked for row in database.read_sync(channel_keys.everything)] == [False, True]


def _stored(database: Any) -> list[str]:
    found = database.read_sync(
        lambda conn: conn.execute(select(gw_channel_keys.c.key).order_by(gw_channel_keys.c.id)).scalars().all()
    )
    return ["sealed" if text.startswith(PREFIX) else text for text in found]
