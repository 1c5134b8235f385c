"""Entries on each engine."""

from __future__ import annotations

import pytest

from gateway.audit.author import Author
from gateway.audit.book import export, read_page
from gateway.audit.trail import note
from storage.repositories import audit
from storage.repositories.audit import AuditFilter, delete_old
from storage.repositories.rows import Page, Sort
from tests.management.conftest import site_everywhere
from tests.management.site import Site

__all__ = ["site_everywhere"]

AUTHOR = Author(id=1, username="root", role=100, address="2001:db8::1", via="page")


async def test_entries_are_written_found_exported_and_forgotten(site_everywhere: Site) -> None:
    services = site_everywhere.services
    long = "ä" * 3000
    for number in range(3):
        await services.database.write(
            lambda conn, number=number: note(  # type: ignore[misc]
                conn,
                AUTHOR,
                "channel.update",
                object_id=number + 1,
                name=f"渠道 {number}",
                changes={"system_prompt": ["", long], "priority": [0, number]},
            )
        )
    entries, total = await read_page(services, AuditFilter(kind="channel"), Page(0, 2))
    assert total == 3
    assert [entry.row.object_id for entry in entries] == [3, 2]
    assert entries[0].changes[0].after == long
    assert (entries[0].row.address, entries[0].row.via) == ("2001:db8::1", "page")
    # A number is looked for in names as well.
    for wanted, ids in (
        (AuditFilter(text="渠道 1"), [2]),
        (AuditFilter(text="2"), [3, 2]),
        (AuditFilter(object_id=2), [2]),
    ):
        found, _total = await read_page(services, wanted, Page(0, 10))
        assert [entry.row.object_id for entry in found] == ids
    for sort, ids in ((Sort("when", True), [1, 2, 3]), (Sort("what", True), [1, 2, 3]), (Sort("what"), [3, 2, 1])):
        found, _total = await read_page(services, AuditFilter(kind="channel"), Page(0, 10), sort)
        assert [entry.row.object_id for entry in found] == ids
    cells = [cells async for part in export(services, AuditFilter(actor_id=1)) for cells in part]
    assert [cells[5] for cells in cells] == ["channel.update"] * 3
    for narrowed in (
        AuditFilter(actor="ROOT", address="2001:", via="page", actions=["channel.update", "x.y"]),
        AuditFilter(field="priority", only_people=True),
    ):
        # What was not different was not written down.
        assert (await read_page(services, narrowed, Page(0, 10)))[1] == 3
    for none in (
        AuditFilter(field="name"),
        AuditFilter(address="10."),
        AuditFilter(actor="roo"),
        AuditFilter(via="api"),
    ):
        assert (await read_page(services, none, Page(0, 10)))[1] == 0
    at = entries[0].row.created_at + 1
    assert await services.database.write(lambda conn: delete_old(conn, before_ms=at, limit=2)) == 2
    assert (await read_page(services, AuditFilter(kind="channel"), Page(0, 9)))[1] == 1


async def test_what_no_index_has_in_order_is_not_sorted_once_it_is_much(
    site_everywhere: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = site_everywhere.services
    for name in ("b", "c", "a"):
        await services.database.write(
            lambda conn, name=name: note(conn, AUTHOR, "code.create", name=name)  # type: ignore[misc]
        )

    async def names(sort: Sort) -> list[str]:
        found, total = await read_page(services, AuditFilter(kind="code"), Page(0, 10), sort)
        assert total == 3
        return [entry.row.object_name for entry in found]

    assert await names(Sort("what", True)) == ["a", "b", "c"]
    monkeypatch.setattr(audit, "MOST_SORTED", 2)
    assert await names(Sort("what")) == ["a", "c", "b"]
    assert await names(Sort("when", True)) == ["b", "c", "a"]
