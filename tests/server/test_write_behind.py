"""What is noted is written a little later, again after a failure, and in any case before the end."""

from __future__ import annotations

from collections import deque

import trio
from trio.testing import MockClock

from gateway.write_behind import LAST_PAUSE_S, WriteBehind


class Store:
    """Takes all that waits, while it is there."""

    def __init__(self) -> None:
        self.waiting: deque[int] = deque()
        self.written: list[tuple[float, list[int]]] = []
        self.is_away = False
        self.fails = 0
        """So many times it does not take anything."""
        self.loop = WriteBehind(self.waiting, self.flush, delay_s=1, retry_s=10, last_s=5)

    def note(self, number: int) -> None:
        self.waiting.append(number)
        self.loop.wake()

    async def flush(self) -> bool:
        await trio.lowlevel.checkpoint()
        if self.is_away or self.fails:
            self.fails = max(self.fails - 1, 0)
            return False
        self.written.append((trio.current_time(), list(self.waiting)))
        self.waiting.clear()
        return True


async def test_what_comes_within_the_delay_is_written_together(autojump_clock: MockClock) -> None:
    store = Store()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.note(1)
        await trio.sleep(0.5)
        store.note(2)
        await trio.sleep(60)
        assert store.written == [(began + 1, [1, 2])]
        await store.loop.aclose()


async def test_after_a_failure_it_is_tried_again(autojump_clock: MockClock) -> None:
    store = Store()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.is_away = True
        store.note(1)
        await trio.sleep(2)
        store.is_away = False
        await trio.sleep(60)
        assert store.written == [(began + 12, [1])]
        await store.loop.aclose()


async def test_closing_writes_what_is_left_at_once(autojump_clock: MockClock) -> None:
    store = Store()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.note(1)
        await store.loop.aclose()
        assert store.loop.is_over
    assert store.written[0] == (began, [1])


async def test_who_is_cancelled_writes_what_is_left(autojump_clock: MockClock) -> None:
    store = Store()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.note(1)
        nursery.cancel_scope.cancel()
    assert [numbers for _, numbers in store.written] == [[1]]


async def test_a_store_that_is_away_does_not_hold_up_the_end(autojump_clock: MockClock) -> None:
    store = Store()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.is_away = True
        store.note(1)
        await store.loop.aclose()
    assert store.waiting == deque([1])
    assert trio.current_time() - began <= 5


async def test_somebody_elses_lock_at_the_end_costs_nothing(autojump_clock: MockClock) -> None:
    store = Store()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: store.loop.run(task_status=task_status))
        store.note(1)
        store.fails = 2
        nursery.cancel_scope.cancel()
    assert store.written == [(began + 2 * LAST_PAUSE_S, [1])]
