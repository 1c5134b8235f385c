"""The parent of several workers: keeps them, passes signals on, and carries what they share.

It owns the port but serves nothing, so that it cannot be what fails. Workers are in process groups of their
own: a Ctrl-C on the terminal reaches only the parent, which passes it on once.
"""

from __future__ import annotations

import base64
import secrets
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import trio

from gateway.cluster.hub import Hub
from gateway.observe.types import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from gateway.lifecycle_types import ServerSettings

# Internal: how a worker knows that it is one.
WORKER_VARIABLE: Final = "ONE_API_WORKER"
# Seconds. A worker that keeps dying is replaced ever more slowly; one that lived so long died of something new.
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
LONG_LIFE_S: Final = 60.0
# A worker ends by itself within its drain and the limits after it; this much later it is stuck.
KILL_MARGIN_S: Final = 120.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told: its number, and the descriptors that it inherited."""

    index: int
    workers: int
    listeners: list[int]
    life: int
    """Readable when the parent is gone; the worker writes one byte once it serves."""
    link: int
    """The line to the hub."""


class ParentJournal(Journal, Protocol):
    """A journal that is a service as well."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """As `Service`."""

    async def aclose(self) -> None:
        """As `Service`."""


@dataclass(slots=True, kw_only=True)
class Parent:
    """Runs the workers of one machine. `run` is called once."""

    settings: ServerSettings
    listeners: Sequence[socket.socket]
    journal: ParentJournal
    command: Sequence[str]
    environ: Mapping[str, str]
    _hub: Hub = field(init=False)
    _children: dict[int, trio.Process] = field(default_factory=dict)
    _stopping: trio.Event = field(default_factory=trio.Event)
    _patience: trio.CancelScope = field(default_factory=trio.CancelScope)
    _exit_code: int = 0

    async def run(self) -> int:
        """Start the workers, keep them until a signal, and return when all have ended: 0 if all ended well.

        A worker that ends is replaced, with a growing pause. If one ends before it ever served, the others are
        stopped and the code is 1: trying again would not mend a wrong configuration.
        """
        self._hub = Hub(self.journal)
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._run_journal)
                nursery.start_soon(self._obey, signals)
                # One secret for all, made here if nobody set one; in base64, as the variable is read.
                secret = self.environ.get("SESSION_SECRET") or base64.b64encode(secrets.token_bytes(32)).decode()
                environ = {**self.environ, "SESSION_SECRET": secret}
                with self._patience:
                    async with trio.open_nursery() as workers:
                        for index in range(self.settings.workers):
                            workers.start_soon(self._keep, index, environ)
                if self._patience.cancelled_caught:
                    self._exit_code = 1
                with trio.move_on_after(KILL_MARGIN_S, shield=True):
                    await self.journal.aclose()
                nursery.cancel_scope.cancel()
        return self._exit_code

    async def _run_journal(self, *, task_status: trio.TaskStatus[None]) -> None:
        await self.journal.run(task_status=task_status)

    async def _obey(self, signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            self._stop()

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            self._patience.deadline = trio.current_time() + self.settings.shutdown_timeout_sec + KILL_MARGIN_S
            # A listening socket that nobody accepts from would swallow connections.
            for listener in self.listeners:
                listener.close()
        for child in self._children.values():
            child.send_signal(signal.SIGTERM)

    async def _keep(self, index: int, environ: Mapping[str, str]) -> None:
        has_served = False
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_at = trio.current_time()
            code, served = await self._run_worker(index, environ)
            has_served = has_served or served
            if self._stopping.is_set():
                # Terminated before it listened to signals is not a failure.
                self._exit_code = self._exit_code or int(code not in {0, -signal.SIGTERM})
                return
            if not has_served:
                self._exit_code = 1
                self.journal.event("error", "worker.failed", f"worker {index} did not start; stopping", code=code)
                self._stop()
                return
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            self.journal.event("error", "worker.ended", f"worker {index} {how}; starting another", code=code)
            if trio.current_time() - began_at > LONG_LIFE_S:
                pause_s = FIRST_PAUSE_S
            with trio.move_on_after(pause_s):
                await self._stopping.wait()
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _run_worker(self, index: int, environ: Mapping[str, str]) -> tuple[int, bool]:
        """Run one worker to its end; return its exit code and whether it served."""
        life, its_life = socket.socketpair()
        link, its_link = socket.socketpair()
        place = Place(
            index=index,
            workers=self.settings.workers,
            listeners=[listener.fileno() for listener in self.listeners],
            life=its_life.fileno(),
            link=its_link.fileno(),
        )
        with life, its_life, its_link:
            child = await trio.lowlevel.open_process(
                list(self.command),
                env={**environ, WORKER_VARIABLE: msgspec.json.encode(place).decode()},
                pass_fds=(*place.listeners, place.life, place.link),
                process_group=0,
            )
            its_life.close()
            its_link.close()
            self._children[index] = child
            served = trio.Event()
            try:
                if self._stopping.is_set():
                    child.send_signal(signal.SIGTERM)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._hub.attend, link)
                    nursery.start_soon(_wait_ready, life, served)
                    code = await child.wait()
                    nursery.cancel_scope.cancel()
            finally:
                del self._children[index]
                if child.returncode is None:
                    child.kill()
                    with trio.move_on_after(KILL_MARGIN_S, shield=True):
                        await child.wait()
        return code, served.is_set()


async def _wait_ready(life: socket.socket, served: trio.Event) -> None:
    await trio.lowlevel.wait_readable(life)
    with suppress(OSError):
        if life.recv(1):
            served.set()
