"""What is done to several things at once is one entry; what became of each is found by its own number, too."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.accounts.refusals import NotFound
from gateway.audit.author import Author, at_once
from gateway.audit.book import COLUMNS, Entry, export, read_page, read_whole
from gateway.channels import bulk, removal
from gateway.channels.changes import to_priority
from storage.repositories.audit import AuditFilter, delete_old
from storage.repositories.rows import Page
from tests.audit.test_services import CHANNEL
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, address="::1", via="page")


async def channels(site: Site, count: int) -> list[int]:
    for number in range(count):
        await site.root.call("POST", "/api/channel/", json={**CHANNEL, "name": f"many {number}"})
    return list(range(1, count + 1))


async def look(site: Site, wanted: AuditFilter) -> list[Entry]:
    entries, total = await read_page(site.services, wanted, Page(0, 100))
    assert total == len(entries)
    return entries


async def test_it_is_one_entry_with_a_part_for_each(site_everywhere: Site) -> None:
    site = site_everywhere
    # More than a transaction's worth: the second one has to find the entry that the first one made.
    ids = await channels(site, 53)
    await bulk.change_channels(site.services, ROOT, ids, lambda c: to_priority(0 if c.id == 2 else 9)(c))
    (whole,) = await look(site, AuditFilter(kind="channel", action="channel.update"))
    assert (whole.row.actor, whole.row.via, whole.row.object_id, whole.things) == ("root", "page", 0, 52)
    assert [part.object_name for part in whole.named] == ["many 0", "many 2", "many 3"]
    parts = await look(site, AuditFilter(part_of=whole.row.id))
    assert [part.row.object_id for part in parts] == [number for number in ids if number != 2]
    (own,) = [entry for entry in await look(site, AuditFilter(kind="channel", object_id=53)) if entry.row.part_of]
    assert (own.row.part_of, own.things, own.row.action) == (whole.row.id, 52, "channel.update")
    assert [(change.field, change.before, change.after) for change in own.changes] == [("priority", "0", "9")]
    assert (await read_whole(site.services, whole.row.id)).id == whole.row.id
    for number in (0, own.row.id, 10**6):
        with pytest.raises(NotFound):
            await read_whole(site.services, number)


async def test_it_is_found_by_what_its_parts_say(site_everywhere: Site) -> None:
    site = site_everywhere
    ids = await channels(site, 3)
    await bulk.change_channels(site.services, ROOT, ids[:2], to_priority(9))
    done = AuditFilter(action="channel.update")
    for narrowed in (replace(done, text="many 1"), replace(done, text="2"), replace(done, field="priority")):
        assert [entry.things for entry in await look(site, narrowed)] == [2]
    for nothing in (replace(done, text="many 2"), replace(done, field="weight")):
        assert await look(site, nothing) == []


async def test_an_export_tells_of_each_in_one_line(site_everywhere: Site) -> None:
    site = site_everywhere
    ids = await channels(site, 2)
    await bulk.switch_channels(site.services, ROOT, ids, enabled=False)
    lines = [
        dict(zip(COLUMNS, cells, strict=True))
        async for part in export(site.services, AuditFilter(kind="channel"))
        for cells in part
    ]
    assert [(line["action"], line["things"]) for line in lines] == [
        ("channel.disable", 2),
        ("channel.create", 1),
        ("channel.create", 1),
    ]
    assert json.loads(str(lines[0]["changes"])) == [
        {"number": 1, "name": "many 0", "changes": {"status": [1, 2]}},
        {"number": 2, "name": "many 1", "changes": {"status": [1, 2]}},
    ]


async def test_undoing_it_and_deleting_are_entries_of_their_own(site: Site) -> None:
    ids = await channels(site, 2)
    done = await bulk.switch_channels(site.services, ROOT, ids, enabled=False)
    await bulk.undo_changes(site.services, ROOT, done.batch)
    gone = await removal.remove_channels(site.services, ROOT, ids)
    await removal.restore_channels(site.services, ROOT, gone.batch)
    wholes = [entry for entry in await look(site, AuditFilter(kind="channel")) if entry.things > 1]
    assert [entry.row.action for entry in wholes] == [
        "channel.restore",
        "channel.delete",
        "channel.restore",
        "channel.disable",
    ]
    # What one is since when is still known of each.
    history = await look(site, AuditFilter(kind="channel", object_id=1))
    assert [entry.row.action.partition(".")[2] for entry in history] == [
        "restore", "delete", "enable", "disable", "create",
    ]  # fmt: skip


async def test_nothing_changed_is_nothing_written_and_one_is_plain(site: Site) -> None:
    ids = await channels(site, 2)
    await bulk.switch_channels(site.services, ROOT, ids, enabled=True)
    await bulk.switch_channels(site.services, ROOT, ids[:1], enabled=False)
    newest, *made = await look(site, AuditFilter(kind="channel"))
    assert (newest.row.action, newest.row.object_id, newest.row.part_of, len(made)) == ("channel.disable", 1, 0, 2)
    assert at_once(ROOT, "token.disable", 1) is ROOT


async def test_it_is_forgotten_with_its_parts(site: Site) -> None:
    await bulk.switch_channels(site.services, ROOT, await channels(site, 2), enabled=False)
    assert await site.services.database.write(lambda conn: delete_old(conn, before_ms=2**53, limit=99)) >= 5
    assert await look(site, AuditFilter()) == []
