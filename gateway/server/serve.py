"""Serve an ASGI application until the process drains: Hypercorn's protocol machines under our own roof.

Hypercorn's `serve` knows one end, `graceful_timeout`, after which it tears live streams off. Here nothing is
torn by the clock: listeners close when the drain says so, idle connections with them, and `serve` returns when
the last request has ended. Who will not wait that long cancels it.
"""

from __future__ import annotations

import errno
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from gateway.server.deadline_stream import DeadlineStream, WriteLimit
from gateway.server.hypercorn_config import ServerConfig
from gateway.server.sockets import addresses_of, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from gateway.lifecycle_types import AsgiApp, Message, Phase, Receive, Scope, Send, ServerSettings
    from gateway.observe.types import Journal

# A drain is no time to wait a minute for a reader that sleeps.
DRAINING_WRITE_LIMIT_S: Final = 5.0
# When relays are being ended, there is time for a last event and no more.
STOPPING_WRITE_LIMIT_S: Final = 1.0
# How long to leave the door shut when file descriptors or memory ran out; connections wait in the kernel.
ACCEPT_PAUSE_S: Final = 0.1
# What accept(2) reports of connections that ended before anybody took them.
_DIED_IN_QUEUE: Final = frozenset(
    {errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH}
)


async def serve(
    app: AsgiApp,
    listeners: Sequence[socket.socket],
    *,
    settings: ServerSettings,
    phase: Phase,
    journal: Journal,
    task_status: trio.TaskStatus[tuple[str, ...]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` on `listeners` until `phase` drains and the last request has ended.

    Starts with the addresses, once connections are let in. Owns the listeners and closes them: when the drain
    began and `drain_delay_sec` have passed, which it marks by `phase.closed`. Idle connections close then;
    responses that begin during the delay already carry `Connection: close`. The application gets no `lifespan`
    scope, because the process tree starts its services.

    An error in a connection is reported and closes that connection. Cancelled: connections that are left are
    reset, so that no unfinished write can hold it. Raises `PortInUse`.
    """
    server = _Server(app=ASGIWrapper(_ending(app)), config=ServerConfig(journal), journal=journal, phase=phase)  # type: ignore[arg-type]
    server.limit.seconds = settings.client_write_timeout_sec or server.limit.seconds
    try:
        listen(listeners)
        async with trio.open_nursery() as watch:
            watch.start_soon(server.abort_when_cancelled)
            watch.start_soon(server.hurry_when_stopping, phase)
            async with trio.open_nursery() as connections:
                async with trio.open_nursery() as acceptors:
                    for listener in listeners:
                        acceptors.start_soon(server.accept_from, listener, connections)
                    task_status.started(addresses_of(listeners))
                    await phase.draining.wait()
                    server.begin_drain()
                    with trio.move_on_after(settings.drain_delay_sec):
                        await phase.closed.wait()
                    acceptors.cancel_scope.cancel()
                for listener in listeners:
                    listener.close()
                phase.closed.set()
                await server.context.terminated.set()
            watch.cancel_scope.cancel()
    finally:
        for listener in listeners:
            listener.close()


def _ending(app: AsgiApp) -> AsgiApp:
    """Let the last send of a response end, whatever happens to the task that sends it.

    Hypercorn makes the connection idle within that call, after it has told the application that the client is
    done with it. An application that cancels itself on hearing so, as Quart does, would leave a connection that
    no idle limit and no drain ever closes. The writes within have the stream's own deadline.
    """

    async def serve_scope(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_message(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.CancelScope(shield=True):
                    await send(message)
            else:
                await send(message)

        await app(scope, receive, send_message)

    return serve_scope


@dataclass(slots=True, kw_only=True)
class _Server:
    app: ASGIWrapper
    config: ServerConfig
    journal: Journal
    phase: Phase
    context: WorkerContext = field(default_factory=lambda: WorkerContext(max_requests=None))
    limit: WriteLimit = field(default_factory=WriteLimit)
    streams: set[DeadlineStream] = field(default_factory=set)

    def begin_drain(self) -> None:
        self.config.say_goodbye()
        self.tighten(DRAINING_WRITE_LIMIT_S)

    async def hurry_when_stopping(self, phase: Phase) -> None:
        await phase.stopping.wait()
        self.tighten(STOPPING_WRITE_LIMIT_S)

    def tighten(self, seconds: float) -> None:
        self.limit.seconds = min(self.limit.seconds, seconds)
        for stream in self.streams:
            stream.tighten()

    async def abort_when_cancelled(self) -> None:
        """Reset what is left: Hypercorn writes inside shields, which a cancellation alone does not reach."""
        try:
            await trio.sleep_forever()
        finally:
            for stream in tuple(self.streams):
                stream.abort()

    async def accept_from(self, listener: socket.socket, connections: trio.Nursery) -> None:
        while True:
            # One connection a turn: with several workers on one socket the others get theirs.
            await trio.lowlevel.wait_readable(listener)
            try:
                raw, _ = listener.accept()
            except BlockingIOError:
                continue  # another worker was faster
            except OSError as error:
                if error.errno not in _DIED_IN_QUEUE:
                    self.journal.event("error", "server.accept_failed", f"cannot accept connections: {error}")
                    await trio.sleep(ACCEPT_PAUSE_S)
                continue
            connections.start_soon(self.run_connection, raw)

    async def run_connection(self, raw: socket.socket) -> None:
        stream = DeadlineStream(raw, self.limit)
        self.streams.add(stream)
        self.phase.connections += 1
        try:
            await TCPServer(self.app, self.config, self.context, ConnectionState({}), stream)  # type: ignore[arg-type]
        except* Exception as errors:  # noqa: BLE001 - the boundary: one connection must not end the others
            report = "".join(traceback.format_exception(errors))
            self.journal.event("error", "server.connection_failed", "a connection failed", traceback=report)
        finally:
            stream.abort()
            self.streams.discard(stream)
            self.phase.connections -= 1
