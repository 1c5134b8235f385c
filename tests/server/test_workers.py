"""Several workers under a parent."""

from __future__ import annotations

import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import trio

from tests.server.process import client, tiny
from tests.server.test_lifecycle import collect, refused, wait_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from tests.server.process import TinyProcess

pytestmark = pytest.mark.slow


@asynccontextmanager
async def two_workers(**settings: Any) -> AsyncIterator[tuple[TinyProcess, list[httpx2.AsyncClient]]]:
    """Give the parent and one client for each worker, with a connection kept open to it."""
    async with tiny(workers=2, wait_ready=2, **settings) as it:
        clients: dict[str, Any] = {}
        extra = []
        while len(clients) < 2:
            manager = client(it)
            c = await manager.__aenter__()
            extra.append(manager)
            worker = (await c.get("/pid")).text.split()[1]
            clients.setdefault(worker, c)
        try:
            yield it, [clients["0"], clients["1"]]
        finally:
            for manager in extra:
                await manager.__aexit__(None, None, None)


async def pid_of(c: httpx2.AsyncClient) -> int:
    return int((await c.get("/pid")).text.split()[0])


async def test_workers_share_the_port_the_secret_and_one_preparation() -> None:
    async with two_workers() as (it, clients):
        places = [(await c.get("/pid")).text.split()[1:] for c in clients]
        assert places == [["0", "True"], ["1", "False"]]
        assert await pid_of(clients[0]) != await pid_of(clients[1])
        assert it.lines.count("prepared") == 1
        secrets = {(await c.get("/secret")).text for c in clients}
        assert len(secrets) == 1
        assert len(secrets.pop()) == 44


async def test_a_worker_that_is_killed_is_replaced() -> None:
    async with two_workers() as (it, clients):
        os.kill(await pid_of(clients[1]), signal.SIGKILL)
        [event] = await it.wait_event("worker.ended")
        assert event["message"] == "worker 1 was killed by signal 9; starting another"
        with trio.fail_after(10):
            await it.wait_line("ready", 3)
        assert await pid_of(clients[0])
        it.signal(signal.SIGTERM)
        assert await it.exit_code() == 0


async def test_signals_are_passed_on_and_streams_of_all_workers_finish() -> None:
    async with two_workers() as (it, clients):
        ends: list[str] = []
        async with trio.open_nursery() as nursery:
            for c in clients:
                for _ in range(10):
                    nursery.start_soon(collect, c, "/stream?n=10&pause=0.1", ends)
            await wait_running(clients[0], 1)
            it.signal(signal.SIGTERM)
            await it.wait_event("process.draining", 2)
            with trio.fail_after(1):
                while not await refused(it):
                    await trio.sleep(0.01)
        assert ends == ["data: [DONE]"] * 20
        assert await it.exit_code() == 0
        assert it.lines.count("closed storage") == 2


async def test_a_second_signal_ends_streams_of_workers() -> None:
    async with two_workers(shutdown_timeout_sec=300) as (it, clients):
        ends: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, clients[1], "/stream?n=1000&pause=0.1", ends)
            await wait_running(clients[1], 1)
            it.signal(signal.SIGTERM)
            await it.wait_event("process.draining", 2)
            it.signal(signal.SIGTERM)
        assert ends == ["data: drained"]
        assert await it.exit_code() == 0


async def test_workers_hear_each_other_and_share_windows() -> None:
    async with two_workers() as (_, clients):
        await clients[0].get("/publish?payload=user:7")
        with trio.fail_after(5):
            while json.loads((await clients[1].get("/seen")).text) != ["user:7"]:
                await trio.sleep(0.01)
        answers = [(await clients[count % 2].get("/hit?key=k&limit=5")).text for count in range(8)]
        assert answers == ["True"] * 5 + ["False"] * 3


async def test_workers_drain_when_the_parent_dies() -> None:
    async with two_workers() as (it, clients):
        workers = [psutil.Process(await pid_of(c)) for c in clients]
        it.process.kill()
        with trio.fail_after(10):
            await it.wait_line("closed storage", 2)
            while any(worker.is_running() and worker.status() != "zombie" for worker in workers):
                await trio.sleep(0.02)


async def test_a_start_that_fails_is_not_tried_again() -> None:
    async with tiny(workers=2, wait_ready=0, fail="build") as it:
        assert await it.exit_code() == 1
        await it.wait_event("worker.failed")
        assert "no database" in it.stderr


async def test_the_parent_says_that_the_port_is_in_use() -> None:
    async with tiny() as first, tiny(workers=2, wait_ready=0, port=first.port) as it:
        assert await it.exit_code() == 1
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert "another program listens there" in it.stderr
        assert "prepared" not in it.lines
