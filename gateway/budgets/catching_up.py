"""Counts the ledger's older rows for good, a piece at a time, so that nobody has to read a period of them at once.

How far each budget is counted stands in its row, which moves on piece by piece: whoever goes on from there, after
a restart or in another process, counts nothing twice and leaves nothing out. All that is read lies further back than
any running transaction may date its rows. A budget that is not there yet counts what is counted of it and the last
minutes.

Of one user or token the ledger has an index, so what is old of them is read in one statement. A group may be
everybody: it is read by time, in pieces that are as long as the database reads quickly, and so is whatever proves too
much for one statement.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import trio

from gateway.budgets.periods import span_at
from storage.database import Lane
from storage.errors import TooSlow
from storage.repositories import budgets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.observe.types import Journal
    from storage.database import Database
    from storage.repositories.budgets import Budget

# A transaction of the ledger is dated when it begins and lasts 90 s at most; the rest is for clocks that differ.
LAG_MS: Final = 180_000
BEHIND_MS: Final = LAG_MS + 60_000
"""What is counted until then is not behind, and what is newer is read by every look."""
FIRST_PIECE_MS: Final = 3_600_000
LEAST_PIECE_MS: Final = 60_000
# Pieces grow while the database reads one in less than half of this, and shrink beyond twice of it.
PIECE_S: Final = 0.5
LIMIT_S: Final = 2.0
"""So long a look may be held up by it, not counting the last statement."""


class CatchingUp:
    """Brings what is counted for good up to date, within `limit_s` each time."""

    def __init__(self, database: Database, *, journal: Journal, limit_s: float = LIMIT_S) -> None:
        self._database = database
        self._journal = journal
        self._limit_s = limit_s
        self._piece_ms = FIRST_PIECE_MS
        self._too_much: set[int] = set()
        """Users' and tokens' budgets whose past is too long for one statement."""
        self._is_slow = False

    async def go_on(self, now: float) -> None:
        """Count some of what is behind. Raises `StorageError`; what was counted until then stays."""
        now_ms = int(now * 1000)
        until_ms = now_ms - LAG_MS
        rows = await self._database.read(budgets.everything, lane=Lane.HOT)
        starts = {one.id: span_at(one.period, now).start for one in rows}
        behind = [one for one in rows if budgets.counted_until(one, starts) < now_ms - BEHIND_MS]
        end_at = trio.current_time() + self._limit_s
        self._too_much &= {one.id for one in behind}
        singly = [one for one in behind if self._is_read_at_once(one, starts, now_ms)]
        alike: defaultdict[int, list[Budget]] = defaultdict(list)
        for one in behind:
            if one not in singly:
                alike[budgets.counted_until(one, starts)].append(one)
        # The newest first: those are behind by minutes, since nobody counted them for a minute.
        for since_ms in sorted(alike, reverse=True):
            if not await self._by_pieces(alike[since_ms], starts, since_ms, until_ms, end_at):
                return
        self._is_slow = False
        for one in singly:
            if trio.current_time() >= end_at:
                return
            try:
                await self._count([one], starts, until_ms, now_ms=now_ms)
            except TooSlow:
                self._too_much.add(one.id)

    def _is_read_at_once(self, one: Budget, starts: Mapping[int, int], now_ms: int) -> bool:
        return one.kind != budgets.GROUP and one.id not in self._too_much and budgets.is_far(one, starts, now_ms)

    async def _by_pieces(
        self, some: Sequence[Budget], starts: Mapping[int, int], since_ms: int, until_ms: int, end_at: float
    ) -> bool:
        """Count budgets that are counted until the same moment; return whether there is time for more."""
        while some and since_ms < until_ms:
            began = trio.current_time()
            if began >= end_at:
                return False
            piece_end_ms = min(since_ms + self._piece_ms, until_ms)
            try:
                some = await self._count(some, starts, piece_end_ms)
            except TooSlow:
                if not self._is_slow:
                    self._journal.event(
                        "warning",
                        "budget.slow",
                        f"{self._piece_ms // 1000} s of the ledger take too long to add up: new budgets count less "
                        "than was spent until that is done in shorter pieces",
                    )
                self._is_slow = True
                self._piece_ms = max(self._piece_ms // 4, LEAST_PIECE_MS)
                return False
            took_s = trio.current_time() - began
            if took_s < PIECE_S / 2:
                self._piece_ms *= 2
            elif took_s > PIECE_S * 2:
                self._piece_ms = max(self._piece_ms // 2, LEAST_PIECE_MS)
            since_ms = piece_end_ms
        return True

    async def _count(
        self, some: Sequence[Budget], starts: Mapping[int, int], until_ms: int, *, now_ms: int | None = None
    ) -> list[Budget]:
        """Count up to a moment; return those that were, as they are now. The others somebody else counted meanwhile.

        Read apart from the writing, since SQLite has one writer only.
        """
        found = await self._database.read(
            lambda conn: budgets.spent(conn, some, starts, now_ms=now_ms, until_ms=until_ms)
        )
        return await self._database.write(
            lambda conn: budgets.count_for_good(conn, some, starts, found, until_ms=until_ms)
        )
