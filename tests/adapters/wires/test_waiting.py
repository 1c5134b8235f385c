"""Tasks are asked for until they are over: stumbles are forgiven, refusals told, and nobody waits for ever."""

from __future__ import annotations

import pytest
import trio

from adapters.transport.types import ConnectFailed, HeadTimeout, ResponseBroken
from adapters.wires.waiting import CANCEL_S, cancel, wait_until_ready
from tests.adapters.wires.asking import Answer, Scripted, request, told

RUNNING, DONE = {"state": "running"}, {"state": "done"}


async def wait(transport: Scripted, *, longest_s: float = 60) -> tuple[int, bytes]:
    answer = await wait_until_ready(
        request(), transport, is_over=lambda value: value.get("state") == "done", every_s=2, longest_s=longest_s
    )
    return answer.status, answer.body


async def test_the_first_answer_that_is_over_comes_back(autojump_clock: trio.testing.MockClock) -> None:
    transport = Scripted([told(RUNNING), told(RUNNING), told(DONE)])
    began_at = trio.current_time()
    assert await wait(transport) == (200, b'{"state": "done"}')
    assert trio.current_time() - began_at == 4


@pytest.mark.parametrize(
    "stumble",
    [told({}, 500), told({}, 429), told({}, 408), ConnectFailed("no"), Answer(pieces=[b"<html>"]),
     Answer(pieces=[b"{", ResponseBroken("cut")])],
    ids=["500", "429", "408", "unreachable", "no JSON", "cut"],
)  # fmt: skip
async def test_a_provider_may_stumble(stumble: Answer | Exception, autojump_clock: trio.testing.MockClock) -> None:
    assert (await wait(Scripted([told(RUNNING), stumble, told(RUNNING), told(DONE)])))[0] == 200


async def test_stumbles_are_counted_in_a_row(autojump_clock: trio.testing.MockClock) -> None:
    script: list[Answer | Exception] = []
    for _ in range(4):
        script += [ConnectFailed("no"), ConnectFailed("no"), told(RUNNING)]
    assert (await wait(Scripted([*script, told(DONE)])))[0] == 200
    with pytest.raises(ResponseBroken):
        await wait(Scripted([ConnectFailed("no") for _ in range(3)]))


async def test_an_error_that_stays_is_the_answer(autojump_clock: trio.testing.MockClock) -> None:
    assert await wait(Scripted([told({"message": "broken"}, 503) for _ in range(3)])) == (
        503,
        b'{"message": "broken"}',
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
async def test_a_refusal_is_the_answer(status: int, autojump_clock: trio.testing.MockClock) -> None:
    assert await wait(Scripted([told(RUNNING), told({"detail": "no"}, status)])) == (status, b'{"detail": "no"}')


async def test_a_task_without_end_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    began_at = trio.current_time()
    with pytest.raises(HeadTimeout):
        await wait(Scripted([told(RUNNING) for _ in range(100)]), longest_s=30)
    assert trio.current_time() - began_at == 30


async def test_cancelling_takes_a_moment_at_most(autojump_clock: trio.testing.MockClock) -> None:
    transport = Scripted([told({})], takes_s=100)
    with trio.CancelScope() as scope:
        scope.cancel()
        began_at = trio.current_time()
        await cancel(request(), transport)
        assert trio.current_time() - began_at == CANCEL_S
    assert len(transport.requests) == 1


async def test_a_provider_that_is_away_cannot_be_told_to_stop() -> None:
    await cancel(request(), Scripted([ConnectFailed("no")]))
