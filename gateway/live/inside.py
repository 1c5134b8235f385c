"""What goes on inside of each process: its books, its caches, slow statements, the tree of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.cluster.poll import Poll, readable
from gateway.live.tasks import TaskRow, task_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.live.facts import Surroundings
    from gateway.services import Services


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """One cache, since the process began."""

    name: str
    """`accounts` or `prices`."""
    hits: int
    misses: int
    size: int

    @property
    def rate(self) -> float | None:
        """The share of hits; `None` before anything was asked for."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger's writer did since the process began. See `gateway.ledger.transactions.LedgerStats`."""

    backlog: int
    batches: int
    items: int
    repeated: int
    late: int
    released: int
    parked: int
    refused: int
    flushed_at_ms: int
    """0: nothing was written yet."""


class Slow(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that took long. Times in milliseconds, `last_at` in Unix seconds."""

    text: str
    count: int
    worst_ms: float
    mean_ms: float
    last_at: float
    process: str = ""


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment."""

    process: str
    books: Books
    caches: list[Cache]
    slow: list[Slow]
    tasks: list[TaskRow]
    left_out: int
    """Rows of the tree that are not told."""


class Insides:
    """Asks all processes. Made once for each of them."""

    def __init__(self, services: Services, around: Surroundings, *, is_alone: bool) -> None:
        self._services = services
        self._around = around
        self._poll = Poll(services.bus, "inside", self._answer, is_alone=is_alone)

    async def look(self, *, with_tasks: bool = False) -> list[Inside]:
        """Return what each process says, by name; the tree only when it is wanted."""
        answers = await self._poll.all("tasks" if with_tasks else "")
        found = readable(answers, Inside).values()
        return sorted(found, key=lambda one: one.process)

    def _answer(self, question: str) -> str:
        services, process = self._services, self._around.process
        stats = services.ledger.stats
        rows, left = task_rows() if question == "tasks" else ([], 0)
        known, unknown, size = services.catalogue.prices.kept
        answer = Inside(
            process=process,
            books=Books(
                backlog=services.ledger.backlog,
                batches=stats.batches,
                items=stats.items,
                repeated=stats.repeated_batches,
                late=stats.late,
                released=stats.released,
                parked=stats.parked,
                refused=stats.refused,
                flushed_at_ms=stats.flushed_at_ms,
            ),
            caches=[
                Cache(
                    name="accounts",
                    hits=services.accounts.hits,
                    misses=services.accounts.misses,
                    size=len(services.accounts),
                ),
                Cache(name="prices", hits=known, misses=unknown, size=size),
            ],
            slow=self._slow(),
            tasks=rows,
            left_out=left,
        )
        return msgspec.json.encode(answer).decode()

    def _slow(self) -> list[Slow]:
        slow = self._around.slow
        return [
            Slow(
                text=one.text,
                count=one.count,
                worst_ms=one.worst_s * 1000,
                mean_ms=one.total_s / one.count * 1000,
                last_at=one.last_at,
                process=self._around.process,
            )
            for one in (slow.worst() if slow is not None else ())
        ]


def slowest(insides: Sequence[Inside]) -> list[Slow]:
    """Return the slow statements of all processes, the worst first."""
    return sorted((one for inside in insides for one in inside.slow), key=lambda one: -one.worst_ms)
