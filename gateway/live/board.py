"""The relays that run right now in every process, and the means to end one of them.

A relay that is ended so goes the way of a client that left: its provider's connection is closed, the client is told
why by a terminal event of its format, and what was delivered is charged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.cluster.poll import Poll, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.cluster.types import Bus
    from gateway.observe.types import Journal
    from gateway.relay.running import Progress, Running, RunningRelay

# Rows that one process tells of; the oldest, since those are what people look for.
MOST: Final = 200
# Seconds. A process that answers at all answers within a few milliseconds.
END_LIMIT_S: Final = 1.0

EVERYBODY: Final = 0
"""In place of a user's id: the relays of all."""
STATES: Final = ("admitted", "reserved", "connecting", "waiting", "streaming", "ending", "settling")
"""In the order in which relays go through them."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which relays somebody looks for; empty means any. Of texts a part is enough, whatever its case."""

    user_id: int = EVERYBODY
    text: str = ""
    """Words that all occur somewhere in the row."""
    model: str = ""
    channel: str = ""
    user: str = ""
    token: str = ""
    group: str = ""
    endpoint: str = ""
    """The word of `gateway.relay.endpoints.Kind`, whole."""
    state: str = ""
    """One of `STATES`."""
    streams: bool | None = None
    least_s: float = 0
    """How old a relay is at least."""
    sees_channels: bool = True
    """Whether channels and processes may be looked for: they are not everybody's business."""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but whose they are is asked for."""
        return msgspec.structs.replace(self, user_id=EVERYBODY, sees_channels=True) != Wanted()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One running relay. Times in seconds, cost in quota units."""

    request_id: str
    user_id: int
    user: str
    group: str = ""
    token: str
    model: str
    channel: str
    endpoint: str
    streams: bool = False
    address: str
    state: str
    attempt: int
    tokens: int | None
    sent_bytes: int = 0
    units: int
    age_s: float
    content_s: float | None = None
    """Since the client was sent the first content; `None`: nothing yet."""
    quiet_s: float | None
    """Since the client was sent something; `None`: nothing yet."""
    process: str

    @property
    def speed(self) -> float | None:
        """Tokens per second since the first content; `None` where that says nothing."""
        if not self.tokens or self.content_s is None or self.content_s < 1:
            return None
        return self.tokens / self.content_s


class _Report(msgspec.Struct, frozen=True):
    process: str
    total: int
    """Those that match, of which `rows` may be a part."""
    rows: list[Row]
    running: int = 0
    """All of the user's, or of everybody."""
    channels: dict[str, int] = {}
    oldest_s: float = 0.0
    connections: int = 0
    backlog: int = 0


class _Wish(msgspec.Struct, frozen=True):
    request_ids: list[str]
    user_id: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What runs, oldest first; `total` that match may be more than there are rows. `processes` answered."""

    rows: Sequence[Row]
    total: int
    processes: Sequence[str]
    running: int = 0
    """All that the viewer may see, whatever is looked for."""
    channels: Mapping[str, int] = field(default_factory=dict)
    """How many of them each channel serves, the busiest first."""
    oldest_s: float = 0.0
    connections: int = 0
    """Open connections of clients, idle ones included."""
    backlog: int = 0
    """Reservations and settlements that wait for the ledger."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a process knows of itself beyond its relays."""

    connections: Callable[[], int] = lambda: 0
    backlog: Callable[[], int] = lambda: 0


class Board:
    """Made once for each process. `process` is what people call it; `is_alone`: there are no others."""

    def __init__(
        self,
        *,
        running: Running,
        bus: Bus,
        journal: Journal,
        process: str,
        is_alone: bool,
        vitals: Vitals | None = None,
    ) -> None:
        self._running = running
        self._journal = journal
        self._process = process
        self._vitals = vitals or Vitals()
        self._poll = Poll(bus, "live", self._report, is_alone=is_alone)
        self._ending = Poll(bus, "live.end", self._end, is_alone=is_alone)

    async def look(self, wanted: Wanted | int = EVERYBODY) -> Picture:
        """Return the relays that somebody wants to see, or those of a user. Takes a moment with other processes."""
        question = Wanted(user_id=wanted) if isinstance(wanted, int) else wanted
        # The plain number is what processes of an older version understand.
        text = msgspec.json.encode(question).decode() if question.is_narrowed else str(question.user_id)
        answers = await self._poll.all(text)
        reports = readable(answers, _Report).values()
        rows = sorted((row for report in reports for row in report.rows), key=lambda row: -row.age_s)
        channels: Counter[str] = Counter()
        for report in reports:
            channels.update(report.channels)
        return Picture(
            rows=rows[:MOST],
            total=sum(report.total for report in reports),
            processes=sorted(report.process for report in reports),
            running=sum(report.running for report in reports),
            channels=dict(channels.most_common()),
            oldest_s=max((report.oldest_s for report in reports), default=0.0),
            connections=sum(report.connections for report in reports),
            backlog=sum(report.backlog for report in reports),
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
        wanted, now = _read(question), trio.current_time()
        relays = [relay for relay in self._running if wanted.user_id in (EVERYBODY, relay.user_id)]
        relays.sort(key=lambda relay: relay.started_at)
        if wanted.is_narrowed:
            rows = [row for relay in relays if _fits(row := self._row(relay, now), wanted)]
            total, rows = len(rows), rows[:MOST]
        else:
            total, rows = len(relays), [self._row(relay, now) for relay in relays[:MOST]]
        report = _Report(
            self._process,
            total,
            rows,
            running=len(relays),
            channels=dict(Counter(relay.channel for relay in relays if relay.channel)),
            oldest_s=now - relays[0].started_at if relays else 0.0,
            connections=self._vitals.connections(),
            backlog=self._vitals.backlog(),
        )
        return msgspec.json.encode(report).decode()

    def _row(self, relay: RunningRelay, now: float) -> Row:
        progress = relay.progress()
        return Row(
            request_id=relay.request_id,
            user_id=relay.user_id,
            user=relay.user,
            group=relay.group,
            token=relay.token,
            model=relay.model,
            channel=relay.channel,
            endpoint=relay.endpoint,
            streams=relay.streams,
            address=relay.address,
            state=_state(relay, progress),
            attempt=progress.attempt,
            tokens=progress.tokens,
            sent_bytes=progress.sent_bytes,
            units=progress.units,
            age_s=now - relay.started_at,
            content_s=now - progress.content_at if progress.content_at else None,
            quiet_s=now - progress.wrote_at if progress.wrote_at else None,
            process=self._process,
        )

    def _end(self, question: str) -> str | None:
        wish = msgspec.json.decode(question, type=_Wish)
        ended = 0
        for request_id in wish.request_ids:
            relay = self._running.find(request_id)
            if relay is None or relay.is_settling or wish.user_id not in (EVERYBODY, relay.user_id):
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


def _read(question: str) -> Wanted:
    return Wanted(user_id=int(question)) if question.isdecimal() else msgspec.json.decode(question, type=Wanted)


def _state(relay: RunningRelay, progress: Progress) -> str:
    if relay.is_settling:
        return "settling"
    return "ending" if relay.end_reason else progress.state


def _fits(row: Row, wanted: Wanted) -> bool:
    for text, value in (
        (wanted.model, row.model),
        (wanted.channel, row.channel if wanted.sees_channels else ""),
        (wanted.user, row.user),
        (wanted.token, row.token),
        (wanted.group, row.group),
    ):
        if text and text.lower() not in value.lower():
            return False
    if wanted.state and row.state != wanted.state:
        return False
    if wanted.endpoint and row.endpoint != wanted.endpoint:
        return False
    if wanted.streams is not None and row.streams is not wanted.streams:
        return False
    if row.age_s < wanted.least_s:
        return False
    words = wanted.text.lower().split()
    if not words:
        return True
    fields = [row.request_id, row.model, row.user, row.group, row.token, row.address, row.state, row.endpoint]
    if wanted.sees_channels:
        fields += [row.channel, row.process]
    whole = " ".join(fields).lower()
    return all(word in whole for word in words)
