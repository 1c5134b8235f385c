"""SIGTERM under load: nobody is cut, everything is charged, the process exits in order."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import httpx2
import pytest
import trio

from tests.support.gateway import running_gateway
from tests.support.provider import Answer
from tests.support.world import MODEL, Seen, World, bearer, chat_body, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

LONG = tuple(f"word{number} " for number in range(30))
ENDLESS = tuple(f"word{number} " for number in range(2000))


async def open_streams(here: World, nursery: trio.Nursery, count: int) -> list[Seen]:
    """Start `count` streams; return once each has had its first content."""
    streams = [Seen() for _ in range(count)]
    with trio.fail_after(30):
        async with trio.open_nursery() as starting:
            for seen in streams:
                starting.start_soon(partial(nursery.start, partial(here.stream, seen=seen)))
    assert all(seen.pieces for seen in streams), [seen.broken or seen.error for seen in streams if not seen.pieces]
    return streams


async def refused(here: World) -> None:
    """Wait until nobody listens any more."""
    with trio.fail_after(10):
        while await here.gateway.status() != 0:
            await trio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
async def test_drain_cuts_none_of_100_streams(tmp_path: Path, workers: int) -> None:
    env = {"WORKERS": workers, "DRAIN_DELAY_SEC": 0.5, "SHUTDOWN_TIMEOUT_SEC": 60}
    async with world(tmp_path, env=env) as here:
        here.provider.standing(Answer(pieces=LONG, pause_s=0.1))
        async with trio.open_nursery() as nursery:
            streams = await open_streams(here, nursery, 100)
            assert here.provider.running == 100
            await here.gateway.terminate()
            # Balancers learn of it while the listener still answers.
            with trio.fail_after(5):
                while (status := await here.gateway.status()) == 200:
                    await trio.sleep(0.01)
            assert status == 503
            await refused(here)
            assert here.provider.running == 100
        assert all(seen.is_done and seen.is_whole for seen in streams), [s for s in streams if not s.is_done][:3]
        assert {seen.text for seen in streams} == {"".join(LONG)}
        assert await here.gateway.wait() == 0
        await here.gateway.assert_books_balance()
        await here.gateway.start()
        await here.log_in_again()
        logs = await here.logs(100)
        assert {log["completion_tokens"] for log in logs} == {30}
        await here.assert_charged(sum(log["quota"] for log in logs))


async def test_kept_alive_connection_gets_503_while_draining(tmp_path: Path) -> None:
    async with world(tmp_path, env={"SHUTDOWN_TIMEOUT_SEC": 30}) as here:
        here.provider.script(Answer(pieces=LONG, pause_s=0.1))
        async with here.gateway.client() as kept, trio.open_nursery() as nursery:
            # HTTP/1.1 keeps this connection: the next request goes over it even when nobody listens any more.
            assert (await kept.get("/v1/models", headers=bearer(here.key))).status_code == 200
            (seen,) = await open_streams(here, nursery, 1)
            await here.gateway.terminate()
            await refused(here)
            try:
                answer = await kept.post("/v1/chat/completions", json=chat_body(), headers=bearer(here.key))
            except httpx2.TransportError:
                pass  # The idle connection was closed already, which tells a client as much.
            else:
                assert answer.status_code == 503
                assert answer.headers["connection"].lower() == "close"
        assert seen.is_done
        assert len(here.provider.requests) == 1
        assert await here.gateway.wait() == 0
        await here.gateway.assert_books_balance()


@pytest.mark.parametrize("signals", [1, 2])
async def test_streams_that_outlive_the_drain_end_properly_and_pay(tmp_path: Path, signals: int) -> None:
    env = {"SHUTDOWN_TIMEOUT_SEC": 1 if signals == 1 else 120}
    async with world(tmp_path, env=env) as here:
        here.provider.standing(Answer(pieces=ENDLESS, pause_s=0.05))
        async with trio.open_nursery() as nursery:
            streams = await open_streams(here, nursery, 20)
            told = trio.current_time()
            await here.gateway.terminate()
            if signals == 2:
                await trio.sleep(0.5)
                await here.gateway.terminate()
        # A task of the nursery ends when its stream does.
        assert trio.current_time() - told < 40
        for seen in streams:
            assert seen.is_whole, seen.broken
            assert seen.error is not None, seen
            assert "message" in seen.error
            assert 5 < len(seen.pieces) < 200
        assert await here.gateway.wait() == 0
        assert all(request.gone.is_set() for request in here.provider.requests)
        await here.gateway.assert_books_balance()
        await here.gateway.start()
        await here.log_in_again()
        logs = await here.logs(20)
        delivered = sorted(len(seen.pieces) for seen in streams)
        # "word12 " is two or three tokens; no usage came, so they were counted.
        for log, pieces in zip(sorted(logs, key=lambda log: log["completion_tokens"]), delivered, strict=True):
            assert pieces <= log["completion_tokens"] <= 4 * pieces + 8
        await here.assert_charged(sum(log["quota"] for log in logs))


async def test_silent_request_does_not_hold_the_drain(tmp_path: Path) -> None:
    """A request whose provider has not even begun to answer is ended with a true status."""
    async with world(tmp_path, env={"SHUTDOWN_TIMEOUT_SEC": 1}) as here:
        here.provider.standing(Answer(head_after_s=math.inf))
        answers: list[httpx2.Response] = []

        async def ask() -> None:
            answers.append(await here.chat(MODEL))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await here.provider.wait_requests(1)
            await here.gateway.terminate()
        assert answers[0].status_code in (502, 503, 504)
        assert await here.gateway.wait() == 0
        await here.gateway.assert_books_balance()


async def test_idle_connection_does_not_hold_the_drain(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        session = await gateway.login()
        started = trio.current_time()
        await gateway.terminate()
        assert await gateway.wait() == 0
        assert trio.current_time() - started < 20
        await session.client.aclose()
