"""The process: services and server in one tree, from start to drain to exit code.

Shutdown is a state. The first SIGTERM or SIGINT begins the drain: readiness turns false, listeners close, what
runs goes on. Relays that outlive `SHUTDOWN_TIMEOUT_SEC`, or a second signal, are ended by the relay's own
means, which settles them; then connections, services (the ledger flushes) and storage are closed, in reverse of
their start, each within a limit.
"""

from __future__ import annotations

import signal
import sys
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import trio

from gateway.lifecycle_types import App, Phase, Process, ServerSettings
from gateway.server.serve import serve
from gateway.server.sockets import addresses_of

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from gateway.lifecycle_types import Build, Service

__all__ = ["App", "Phase", "Process", "run_process"]

SettingsT = TypeVar("SettingsT", bound=ServerSettings)

# Seconds. Relays that are ended write a terminal event and settle; both have limits of their own below this.
END_LIMIT_S: Final = 15.0
# What is not a relay (a page, a management call) gets this long once no relay runs.
REQUESTS_LIMIT_S: Final = 10.0
# And this long when relays had to be ended, or a second signal came.
LATE_REQUESTS_LIMIT_S: Final = 2.0
# A ledger with a slow database gets this long to flush.
CLOSE_LIMIT_S: Final = 30.0


async def run_process(
    build: Build[SettingsT],
    settings: SettingsT,
    *,
    listeners: Sequence[socket.socket],
    process: Process | None = None,
    parent_gone: Callable[[], Awaitable[None]] = trio.sleep_forever,
    on_ready: Callable[[], None] | None = None,
) -> int:
    """Build the gateway, serve it until a signal (or the parent's end) drains it, and return the exit code.

    0 after a drain, also when it was cut short; 1 when something failed to start, which standard error explains,
    or a service failed later. Takes over SIGTERM and SIGINT, and owns the listeners.
    """
    process = process or Process(addresses=addresses_of(listeners))
    tree = _Tree(process=process)
    try:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(tree.obey, signals)
                nursery.start_soon(tree.follow, parent_gone)
                code = await tree.live(build, settings, listeners, on_ready)
                nursery.cancel_scope.cancel()
    finally:
        for listener in listeners:
            listener.close()
    process.phase.advance("stopped")
    return code


@dataclass(slots=True, kw_only=True)
class _Tree:
    process: Process
    starting: trio.CancelScope = field(default_factory=trio.CancelScope)
    patience: trio.CancelScope = field(default_factory=trio.CancelScope)
    """Around what the drain waits for; cancelled by the second signal."""
    failed: list[str] = field(default_factory=list)
    """Services that ended with an error."""

    async def obey(self, signals: AsyncIterator[int]) -> None:
        async for _ in signals:
            if self.process.phase.draining.is_set():
                self.patience.cancel()
            self.drain()

    async def follow(self, parent_gone: Callable[[], Awaitable[None]]) -> None:
        await parent_gone()
        self.drain()

    def drain(self) -> None:
        self.process.phase.advance("draining")
        self.starting.cancel()

    async def live(
        self,
        build: Build[SettingsT],
        settings: SettingsT,
        listeners: Sequence[socket.socket],
        on_ready: Callable[[], None] | None,
    ) -> int:
        app: App | None = None
        code = 0
        try:
            with self.starting:
                app = await build(settings, self.process)
            if app is not None:
                async with self.services(app):
                    if not self.process.phase.draining.is_set():
                        await self.serve_and_drain(app, settings, listeners, on_ready)
        except* Exception as errors:  # noqa: BLE001 - the boundary: what ends a process is told on standard error
            explain(errors)
            code = 1
        finally:
            if app is not None:
                with trio.move_on_after(CLOSE_LIMIT_S, shield=True):
                    await app.close()
        return 1 if self.failed else code

    @asynccontextmanager
    async def services(self, app: App) -> AsyncIterator[None]:
        """Start the services in order; close those that started in reverse."""
        started: list[_Started] = []
        async with trio.open_nursery() as nursery:
            try:
                self.starting = trio.CancelScope()
                if self.process.phase.draining.is_set():
                    self.starting.cancel()
                with self.starting:
                    for service in app.services:
                        started.append(await nursery.start(self.own, app, service))  # noqa: PERF401 - keeps what started
                yield
            finally:
                self.process.phase.advance("stopping")
                for one in reversed(started):
                    with trio.move_on_after(CLOSE_LIMIT_S, shield=True) as limit:
                        await self.close(app, one)
                    if limit.cancelled_caught:
                        name = type(one.service).__name__
                        app.journal.event("error", "service.close_late", f"{name} did not finish in time")
                    one.scope.cancel()

    async def own(self, app: App, service: Service, *, task_status: trio.TaskStatus[_Started]) -> None:
        """Run one service in a scope of its own, so that it can outlive those that started after it."""
        one = _Started(service)
        has_started = False
        try:
            with one.scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(service.run)
                    has_started = True
                    # From here on only `services` ends it: whatever is cancelled around, books are closed first.
                    one.scope.shield = True
                    task_status.started(one)
        except* Exception as errors:
            if not has_started:
                raise
            name = type(service).__name__
            self.failed.append(name)
            report = "".join(traceback.format_exception(errors))
            app.journal.event("error", "service.failed", f"{name} failed; draining", traceback=report)
            self.drain()
        finally:
            one.ended.set()

    async def close(self, app: App, one: _Started) -> None:
        try:
            if not one.ended.is_set():
                await one.service.aclose()
        except Exception as error:  # noqa: BLE001 - the others are to be closed all the same
            name = type(one.service).__name__
            self.failed.append(name)
            report = "".join(traceback.format_exception(error))
            app.journal.event("error", "service.close_failed", f"{name} failed to close", traceback=report)
        one.scope.cancel()
        await one.ended.wait()

    async def serve_and_drain(
        self,
        app: App,
        settings: ServerSettings,
        listeners: Sequence[socket.socket],
        on_ready: Callable[[], None] | None,
    ) -> None:
        phase = self.process.phase
        served = trio.Event()

        async def run_server(*, task_status: trio.TaskStatus[tuple[str, ...]]) -> None:
            await serve(
                app.asgi,
                listeners,
                settings=settings,
                phase=phase,
                journal=app.journal,
                task_status=task_status,
            )
            served.set()

        async with trio.open_nursery() as nursery:
            app.on_ready(await nursery.start(run_server))
            if on_ready is not None:
                on_ready()
            await phase.draining.wait()
            await self.let_end(app, settings, served)
            nursery.cancel_scope.cancel()

    async def let_end(self, app: App, settings: ServerSettings, served: trio.Event) -> None:
        """Wait for what runs as long as it may take, then end it."""
        phase, running = self.process.phase, app.running
        app.journal.event("info", "process.draining", f"draining, {len(running)} relays run", running=len(running))
        self.patience.deadline = trio.current_time() + settings.shutdown_timeout_sec
        with self.patience:
            await phase.closed.wait()
            await running.wait_empty()
            with trio.move_on_after(REQUESTS_LIMIT_S):
                await served.wait()
        if len(running):
            app.journal.event("warning", "process.ending", f"ending {len(running)} relays", running=len(running))
            phase.advance("stopping")
            running.end_all("drained")
            with trio.move_on_after(END_LIMIT_S):
                await running.wait_empty()
        phase.advance("stopping")
        with trio.move_on_after(LATE_REQUESTS_LIMIT_S):
            await served.wait()
        app.journal.event("info", "process.stopping", "drained, closing books and storage")


@dataclass(slots=True, eq=False)
class _Started:
    service: Service
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)


def explain(error: BaseException) -> None:
    """Say on standard error why the process ends: one line for errors of ours, a traceback for any other.

    Ours are those that carry a `code`; they are made for people.
    """
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            explain(inner)
    elif hasattr(error, "code"):
        sys.stderr.write(f"one-api: {error}\n")
    else:
        sys.stderr.write("one-api: the process ends because of an error\n")
        sys.stderr.write("".join(traceback.format_exception(error)))
