"""How each process of the installation is, as it says itself."""

from __future__ import annotations

import os
import platform
import socket
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from gateway.cluster.poll import Poll, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.cluster.build import Cluster
    from gateway.lifecycle_types import Process
    from gateway.observe.journal import JournalService
    from gateway.observe.slow import SlowStatements
    from gateway.services import Services

_STATM: Final = Path("/proc/self/statm")


class ProcessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment."""

    process: str
    pid: int
    version: str
    python: str
    state: str
    """`serving`, `draining` …"""
    started_at: int
    """Unix seconds."""
    is_leader: bool
    replica: str
    running: int
    backlog: int
    """Settlements and reservations that wait for the ledger."""
    accounts: int
    """Accounts kept close at hand."""
    channels: int
    problems: list[str]
    """What could not be read of the channels' settings."""
    shared: str
    """Where limits and messages between processes live."""
    is_degraded: bool
    local_answers: int
    """Limits that were checked without the shared store."""
    dropped: dict[str, int]
    """Lines that the journal lost, by sink."""
    tasks: int
    memory_bytes: int
    """0 where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a process knows of itself beyond its services."""

    process: str = "here/0"
    replica: str = ""
    is_leader: bool = True
    shared: str = "this process"
    is_degraded: Callable[[], bool] = lambda: False
    local_answers: Callable[[], int] = lambda: 0
    dropped: Callable[[], Mapping[str, int]] = field(default=dict)
    slow: SlowStatements | None = None


def surroundings_of(
    process: Process, cluster: Cluster, lines: JournalService, replica_id: str, slow: SlowStatements
) -> Surroundings:
    """Return what the composition root knows of a process."""
    fallback = cluster.fallback
    return Surroundings(
        process=f"{socket.gethostname()}/{process.worker}",
        replica=replica_id,
        is_leader=process.is_leader,
        shared=cluster.label,
        is_degraded=lambda: fallback is not None and fallback.is_on,
        local_answers=lambda: fallback.answers if fallback is not None else 0,
        dropped=lambda: lines.dropped,
        slow=slow,
    )


class Roll:
    """Calls the roll of all processes. Made once for each of them."""

    def __init__(self, services: Services, around: Surroundings, *, is_alone: bool) -> None:
        self._services = services
        self._around = around
        self._poll = Poll(services.bus, "roll", self._answer, is_alone=is_alone)

    async def call(self) -> list[ProcessFacts]:
        """Return what each process says, by name."""
        answers = await self._poll.all("")
        found = readable(answers, ProcessFacts).values()
        return sorted(found, key=lambda facts: facts.process)

    def _answer(self, _question: str) -> str:
        return msgspec.json.encode(self._facts()).decode()

    def _facts(self) -> ProcessFacts:
        services, around = self._services, self._around
        snapshot = services.registry.current
        return ProcessFacts(
            process=around.process,
            pid=os.getpid(),
            version=version("one-api"),
            python=platform.python_version(),
            state=services.phase.state,
            started_at=services.phase.started_at,
            is_leader=around.is_leader,
            replica=around.replica[:8],
            running=len(services.running),
            backlog=services.ledger.backlog,
            accounts=len(services.accounts),
            channels=len(snapshot.channels),
            problems=list(snapshot.problems)[:20],
            shared=around.shared,
            is_degraded=around.is_degraded(),
            local_answers=around.local_answers(),
            dropped=dict(around.dropped()),
            tasks=trio.lowlevel.current_statistics().tasks_living,
            memory_bytes=_memory(),
        )


def _memory() -> int:
    try:
        pages = int(_STATM.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def uptime_s(facts: ProcessFacts) -> float:
    """Return how long a process has been running."""
    return max(time.time() - facts.started_at, 0.0)
