"""The relays that run right now in every process, and the means to end one of them.

A relay that is ended so goes the way of a client that left: its provider's connection is closed, the client is told
why by a terminal event of its format, and what was delivered is charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.cluster.poll import Poll, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.cluster.types import Bus
    from gateway.observe.types import Journal
    from gateway.relay.running import Running, RunningRelay

# Rows that one process tells of; the oldest, since those are what people look for.
MOST: Final = 200
# Seconds. A process that answers at all answers within a few milliseconds.
END_LIMIT_S: Final = 1.0

EVERYBODY: Final = 0
"""In place of a user's id: the relays of all."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One running relay. Times in seconds, cost in quota units."""

    request_id: str
    user_id: int
    user: str
    token: str
    model: str
    channel: str
    endpoint: str
    address: str
    state: str
    attempt: int
    tokens: int | None
    units: int
    age_s: float
    quiet_s: float | None
    """Since the client was sent something; `None`: nothing yet."""
    process: str


class _Report(msgspec.Struct, frozen=True):
    process: str
    total: int
    rows: list[Row]


class _Wish(msgspec.Struct, frozen=True):
    request_ids: list[str]
    user_id: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What runs, oldest first; `total` may be more than there are rows. `processes` answered."""

    rows: Sequence[Row]
    total: int
    processes: Sequence[str]


class Board:
    """Made once for each process. `process` is what people call it; `is_alone`: there are no others."""

    def __init__(self, *, running: Running, bus: Bus, journal: Journal, process: str, is_alone: bool) -> None:
        self._running = running
        self._journal = journal
        self._process = process
        self._poll = Poll(bus, "live", self._report, is_alone=is_alone)
        self._ending = Poll(bus, "live.end", self._end, is_alone=is_alone)

    async def look(self, user_id: int = EVERYBODY) -> Picture:
        """Return the relays of a user, or of everybody. Takes a moment where there are other processes."""
        answers = await self._poll.all(str(user_id))
        reports = readable(answers, _Report).values()
        rows = sorted((row for report in reports for row in report.rows), key=lambda row: -row.age_s)
        return Picture(
            rows=rows[:MOST],
            total=sum(report.total for report in reports),
            processes=sorted(report.process for report in reports),
        )

    async def end(self, request_id: str, *, by: str, user_id: int = EVERYBODY) -> bool:
        """End a relay, only if it is `user_id`'s where one is named; `False` when no such relay runs anywhere.

        Returns once it was told to end; its settlement follows.
        """
        wish = _Wish([request_id], user_id, by)
        return await self._ending.first(msgspec.json.encode(wish).decode(), limit_s=END_LIMIT_S) is not None

    async def end_all(self, request_ids: Iterable[str], *, by: str, user_id: int = EVERYBODY) -> int:
        """End several relays and return how many were there."""
        wish = _Wish(list(request_ids), user_id, by)
        answers = await self._ending.all(msgspec.json.encode(wish).decode())
        return sum(int(text) for text in answers.values())

    def _report(self, question: str) -> str:
        user_id, now = int(question), trio.current_time()
        relays = [relay for relay in self._running if user_id in (EVERYBODY, relay.user_id)]
        oldest = sorted(relays, key=lambda relay: relay.started_at)[:MOST]
        report = _Report(self._process, len(relays), [self._row(relay, now) for relay in oldest])
        return msgspec.json.encode(report).decode()

    def _row(self, relay: RunningRelay, now: float) -> Row:
        progress = relay.progress()
        return Row(
            request_id=relay.request_id,
            user_id=relay.user_id,
            user=relay.user,
            token=relay.token,
            model=relay.model,
            channel=relay.channel,
            endpoint=relay.endpoint,
            address=relay.address,
            state="ending" if relay.end_reason else progress.state,
            attempt=progress.attempt,
            tokens=progress.tokens,
            units=progress.units,
            age_s=now - relay.started_at,
            quiet_s=now - progress.wrote_at if progress.wrote_at else None,
            process=self._process,
        )

    def _end(self, question: str) -> str | None:
        wish = msgspec.json.decode(question, type=_Wish)
        ended = 0
        for request_id in wish.request_ids:
            relay = self._running.find(request_id)
            if relay is None or wish.user_id not in (EVERYBODY, relay.user_id):
                continue
            relay.end("cancelled")
            ended += 1
            self._journal.event(
                "info",
                "relay.cancelled",
                f"{wish.by} ended a request of {relay.user} to {relay.model}",
                request_id=request_id,
                by=wish.by,
                user=relay.user,
            )
        return str(ended) if ended else None
