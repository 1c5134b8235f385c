"""Channels that were deleted come back as they were, with what was charged for them meanwhile."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from gateway.audit.author import Author
from gateway.channels import edits, labels, removal
from gateway.channels.edits import ChannelEdit
from gateway.ledger.verify import verify
from storage.channel_tables import gw_channel_labels, gw_channel_tests, gw_channel_undo
from storage.repositories import channel_secrets, channel_tests, channel_undo, ledger
from storage.repositories.channel_tests import KEPT, TestRow
from storage.sealing import Sealer
from storage.tables import channels
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, via="page")
NEW = ChannelEdit(
    type=1, name="first", key="sk-secret\nsk-other", models="m,n", group="default,vip", tag=" eu ", note="mine"
)


async def settled(site: Site, channel_id: int, units: int) -> None:
    """Charge a channel, as the ledger's writer does: the row of the channel only if there is one."""

    def work(conn: Any) -> None:
        ledger.post(conn, kind="relay", at_ms=now_ms(), channel_id=channel_id, channel_units=units)
        column = channels.c.used_quota
        conn.execute(update(channels).where(channels.c.id == channel_id).values(used_quota=column + units))

    await site.services.database.write(work)


async def rows(site: Site, table: Any) -> list[Any]:
    return list(await site.services.database.read(lambda conn: conn.execute(select(table)).all()))


async def test_what_was_deleted_comes_back_with_what_was_charged_meanwhile(site_everywhere: Site) -> None:
    site = site_everywhere
    await edits.create_channels(site.services, ROOT, NEW)
    await settled(site, 1, 7)
    before = await edits.read_channel(site.services, 1)
    gone = await removal.remove_channels(site.services, ROOT, [1, 2, 99])
    assert [channel.id for channel in gone.channels] == [1, 2]
    assert site.services.registry.current.channels == {}
    await settled(site, 1, 5)
    restored = await removal.restore_channels(site.services, ROOT, gone.batch)
    assert [channel.id for channel in restored] == [1, 2]
    after = await edits.read_channel(site.services, 1)
    assert (after.key, after.used_quota, after.models) == ("sk-secret", before.used_quota + 5, "m,n")
    assert await site.services.database.read(verify) == []
    assert set(site.services.registry.current.serving) == {(g, m) for g in ("default", "vip") for m in "mn"}
    assert (await labels.read_label(site.services, 1)).tag == "eu"
    with pytest.raises(NotFound):
        await removal.restore_channels(site.services, ROOT, gone.batch)


async def test_what_is_too_old_is_gone_for_good_with_all_that_belongs_to_it(site: Site) -> None:
    await edits.create_channels(site.services, ROOT, NEW)
    for number in (1, 2):
        row = TestRow(channel_id=number, tested_at=1)
        await site.services.database.write(partial(channel_tests.add, row=row))
    gone = await removal.remove_channels(site.services, ROOT, [1])
    late = now_ms() + removal.KEPT_MS
    delete = partial(channel_undo.delete_expired, now_ms=late, limit=10)
    assert [await site.services.database.write(delete) for _ in range(2)] == [1, 0]
    with pytest.raises(NotFound):
        await removal.restore_channels(site.services, ROOT, gone.batch)
    assert [row.channel_id for row in await rows(site, gw_channel_labels)] == [2]
    assert [row.channel_id for row in await rows(site, gw_channel_tests)] == [2]


async def test_a_channel_that_came_back_keeps_its_tag_when_the_copy_expires(site: Site) -> None:
    await edits.create_channels(site.services, ROOT, NEW)
    first = await removal.remove_channels(site.services, ROOT, [1])
    await removal.restore_channels(site.services, ROOT, first.batch)
    await removal.remove_channels(site.services, ROOT, [2])
    delete = partial(channel_undo.delete_expired, now_ms=now_ms() + removal.KEPT_MS, limit=10)
    await site.services.database.write(delete)
    assert [row.channel_id for row in await rows(site, gw_channel_labels)] == [1]


async def test_an_expired_copy_is_not_restored_even_while_it_is_there(site: Site) -> None:
    await edits.create_channels(site.services, ROOT, NEW)
    gone = await removal.remove_channels(site.services, ROOT, [1])
    await site.services.database.write(lambda conn: conn.execute(update(gw_channel_undo).values(expires_at=now_ms())))
    with pytest.raises(NotFound):
        await removal.restore_channels(site.services, ROOT, gone.batch)


async def test_tag_and_note_are_written_with_the_channel_and_shown_by_the_api(site: Site) -> None:
    await edits.create_channels(site.services, ROOT, NEW)
    shown = await site.root.call("GET", "/api/channel/1")
    assert (shown["tag"], shown["note"]) == ("eu", "mine")
    await site.root.call("PUT", "/api/channel/", json={"id": 1, "name": "first", "tag": ""})
    assert [
        (one["tag"], one["note"]) for one in await site.root.call("GET", "/api/channel/search?keyword=first")
    ] == [
        ("eu", "mine"),
        ("", "mine"),
    ]
    await site.root.call("PUT", "/api/channel/", json={"id": 1, "name": "first", "note": ""})
    assert [row.channel_id for row in await rows(site, gw_channel_labels)] == [2]
    assert await labels.read_tags(site.services) == {"eu": 1}


@pytest.mark.parametrize("fields", [{"tag": "x" * 51}, {"tag": "a\nb"}, {"note": "x" * 501}])
async def test_a_tag_or_note_that_is_too_long_is_refused(site: Site, fields: dict[str, str]) -> None:
    with pytest.raises(Refused):
        await edits.create_channels(site.services, ROOT, ChannelEdit(type=1, name="a", key="k", models="m", **fields))  # type: ignore[arg-type]


async def test_only_the_last_tests_of_a_channel_are_remembered(site: Site) -> None:
    def work(conn: Any) -> None:
        for number in range(KEPT + 5):
            channel_tests.add(conn, TestRow(channel_id=1, tested_at=number, passed=True))
        channel_tests.add(conn, TestRow(channel_id=2, tested_at=3, said="no"))

    await site.services.database.write(work)
    read = site.services.database.read
    assert len(await read(lambda conn: channel_tests.of_channel(conn, 1, 100))) == KEPT
    last = await read(lambda conn: channel_tests.last_of_several(conn, [1, 2, 3]))
    assert {number: row.tested_at for number, row in last.items()} == {1: KEPT + 4, 2: 3}


async def test_new_seals_leave_no_copy_that_is_sealed_otherwise(site: Site) -> None:
    await edits.create_channels(site.services, ROOT, NEW)
    gone = await removal.remove_channels(site.services, ROOT, [1])
    await site.services.database.write(lambda conn: channel_secrets.rewrite(conn, Sealer(["s" * 32]), seal=True))
    with pytest.raises(NotFound):
        await removal.restore_channels(site.services, ROOT, gone.batch)
