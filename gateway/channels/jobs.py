"""Changes of many rows of a list, carried out one after another once the requests that asked for them were answered.

How far one is, is known to the process that carries it out; the others ask it over the bus. A process that stops
leaves the rest undone: what is done already stays, and the audit says so.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import trio

from gateway.accounts.refusals import Refused
from gateway.cluster.poll import Poll
from storage.errors import StorageError

if TYPE_CHECKING:
    from gateway.cluster.types import Bus
    from gateway.observe.types import Journal

Progress = Callable[[int], None]
"""Told how many rows are done."""

# Waiting for their turn; more than a few people never press a button at the same moment.
_WAITING: Final = 8
# Finished ones that are still told about.
_REMEMBERED: Final = 50
_TOLD: Final = 200
# Another process answers within a few milliseconds.
_LOOK_LIMIT_S: Final = 0.5


class Failed(NamedTuple):
    """A row that could not be changed: its number, its name if that is known, and why."""

    id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a change of several rows did. `batch` takes it back; empty when nothing became different."""

    changed: Sequence[int] = ()
    """Rows that became different."""
    failed: Sequence[Failed] = ()
    batch: str = ""


Work = Callable[[Progress], Awaitable[Done]]


class Report(msgspec.Struct, kw_only=True):
    """How far a job is. `what` is what it does, in the words of whoever began it."""

    id: str
    what: str
    total: int
    done: int = 0
    changed: int = 0
    failed: int = 0
    told: list[tuple[int, str, str]] = msgspec.field(default_factory=list)
    """Of those that failed, the first: number, name, and why."""
    batch: str = ""
    """Takes it back."""
    fault: str = ""
    """Why it was broken off."""
    has_ended: bool = False


class Jobs:
    """Service: made once for each process."""

    name = "channel-jobs"

    def __init__(self, bus: Bus, journal: Journal) -> None:
        self._journal = journal
        self._send, self._receive = trio.open_memory_channel[tuple[Report, Work]](_WAITING)
        self._reports: deque[Report] = deque(maxlen=_REMEMBERED)
        self._poll = Poll(bus, "channels.job", self._answer, is_alone=False)
        self._is_running = False

    def begin(self, what: str, total: int, work: Work) -> str:
        """Have `work` done and return what the job is called. Raises `Refused` where that is not possible."""
        if not self._is_running:
            raise Refused("background work is not available in this process")
        report = Report(id=token_hex(8), what=what, total=total)
        try:
            self._send.send_nowait((report, work))
        except trio.WouldBlock:
            raise Refused("too much is being changed already; wait a moment") from None
        self._reports.append(report)
        return report.id

    async def look(self, job_id: str) -> Report | None:
        """Return how far a job is, `None` when nobody knows of it any more."""
        text = await self._poll.first(job_id, limit_s=_LOOK_LIMIT_S)
        return None if text is None else msgspec.json.decode(text, type=Report)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Do what was begun, until cancelled."""
        self._is_running = True
        task_status.started()
        async for report, work in self._receive:
            await self._carry_out(report, work)

    async def _carry_out(self, report: Report, work: Work) -> None:
        def progress(done: int) -> None:
            report.done = done

        try:
            done = await work(progress)
        except (Refused, StorageError) as error:
            report.fault = error.message if isinstance(error, Refused) else "the database could not be reached"
            self._journal.event("warning", "channel.job", f"{report.what} was broken off: {error}")
        except Exception as error:  # noqa: BLE001 - the boundary: one job must end neither the others nor the process
            report.fault = "something went wrong; the log of the gateway tells what"
            name, trace = type(error).__name__, "".join(traceback.format_exception(error))
            self._journal.event("error", "channel.job", f"{report.what} was broken off: {name}", traceback=trace)
        else:
            report.done, report.changed, report.batch = report.total, len(done.changed), done.batch
            report.failed = len(done.failed)
            report.told = [(one.id, one.name, one.why) for one in done.failed[:_TOLD]]
        finally:
            report.has_ended = True

    def _answer(self, question: str) -> str | None:
        found = next((report for report in self._reports if report.id == question), None)
        return None if found is None else msgspec.json.encode(found).decode()
