"""Drain, with a real process."""

from __future__ import annotations

import signal
import socket

import httpx2
import pytest
import trio

from tests.server.process import TinyProcess, client, tiny


async def collect(c: httpx2.AsyncClient, path: str, ends: list[str]) -> None:
    async with c.stream("GET", path) as reply:
        body = (await reply.aread()).decode()
    ends.append(body.strip().rpartition("\n\n")[2])


async def wait_running(c: httpx2.AsyncClient, count: int) -> None:
    # A connection of its own each time: with several workers, a kept one would ask the same worker for ever.
    while int((await c.get("/running", headers={"connection": "close"})).text) < count:
        await trio.sleep(0.02)


async def stall(it: TinyProcess, c: httpx2.AsyncClient) -> trio.SocketStream:
    """Ask for more than all buffers hold, read nothing, and return when the server can write no more."""
    stream = await trio.open_tcp_stream("127.0.0.1", it.port)
    await stream.send_all(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
    before, sent = -1, 0
    while not sent or before != sent:
        await trio.sleep(0.2)
        before, sent = sent, int((await c.get("/sent")).text)
    return stream


async def refused(it: TinyProcess) -> bool:
    try:
        await (await trio.open_tcp_stream("127.0.0.1", it.port)).aclose()
    except OSError:
        return True
    return False


@pytest.mark.slow
async def test_drain_lets_a_hundred_streams_finish_and_exits_in_order() -> None:
    async with tiny() as it, client(it) as c:
        ends: list[str] = []
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(collect, c, "/stream?n=20&pause=0.1", ends)
            await wait_running(c, 100)
            it.signal(signal.SIGTERM)
            await it.wait_event("process.draining")
            with trio.fail_after(1):
                while not await refused(it):
                    await trio.sleep(0.01)
            assert not ends
        assert ends == ["data: [DONE]"] * 100
        assert await it.exit_code() == 0
        assert it.lines[-3:] == ["closed second", "closed first", "closed storage"]


@pytest.mark.slow
async def test_streams_that_outlive_the_drain_are_told_so() -> None:
    async with tiny(shutdown_timeout_sec=0.3) as it, client(it) as c:
        ends: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, c, "/stream?n=1000&pause=0.1", ends)
            await wait_running(c, 1)
            it.signal(signal.SIGTERM)
        assert ends == ["data: drained"]
        assert await it.exit_code() == 0
        assert it.lines[-1] == "closed storage"


@pytest.mark.slow
async def test_second_signal_ends_streams_at_once_and_still_closes_the_books() -> None:
    async with tiny(shutdown_timeout_sec=300) as it, client(it) as c:
        ends: list[str] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, c, "/stream?n=1000&pause=0.1", ends)
            await wait_running(c, 1)
            it.signal(signal.SIGINT)
            await it.wait_event("process.draining")
            it.signal(signal.SIGINT)
        assert ends == ["data: drained"]
        assert await it.exit_code() == 0
        assert it.lines[-3:] == ["closed second", "closed first", "closed storage"]


@pytest.mark.slow
async def test_readiness_turns_false_at_once_and_listeners_stay_for_the_delay() -> None:
    async with tiny(drain_delay_sec=1) as it, client(it) as c:
        assert (await c.get("/status")).status_code == 200
        it.signal(signal.SIGTERM)
        await it.wait_event("process.draining")
        async with client(it) as new:
            reply = await new.get("/status")
        assert reply.status_code == 503
        assert reply.headers["connection"] == "close"
        assert not await refused(it)
        assert await it.exit_code() == 0


@pytest.mark.slow
async def test_idle_connections_close_when_the_drain_begins() -> None:
    async with tiny() as it:
        stream = await trio.open_tcp_stream("127.0.0.1", it.port)
        await stream.send_all(b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in await stream.receive_some()
        it.signal(signal.SIGTERM)
        with trio.fail_after(2):
            while await stream.receive_some():
                pass
        assert await it.exit_code() == 0
        await stream.aclose()


@pytest.mark.slow
async def test_stalled_reader_does_not_hold_the_drain() -> None:
    async with tiny(shutdown_timeout_sec=300) as it, client(it) as c:
        stream = await stall(it, c)
        it.signal(signal.SIGTERM)
        began = trio.current_time()
        assert await it.exit_code() == 0
        assert trio.current_time() - began < 60
        await stream.aclose()


@pytest.mark.slow
async def test_stalled_reader_does_not_hold_the_end_of_the_drain() -> None:
    async with tiny(shutdown_timeout_sec=0.2) as it, client(it) as c:
        stream = await stall(it, c)
        it.signal(signal.SIGTERM)
        began = trio.current_time()
        assert await it.exit_code() == 0
        assert trio.current_time() - began < 30
        assert it.lines[-1] == "closed storage"
        await stream.aclose()


@pytest.mark.slow
@pytest.mark.parametrize(("fail", "told"), [("build", "no database"), ("service", "no disk")])
async def test_what_fails_at_the_start_is_told_and_exits_one(fail: str, told: str) -> None:
    async with tiny(wait_ready=0, fail=fail) as it:
        assert await it.exit_code() == 1
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert told in it.stderr
        assert not any(line.startswith("ready") for line in it.lines)
        if fail == "service":
            assert it.lines == ["prepared", "started first", "closed first", "closed storage"]


@pytest.mark.slow
async def test_a_service_that_fails_later_drains_the_process_with_exit_code_one() -> None:
    async with tiny(wait_ready=0, fail="late") as it:
        assert await it.exit_code() == 1
        [event] = await it.wait_event("service.failed")
        assert "disk gone" in event["traceback"]
        assert it.lines[-2:] == ["closed first", "closed storage"]


@pytest.mark.slow
async def test_a_port_in_use_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with tiny(wait_ready=0, port=taken.getsockname()[1]) as it:
            assert await it.exit_code() == 1
            await trio.testing.wait_all_tasks_blocked(0.05)
    assert "another program listens there" in it.stderr


@pytest.mark.slow
async def test_a_bug_in_one_request_is_reported_and_ends_no_other() -> None:
    async with tiny() as it, client(it) as c:
        assert (await c.get("/crash")).status_code == 500
        [event] = await it.wait_event("server.hypercorn")
        assert "a bug" in event["traceback"]
        assert (await c.get("/pid")).status_code == 200
