"""Two members of one installation, by each way to share, and a private Redis."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import time
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import trio

from gateway.cluster.hub import Hub
from gateway.cluster.local import LocalBus, LocalWindows
from gateway.cluster.redis import RedisCluster
from gateway.cluster.redis_address import RedisAddress, read_address
from gateway.cluster.subscriptions import Subscriptions
from gateway.cluster.worker import WorkerCluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.cluster.types import Bus, Windows


@dataclass
class Events:
    """A journal that keeps what it is told."""

    events: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    def relay(self, summary: object) -> None:
        raise NotImplementedError

    def event(self, level: str, name: str, message: str, **fields: object) -> None:
        self.events.append((level, name, message, fields))

    def named(self, name: str) -> list[tuple[str, str, str, dict[str, Any]]]:
        return [event for event in self.events if event[1] == name]


@dataclass
class Member:
    bus: Bus
    windows: Windows
    journal: Events


@asynccontextmanager
async def local_members() -> AsyncIterator[tuple[Member, Member]]:
    """One process: both are the same."""
    journal = Events()
    member = Member(LocalBus(Subscriptions(journal)), LocalWindows(), journal)
    yield member, member


@asynccontextmanager
async def worker_members() -> AsyncIterator[tuple[Member, Member]]:
    hub = Hub(Events())
    members = []
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            ours, theirs = socket.socketpair()
            nursery.start_soon(hub.attend, ours)
            journal = Events()
            worker = WorkerCluster(theirs, Subscriptions(journal), journal)
            await nursery.start(lambda task_status, worker=worker: worker.run(task_status=task_status))
            members.append(Member(worker, worker, journal))
        yield members[0], members[1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def redis_members(
    address: RedisAddress | str, *, heartbeat_s: float = 5
) -> AsyncIterator[tuple[Member, Member]]:
    address = read_address(address) if isinstance(address, str) else address
    namespace = f"test-{token_hex(6)}"
    members = []
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            journal = Events()
            redis = RedisCluster(
                address, Subscriptions(journal), journal, namespace=namespace, heartbeat_s=heartbeat_s
            )
            await nursery.start(lambda task_status, redis=redis: redis.run(task_status=task_status))
            members.append(Member(redis, redis, journal))
        yield members[0], members[1]
        nursery.cancel_scope.cancel()
    # coredis leaves the memory channels of failed connections to the collector; not to some later test's warnings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class PrivateRedis:
    """A Redis server of our own, that may be frozen and killed."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/3"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self.directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
            else:
                return
        raise TimeoutError("redis-server does not listen")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
