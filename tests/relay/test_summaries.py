"""Operators get one line for every request that asked for a relay, also for those that were turned away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.relay.harness import Plane, Reply, plane
from tests.relay.views import channel

if TYPE_CHECKING:
    from trio.testing import MockClock

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def _only(p: Plane) -> Any:
    [summary] = p.journal.relays
    return summary


async def test_a_stranger_leaves_a_line_without_a_name(autojump_clock: MockClock) -> None:
    async with plane() as p:
        got = await p.ask(ASK, key="unknown")
        seen = _only(p)
    assert got.status == 401
    assert (seen.status, seen.outcome, seen.user, seen.endpoint) == (401, "refused", "", "chat_completions")
    assert seen.error
    assert seen.request_id == got.headers["x-oneapi-request-id"]


async def test_a_refusal_before_the_reservation_names_user_and_model(autojump_clock: MockClock) -> None:
    async with plane(user_quota=0) as p:
        await p.ask(ASK | {"model": "unknown-model"})
        seen = _only(p)
    assert (seen.status, seen.outcome, seen.user, seen.token_name) == (503, "refused", "ann", "tok")
    assert (seen.model, seen.channel, seen.attempts, seen.units) == ("unknown-model", "", 0, 0)


@pytest.mark.parametrize(("ends", "outcome", "status"), [("well", "ok", 200), ("cut", "upstream_failed", 200)])
async def test_a_proxied_request_leaves_a_line(
    autojump_clock: MockClock, ends: str, outcome: str, status: int
) -> None:
    async with plane(channels=[channel(1, type=43)], role=10) as p:
        p.transport.script.append(Reply(pieces=[b"{}"], ends=ends))
        await p.ask({}, path="/v1/oneapi/proxy/1/v1/files")
        seen = _only(p)
    assert (seen.outcome, seen.status, seen.channel, seen.endpoint) == (outcome, status, "c1#1", "proxy")
