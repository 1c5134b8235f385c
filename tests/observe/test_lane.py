"""The journal never makes anybody wait, and loses nothing without saying so."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
import trio

from gateway.observe.journal import JournalService
from gateway.observe.jsonlines import JsonLines
from gateway.observe.lane import Lane
from gateway.observe.redact import Redactor
from gateway.observe.sinks import StreamSink
from tests.observe.samples import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.observe.records import Record


def lines_of(data: bytes) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in data.splitlines()]


class Kept:
    """A sink that keeps what it is given, and fails when told to."""

    name = "kept"

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fails = False
        self.closed = False
        self.threads: set[int] = set()

    def write(self, records: Sequence[Record]) -> None:
        self.threads.add(threading.get_ident())
        if self.fails:
            raise OSError(28, "No space left on device")
        self.records.extend(records)

    def close(self) -> None:
        self.closed = True


async def test_records_come_out_in_order_and_in_another_thread(nursery: trio.Nursery) -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor(), linger_s=0)])
    journal.event("info", "before.start", "waits for run")
    await nursery.start(journal.run)
    for number in range(600):
        journal.event("info", "count", str(number))
    journal.relay(PLAIN)
    await journal.aclose()
    assert [r.message for r in sink.records[1:-1]] == [str(n) for n in range(600)]  # type: ignore[union-attr]
    assert sink.threads
    assert threading.get_ident() not in sink.threads
    assert sink.closed


async def test_pipe_that_nobody_reads_blocks_nobody(nursery: trio.Nursery) -> None:
    reading, writing = os.pipe()
    lane = Lane(StreamSink(writing, JsonLines()), redactor=Redactor(), capacity=500, linger_s=0)
    journal = JournalService([lane])
    await nursery.start(journal.run)
    longest = 0.0
    for _ in range(60):
        started = time.perf_counter()
        for _ in range(50):
            journal.event("info", "flood", "x" * 200)
        await trio.lowlevel.checkpoint()
        longest = max(longest, time.perf_counter() - started)
        await trio.sleep(0.001)
    assert longest < 3
    # 3,000 records of 300 bytes: a pipe takes 64 KiB, one batch is on its way, 500 wait.
    lost = journal.dropped["stdout"]
    assert 1_500 < lost < 2_500

    # The reader comes back: what is left arrives, and the loss is told.
    taken = bytearray()

    def read_all() -> None:
        while part := os.read(reading, 65536):
            taken.extend(part)

    reader = threading.Thread(target=read_all)
    reader.start()
    await journal.aclose()
    os.close(writing)
    await trio.to_thread.run_sync(reader.join)
    os.close(reading)
    lines = lines_of(bytes(taken))
    told = sum(line["fields"]["lost"] for line in lines if line["event"] == "journal.dropped")  # type: ignore[index]
    assert told == lost
    assert sum(line["event"] == "flood" for line in lines) == 3_000 - lost


@pytest.mark.slow
async def test_closing_does_not_wait_for_a_dead_reader() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:
        try:
            os.write(writing, b"x" * 65536)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    journal = JournalService([Lane(StreamSink(writing, JsonLines()), redactor=Redactor(), linger_s=0)])
    journal.event("info", "never", "arrives")
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(journal.run)
            closing = trio.current_time()
            await journal.aclose()
    assert trio.current_time() - closing < 15
    os.close(reading)  # lets the abandoned thread go: its write fails


async def test_failing_sink_is_told_when_it_works_again(nursery: trio.Nursery) -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor(), linger_s=0)])
    await nursery.start(journal.run)
    sink.fails = True
    journal.event("info", "lost", "one")
    while not journal.dropped["kept"]:
        await trio.sleep(0.001)
    sink.fails = False
    journal.event("info", "kept", "two")
    await journal.aclose()
    kept, report = sink.records
    assert kept.name == "kept"  # type: ignore[union-attr]
    assert report.fields == {"lost": 1, "sink": "kept", "reason": "[Errno 28] No space left on device"}  # type: ignore[union-attr]


async def test_one_stuck_sink_does_not_hold_up_another(nursery: trio.Nursery) -> None:
    gate = threading.Event()

    class Stuck(Kept):
        name = "stuck"

        def write(self, records: Sequence[Record]) -> None:
            gate.wait(10)
            super().write(records)

    stuck, free = Stuck(), Kept()
    journal = JournalService([Lane(sink, redactor=Redactor(), linger_s=0) for sink in (stuck, free)])
    await nursery.start(journal.run)
    journal.event("info", "a", "b")
    with trio.fail_after(5):
        while not free.records:
            await trio.sleep(0.001)
    assert not stuck.records
    gate.set()
    await journal.aclose()
    assert len(stuck.records) == 1


async def test_events_from_threads_wake_an_idle_journal(nursery: trio.Nursery) -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor(), linger_s=0)])
    await nursery.start(journal.run)
    await trio.testing.wait_all_tasks_blocked()
    await trio.to_thread.run_sync(lambda: journal.event("info", "thread", "spoke"))
    with trio.fail_after(5):
        while not sink.records:
            await trio.sleep(0.001)
    await journal.aclose()


async def test_cancelled_journal_still_writes_what_it_has() -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor(), linger_s=60)])
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        journal.relay(PLAIN)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert len(sink.records) == 1


async def test_closing_without_run_writes_what_start_up_said() -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor())])
    journal.event("error", "start.failed", "no database")
    await journal.aclose()
    assert len(sink.records) == 1


async def test_endless_text_is_cut_before_it_is_kept() -> None:
    sink = Kept()
    journal = JournalService([Lane(sink, redactor=Redactor())])
    journal.event("info", "page", "x y " * 100_000, answer="<p> " * 100_000)
    await journal.aclose()
    (record,) = sink.records
    assert len(record.message) < 20_000  # type: ignore[union-attr]
    assert len(record.fields["answer"]) < 20_000  # type: ignore[union-attr, arg-type]


async def test_debug_is_left_out_unless_asked_for() -> None:
    sink = Kept()
    for level, expected in (("info", 0), ("debug", 1)):
        journal = JournalService([Lane(sink, redactor=Redactor())], level=level)  # type: ignore[arg-type]
        journal.event("debug", "detail", "x")
        assert journal.keeps("debug") is bool(expected)
        await journal.aclose()
        assert len(sink.records) == expected
