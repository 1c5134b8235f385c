"""kill -9 at any moment: nothing that was served goes unpaid, and nothing is paid twice."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import httpx2
import pytest
import trio

from tests.support.provider import Answer
from tests.support.world import Seen, World, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CYCLES = 50
CLIENTS = 8


async def keep_asking(here: World, number: int, complete: set[str]) -> None:
    """Ask until nobody answers any more; note the ids of answers that came whole."""
    while True:
        if number % 2:
            seen = await here.stream(seen=Seen())
            if seen.is_done:
                complete.add(seen.headers["x-oneapi-request-id"])
            if seen.broken:
                return
        else:
            try:
                answer = await here.chat()
            except httpx2.HTTPError:
                return
            if answer.status_code == 200:
                complete.add(answer.headers["x-oneapi-request-id"])


async def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    rng = Random(20251124)
    complete: set[str] = set()
    async with world(tmp_path) as here:
        here.provider.standing(Answer(pieces=("one ", "two ", "three"), pause_s=0.005))
        for cycle in range(CYCLES):
            if cycle:
                await here.gateway.start()
            with trio.fail_after(30):
                async with trio.open_nursery() as nursery:
                    for number in range(CLIENTS):
                        nursery.start_soon(keep_asking, here, number, complete)
                    await trio.sleep(rng.uniform(0.02, 0.3))
                    await here.gateway.kill()
        await here.gateway.start()
        await here.log_in_again()
        served = len(here.provider.requests)
        logs = await here.root.logs()
        charged = {log["request_id"] for log in logs}
        assert len(charged) == len(logs)
        assert complete <= charged
        assert len(complete) > CYCLES
        # A reservation that was durable when the process died before it could call the provider is charged, too.
        assert served <= len(logs) <= served + CYCLES * CLIENTS
        assert all(log["quota"] > 0 for log in logs)
        await here.assert_charged(sum(log["quota"] for log in logs))


@pytest.mark.parametrize("victim", ["worker", "parent"])
async def test_killed_worker_is_replaced_and_its_requests_are_settled(tmp_path: Path, victim: str) -> None:
    psutil = pytest.importorskip("psutil")
    async with world(tmp_path, env={"WORKERS": 2}) as here:
        here.provider.standing(Answer(pieces=("one ", "two ", "three ", "four ") * 3, pause_s=0.5))
        parent = psutil.Process(here.gateway.pid)
        workers = parent.children()
        assert len(workers) == 2
        streams = [Seen() for _ in range(12)]
        async with trio.open_nursery() as nursery:
            async with trio.open_nursery() as starting:
                for seen in streams:
                    starting.start_soon(partial(nursery.start, partial(here.stream, seen=seen)))
            serving = max(workers, key=lambda worker: len(worker.net_connections(kind="tcp")))
            (serving if victim == "worker" else parent).kill()
            if victim == "parent":
                # Workers without a parent drain by themselves: nobody is cut.
                await here.gateway.wait()
        whole = [seen for seen in streams if seen.is_done]
        if victim == "parent":
            assert len(whole) == 12
            with trio.fail_after(20):
                while any(worker.is_running() for worker in workers):
                    await trio.sleep(0.05)
            await here.gateway.start()
        else:
            with trio.fail_after(20):
                while len(parent.children()) < 2 or serving in parent.children():
                    await trio.sleep(0.05)
            assert len(whole) < 12
        await here.log_in_again()
        logs = await here.logs(12)
        assert {seen.headers["x-oneapi-request-id"] for seen in whole} <= {log["request_id"] for log in logs}
        await here.assert_charged(sum(log["quota"] for log in logs))
