"""Clients that leave, stop reading, or come all at once."""

from __future__ import annotations

import json
import socket
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.support.engines import fresh_database
from tests.support.provider import Answer, Tokens, sse
from tests.support.world import MODEL, Seen, World, bearer, chat_body, world

pytestmark = pytest.mark.slow

ENDLESS = tuple(f"word{number} " for number in range(2000))


async def test_client_gone_closes_upstream_within_100_ms_and_pays(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.provider.standing(Answer(pieces=ENDLESS, pause_s=0.02))
        waits = []
        for _ in range(5):
            seen = Seen()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(here.stream, seen=seen))
                with trio.fail_after(10):
                    while len(seen.pieces) < 10:
                        await trio.sleep(0.005)
                left_at = trio.current_time()
                nursery.cancel_scope.cancel()
            waits.append(await here.provider.requests[-1].wait_gone() - left_at)
        assert max(waits) < 0.1, waits
        logs = await here.logs(5)
        for log in logs:
            assert 10 <= log["completion_tokens"] <= 80
            assert log["prompt_tokens"] > 0
        await here.assert_charged(sum(log["quota"] for log in logs))
        lines = await here.gateway.wait_line("relay", 5)
        assert {line["outcome"] for line in lines} == {"client_gone"}


async def test_client_gone_before_the_first_byte_closes_upstream(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.provider.standing(Answer(head_after_s=30))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(here.chat, MODEL)
            await here.provider.wait_requests(1)
            left_at = trio.current_time()
            nursery.cancel_scope.cancel()
        assert await here.provider.requests[0].wait_gone() - left_at < 0.1
        await here.gateway.wait_line("relay")
        await here.gateway.assert_books_balance()


async def stalled_client(here: World) -> socket.socket:
    """Ask for a stream over a socket with a small buffer, and never read."""
    body = json.dumps(chat_body(stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer(here.key)['Authorization']}\r\n"
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", here.gateway.port))
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await trio.lowlevel.checkpoint()
    return sock


async def test_stalled_reader_holds_neither_its_relay_nor_the_drain(tmp_path: Path) -> None:
    async with world(tmp_path, env={"CLIENT_WRITE_TIMEOUT_SEC": 1, "SHUTDOWN_TIMEOUT_SEC": 60}) as here:
        flood = Answer(pieces=("x" * 65536,) * 400)
        here.provider.standing(flood)
        with await stalled_client(here):
            await here.provider.wait_requests(1)
            await here.provider.requests[0].wait_gone(timeout_s=10)
            await here.logs(1)
            # And once more while it drains, where the limit is the smaller of the two.
            with await stalled_client(here):
                await here.provider.wait_requests(2)
                await here.gateway.terminate()
                started = trio.current_time()
                assert await here.gateway.wait() == 0
                assert trio.current_time() - started < 40
        await here.gateway.assert_books_balance()


@pytest.mark.parametrize(
    ("engine", "workers"), [("sqlite", 1), ("sqlite", 2), ("postgresql", 2), ("mysql", 1)], ids=str
)
async def test_parallel_requests_never_get_more_than_the_quota(tmp_path: Path, engine: str, workers: int) -> None:
    # A model without a price of its own costs 2.50 USD a million tokens either way: 105 * 1.25, rounded up.
    price, quota = 132, 12_000
    with fresh_database(engine, tmp_path) as database:
        env = {"WORKERS": workers}
        async with world(tmp_path, database=database, env=env, quota=quota, models=["house-model", MODEL]) as here:
            here.provider.standing(Answer(tokens=Tokens(prompt=5, completion=100), head_after_s=0.05))
            statuses: list[int] = []

            async def ask() -> None:
                answer = await here.chat("house-model", max_tokens=100)
                statuses.append(answer.status_code)

            with trio.fail_after(60):
                async with trio.open_nursery() as nursery:
                    for _ in range(200):
                        nursery.start_soon(ask)
            served = len(here.provider.requests)
            assert statuses.count(200) == served
            assert statuses.count(403) == 200 - served
            assert 1 <= served <= quota // price
            await here.logs(served)
            user = await here.root.user(here.user_id)
            assert (user["quota"], user["used_quota"]) == (quota - served * price, served * price)
            assert user["quota"] >= 0
            await here.assert_charged(served * price)


async def test_ten_megabytes_in_one_line_pass_with_bounded_memory(tmp_path: Path) -> None:
    text = "0123456789abcdef" * (10 * 65536)
    envelope = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    delta = {"index": 0, "delta": {"content": text, "unknown_field": [1, {"a": None}]}, "finish_reason": None}
    line = sse({**envelope, "choices": [delta]})
    end = sse({**envelope, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    pieces = tuple(line[at : at + 50_000] for at in range(0, len(line), 50_000))
    async with world(tmp_path) as here:
        here.provider.standing(Answer(events=(*pieces, end, b"data: [DONE]\n\n")))
        await here.chat(stream=True)  # what is loaded once is not counted below
        before = highest_memory(here.gateway.pid)
        body = b""
        async with here.client.stream(
            "POST", "/v1/chat/completions", json=chat_body(stream=True), headers=bearer(here.key)
        ) as answer:
            async for data in answer.aiter_raw():
                body += data
        assert body.count(b"\n\n") >= 3
        (event,) = [part for part in body.split(b"\n\n") if len(part) > 1_000_000]
        assert json.loads(event[6:])["choices"] == [delta]
        assert body.rstrip().endswith(b"data: [DONE]")
        assert highest_memory(here.gateway.pid) - before < 60_000
        logs = await here.logs(2)
        await here.assert_charged(sum(log["quota"] for log in logs))


def highest_memory(pid: int) -> int:
    """Return the most memory that a process ever had, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
