"""What the composition root and the process tree say to each other.

`gateway.lifecycle.run_process` makes a `Process` and hands it to a build function, which gives back an `App`.
The process tree then starts the services in order, serves `App.asgi`, drains, and closes all in reverse.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import trio

if TYPE_CHECKING:
    import socket

    from gateway.observe.types import Journal
    from gateway.relay.running import Running

State = Literal["serving", "draining", "stopping", "stopped"]
Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_ORDER: tuple[State, ...] = ("serving", "draining", "stopping", "stopped")


@dataclass(slots=True, eq=False)
class Phase:
    """Where the process stands. It only ever goes forward: serving, draining, stopping, stopped.

    - `draining`: not ready any more, running requests go on, new relays are refused with 503;
    - `stopping`: what still runs is being ended, books and storage are closed.
    """

    state: State = "serving"
    draining: trio.Event = field(default_factory=trio.Event)
    """Set when `serving` ends, whatever comes next."""
    closed: trio.Event = field(default_factory=trio.Event)
    """Set when listeners close: `DRAIN_DELAY_SEC` after `draining`, or with it."""
    stopping: trio.Event = field(default_factory=trio.Event)
    """Set when what still runs is being ended."""
    started_at: int = field(default_factory=lambda: int(time.time()))
    """Unix seconds."""
    connections: int = 0
    """How many connections of clients are open, idle ones included."""

    @property
    def is_ready(self) -> bool:
        """Whether load balancers should send requests here."""
        return self.state == "serving"

    @property
    def admits(self) -> bool:
        """Whether a new relay is served; once listeners are closed it gets 503 and `Connection: close`.

        Still true for the length of `DRAIN_DELAY_SEC`, because load balancers notice late.
        """
        return not self.closed.is_set()

    def advance(self, state: State) -> None:
        """Go on to `state`; going back, or nowhere, does nothing."""
        if _ORDER.index(state) <= _ORDER.index(self.state):
            return
        self.state = state
        self.draining.set()
        if state != "draining":
            self.closed.set()
            self.stopping.set()


class Service(Protocol):
    """Something that lives as long as the process and has a task of its own."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Start, call `task_status.started()` once ready, and work until cancelled.

        What start-up raises ends the process with exit code 1. Returning early is fine; an error later is
        reported, drains the process and makes its exit code 1.
        """

    async def aclose(self) -> None:
        """Finish what is owed (flush), while `run` still runs; then `run` is cancelled.

        Called once, within a deadline, and not when `run` did not get as far as `started()`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What the process tree knows and the composition root needs."""

    phase: Phase = field(default_factory=Phase)
    is_leader: bool = True
    """Whether this process runs the services of which there must be one (reaper, probes)."""
    worker: int = 0
    """0 to `WORKERS` - 1."""
    workers: int = 1
    addresses: tuple[str, ...] = ()
    """`http://HOST:PORT` of the listening sockets, for the console."""
    bus_link: socket.socket | None = None
    """The line to the parent that carries the bus and the windows, when there are several workers."""


async def _nothing() -> None:
    """Close nothing."""


def _ready(addresses: Sequence[str]) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A gateway, built and not yet started."""

    asgi: AsgiApp
    services: Sequence[Service]
    """Started in this order, closed in reverse."""
    running: Running
    journal: Journal
    """Told of the drain and of services that fail."""
    on_ready: Callable[[Sequence[str]], None] = _ready
    """Called with the addresses once connections are let in: the console's panel."""
    close: Callable[[], Awaitable[None]] = _nothing
    """Called last, when no task is left: storage. Also called when a service failed to start."""


SettingsT = TypeVar("SettingsT")
SettingsT_contra = TypeVar("SettingsT_contra", contravariant=True)


class Build(Protocol[SettingsT_contra]):
    """The composition root: makes an `App` and starts nothing that it does not close itself if it raises."""

    async def __call__(self, settings: SettingsT_contra, process: Process, /) -> App:
        """Build the gateway; what it raises ends the process with exit code 1."""


class ServerSettings(Protocol):
    """The settings that the process tree and the server read."""

    @property
    def port(self) -> int:
        """Where to listen; 0 picks a free port."""

    @property
    def workers(self) -> int:
        """How many processes share the port."""

    @property
    def client_write_timeout_sec(self) -> float:
        """How long a client may take for the next 64 KiB; 0 for ever."""

    @property
    def drain_delay_sec(self) -> float:
        """How long listeners stay open after the drain began."""

    @property
    def shutdown_timeout_sec(self) -> float:
        """How long running requests may go on after the drain began."""
