"""Providers that fall silent or break off: clients are told, in their format, and pay for what they got."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.provider import Answer, failure
from tests.support.world import MODEL, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

QUICK = {
    "HEAD_TIMEOUT_SEC": 0.5,
    "FIRST_CONTENT_TIMEOUT_SEC": 0.7,
    "IDLE_TIMEOUT_SEC": 0.6,
    "CHANNEL_SUSPEND_SECONDS_FOR_5XX": 0,
}
MODELS = ("m-0", "m-1", "m-2", "m-3", "m-4", "m-5", "m-6", "m-7")


async def test_silent_upstream_is_given_up_with_a_true_status(tmp_path: Path) -> None:
    async with world(tmp_path, env=QUICK, models=MODELS) as here:
        cases = (
            ("m-0", Answer(head_after_s=math.inf), False),
            ("m-1", Answer(head_after_s=math.inf), True),
            ("m-2", Answer(hang_after=0), True),
            ("m-3", Answer(hang_after=1), True),  # a role, but no content yet
            ("m-4", Answer(hang_after=1), False),  # half a body
        )
        for model, answer, streamed in cases:
            here.provider.standing(answer, model=model)
            started = trio.current_time()
            if streamed:
                seen = await here.stream(model)
                status, error = seen.status, seen.error
            else:
                reply = await here.chat(model)
                status, error = reply.status_code, reply.json()["error"]
            assert status in (500, 502, 504), (model, status)
            assert error is not None
            assert "request id" in error["message"]
            assert trio.current_time() - started < 15, model
            await here.provider.requests[-1].wait_gone()
        await here.gateway.wait_line("relay", len(cases))
        await here.assert_charged(0)


async def test_stream_that_breaks_after_content_ends_with_an_error_and_is_paid(tmp_path: Path) -> None:
    async with world(tmp_path, env=QUICK, models=MODELS) as here:
        pieces = tuple(f"word{number} " for number in range(20))
        cases = (
            ("m-0", Answer(pieces=pieces, hang_after=6)),
            ("m-1", Answer(pieces=pieces, cut_after=6)),
            ("m-2", Answer(pieces=pieces, cut_after=6, reset=True)),
            ("m-3", Answer(pieces=pieces, cut_after=6, close=True)),
            ("m-4", Answer(pieces=pieces[:5], done=False, events=None, tokens=None, cut_after=6)),
        )
        for model, answer in cases:
            here.provider.standing(answer, model=model)
            seen = await here.stream(model)
            assert seen.status == 200, (model, seen)
            assert seen.is_whole, (model, seen.broken)
            assert seen.error is not None, (model, seen)
            assert len(seen.pieces) <= 6
        logs = await here.logs(len(cases))
        assert all(log["completion_tokens"] > 0 for log in logs)
        await here.assert_charged(sum(log["quota"] for log in logs))
        lines = await here.gateway.wait_line("relay", len(cases))
        assert "ok" not in {line["outcome"] for line in lines}


async def test_failed_attempt_moves_on_until_content_has_gone_out(tmp_path: Path) -> None:
    async with world(tmp_path, env=QUICK, options={"RetryTimes": 2}) as here:
        await here.root.add_channel(base_url=here.provider.url, models=[MODEL], name="second")
        await here.root.add_channel(base_url=here.provider.url, models=[MODEL], name="third")
        for bad in (failure(500), Answer(cut_after=-1), Answer(hang_after=1), Answer(cut_after=1)):
            before = len(here.provider.requests)
            here.provider.script(bad)
            seen = await here.stream()
            assert (seen.status, seen.text, seen.is_done) == (200, "Hello from the provider.", True), (bad, seen)
            assert len(here.provider.requests) == before + 2
        before = len(here.provider.requests)
        here.provider.script(Answer(cut_after=3))
        seen = await here.stream()
        assert seen.error is not None
        assert len(here.provider.requests) == before + 1
        await here.logs(5)
        await here.gateway.assert_books_balance()


async def test_total_deadline_ends_a_stream_that_never_ends(tmp_path: Path) -> None:
    async with world(tmp_path, env={"RELAY_TIMEOUT": 1}) as here:
        here.provider.standing(Answer(pieces=("word ",) * 1000, pause_s=0.05))
        started = trio.current_time()
        seen = await here.stream()
        assert 0.8 < trio.current_time() - started < 25
        assert seen.error is not None
        assert seen.is_whole
        assert len(seen.pieces) > 5
        (log,) = await here.logs(1)
        await here.assert_charged(log["quota"])


async def test_heartbeats_keep_a_quiet_stream_awake(tmp_path: Path) -> None:
    async with world(tmp_path, env={"STREAM_HEARTBEAT_SEC": 0.2}) as here:
        here.provider.script(Answer(pieces=("one", "two"), pause_s=0.7))
        body = b""
        request = here.client.build_request(
            "POST",
            "/v1/chat/completions",
            json={"model": MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True},
            headers={"Authorization": f"Bearer {here.key}"},
        )
        answer = await here.client.send(request, stream=True)
        async for data in answer.aiter_raw():
            body += data
        await answer.aclose()
        comments = [line for line in body.split(b"\n") if line.startswith(b":")]
        assert len(comments) >= 3
        assert answer.headers["x-accel-buffering"] == "no"
        assert "no-transform" in answer.headers["cache-control"]
        assert b"[DONE]" in body
