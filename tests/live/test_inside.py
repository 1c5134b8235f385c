"""What goes on inside of a process: tasks, slow statements, books and caches."""

from __future__ import annotations

import trio
from sqlalchemy import text

from gateway.live.facts import Surroundings
from gateway.live.inside import Insides, slowest
from gateway.live.tails import Line, matching
from gateway.live.tasks import task_rows
from gateway.observe.slow import KEPT, SlowStatements
from storage.repositories.vital import read_vitals
from tests.management.conftest import site, site_everywhere
from tests.management.site import Site

__all__ = ["site", "site_everywhere"]


async def waiter(event: trio.Event) -> None:
    await event.wait()


async def parent(event: trio.Event, *, task_status: trio.TaskStatus[None]) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        task_status.started()
        await event.wait()
        nursery.cancel_scope.cancel()


async def test_tasks_that_are_alike_are_one_row_below_who_started_them() -> None:
    event = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(parent, event)
        for _ in range(3):
            nursery.start_soon(waiter, event)
        await trio.testing.wait_all_tasks_blocked()
        rows, left = task_rows()
        event.set()
    assert left == 0
    (alike,) = [row for row in rows if row.name.endswith(".waiter")]
    assert (alike.count, alike.state, alike.waits) == (3, "waiting", "Event.wait")
    names = [row.name.rpartition(".")[2] for row in rows]
    child = names.index("sleep_forever")
    assert names[child - 1] == "parent"
    assert rows[child].depth == rows[child - 1].depth + 1
    assert [row.state for row in rows].count("running") == 1


async def test_a_large_tree_is_cut_and_says_so() -> None:
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(trio.sleep_forever, name=f"task {number}")
        await trio.testing.wait_all_tasks_blocked()
        rows, left = task_rows(most=5)
        nursery.cancel_scope.cancel()
    assert (len(rows), left >= 15) == (5, True)


def test_slow_statements_are_counted_by_what_they_do_and_bounded() -> None:
    slow = SlowStatements(slow_s=0.1, now=lambda: 7.0)
    slow.note("SELECT 1", 0.05)
    slow.note("SELECT a FROM t WHERE id IN (?, ?,\n ?)", 0.2)
    slow.note("SELECT a FROM t WHERE id IN (?)", 0.4)
    (one,) = slow.worst()
    assert one.text == "SELECT a FROM t WHERE id IN (…)"
    assert (one.count, one.worst_s, one.last_at) == (2, 0.4, 7.0)
    for number in range(2 * KEPT):
        slow.note(f"SELECT {number}", 1.0 + number)
    assert len(slow.worst()) == KEPT
    assert slow.worst()[0].text == f"SELECT {2 * KEPT - 1}"


async def test_each_statement_is_timed_on_each_engine(site_everywhere: Site) -> None:
    site, slow = site_everywhere, SlowStatements(slow_s=0)
    site.services.database.time_statements(slow.note)
    await site.services.database.read(lambda conn: conn.execute(text("SELECT 4711")).scalar())
    await site.services.database.write(lambda conn: conn.execute(text("SELECT 4712")).scalar())
    counts = {one.text: one.count for one in slow.worst()}
    assert (counts["SELECT 4711"], counts["SELECT 4712"]) == (1, 1)
    around = Surroundings(process="a/0", slow=slow)
    found = [one for one in await Insides(site.services, around, is_alone=True).look() if one.process == "a/0"]
    assert {one.text for one in slowest(found)} >= {"SELECT 4711"}
    assert found[0].caches[0].name == "accounts"
    assert found[0].tasks == []


async def test_reservations_are_counted_by_age_on_each_engine(site_everywhere: Site) -> None:
    vitals = await site_everywhere.services.database.read(read_vitals)
    assert list(vitals.reservations_by_age) == [0, 0, 0, 0, 0]


def test_lines_are_found_by_urgency_and_words() -> None:
    lines = [
        Line(at_s=1, level=level, event="test.event", message=message, request_id="", process="a/0")
        for level, message in (("info", "one"), ("warning", "two apples"), ("error", "two pears"))
    ]
    assert [line.message for line in matching(lines, level="warning")] == ["two apples", "two pears"]
    assert [line.message for line in matching(lines, text="TWO pears")] == ["two pears"]
