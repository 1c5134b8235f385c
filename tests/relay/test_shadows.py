"""Copies of requests for shadow tests: nothing of them reaches the client, and nothing of them is charged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from adapters.pricing.usage import Usage
from gateway.relay.meter import Meter
from gateway.relay.shadow import copies
from gateway.relay.shadow.copies import LONGEST_S
from gateway.relay.shadow.copyable import MOST_BYTES
from gateway.relay.shadow.shadows import AT_ONCE
from storage.repositories.shadows import ShadowTest
from tests.relay.harness import DONE, ROLE, STOP, UNREACHABLE, Plane, Reply, answer, delta, plane, refusal, usage
from tests.relay.views import channel, with_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock

    from adapters.transport.types import UpstreamRequest
    from gateway.registry.snapshot import ChannelView

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 100}
# Model "m" has the fallback price: 1.25 units a token, in and out.
LIVE, OTHER = "http://127.0.0.1:1", "http://127.0.0.2:2"


def pair(**changes: Any) -> list[ChannelView]:
    """A channel that answers, and one that is off and gets the copies."""
    other = channel(2, base_url=f"{OTHER}/v1", status=2, **{"groups": (), **changes})
    return [channel(1, base_url=f"{LIVE}/v1"), other]


def test_of(p: Plane, **changes: Any) -> ShadowTest:
    """Begin a test of every request for the model."""
    values = {"id": 1, "model": "m", "channel_id": 2, "per_mille": 1000, "max_units": 10**6, "created_at": 0}
    test = ShadowTest(**(values | changes))
    p.copies.tests[test.id] = test
    p.registry.current = replace(p.registry.current, shadows={"m": (test,)})
    return test


test_of.__test__ = False  # type: ignore[attr-defined]  # a helper


def by_place(live: Callable[[], Reply], other: Callable[[], Reply]) -> Callable[[UpstreamRequest], Reply]:
    return lambda request: live() if request.url.startswith(LIVE) else other()


def asked(p: Plane, place: str) -> list[UpstreamRequest]:
    return [request for request in p.transport.requests if request.url.startswith(place)]


async def settled(p: Plane, count: int = 1) -> None:
    with trio.fail_after(LONGEST_S + 10):
        while len(p.copies.results) < count:
            await trio.sleep(0.01)


async def test_another_channel_answers_as_well_and_the_client_never_knows(autojump_clock: MockClock) -> None:
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(lambda: answer("live", 10, 5), lambda: answer("shadow", 12, 40))
        got = await p.ask(ASK)
        await settled(p)
    assert b"live" in got.body
    assert b"shadow" not in got.body
    assert p.transport.bodies[0] == p.transport.bodies[1]
    (result,) = p.copies.results
    assert result.passed
    assert (result.prompt_tokens, result.completion_tokens) == (12, 40)
    assert (result.units, result.list_units) == (65, 65)
    assert result.request_id == p.remembered.rows[0].request_id
    # One reservation, one settlement, one line of the log, one request to remember: the original's.
    assert [(one.channel_id, one.units) for one in p.books.settled] == [(1, 19)]
    assert len(p.remembered.rows) == len(p.journal.relays) == 1
    assert p.books.user == 10**9 - 19


async def test_a_slow_copy_holds_up_neither_the_answer_nor_the_next_request(autojump_clock: MockClock) -> None:
    def slow() -> Reply:
        reply = answer("late", 10, 5)
        reply.head_after = 100.0
        return reply

    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(answer, slow)
        began = trio.current_time()
        await p.ask(ASK)
        await p.ask(ASK)
        assert trio.current_time() - began < 1
        await settled(p, 2)
    assert [round(one.duration_ms / 1000) for one in p.copies.results] == [100, 100]


async def test_a_stream_is_copied_to_its_end_with_its_first_content(autojump_clock: MockClock) -> None:
    def stream(text: str, wait_s: float) -> Reply:
        return Reply(pieces=[ROLE, wait_s, delta(text), STOP, usage(10, 5), DONE])

    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(lambda: stream("live", 1.0), lambda: stream("shadow", 3.0))
        got = await p.ask(ASK | {"stream": True})
        assert b"live" in got.body
        await settled(p)
    (result,) = p.copies.results
    assert (result.first_ms, result.completion_tokens) == (3000, 5)


@pytest.mark.parametrize(
    ("failing", "kind", "status"),
    [
        (lambda: refusal(429, "slow down"), "rate_limit", 429),
        (lambda: refusal(401, "no"), "auth", 401),
        (lambda: Reply(pieces=[ROLE, delta("a")], ends="cut"), "cut", 502),
    ],
)
async def test_a_copy_that_fails_is_noted_and_held_against_nobody(
    failing: Callable[[], Reply], kind: str, status: int, autojump_clock: MockClock
) -> None:
    async with plane(channels=pair(), options={"AutomaticDisableChannelEnabled": "true"}) as p:
        test_of(p)
        p.transport.responder = by_place(lambda: Reply(pieces=[delta("a"), STOP, usage(1, 1), DONE]), failing)
        assert (await p.ask(ASK | {"stream": True})).status == 200
        await settled(p)
        assert p.registry.suspensions.active(0) == []
        assert p.registry.disabled == []
    (result,) = p.copies.results
    assert (result.passed, result.kind, result.status) == (False, kind, status)


async def test_a_copy_that_takes_too_long_is_ended(autojump_clock: MockClock) -> None:
    async with plane(channels=pair(), settings={"idle_timeout_sec": 0, "first_content_timeout_sec": 0}) as p:
        test_of(p)
        silent = Reply(pieces=[ROLE], ends="silent")
        p.transport.responder = by_place(lambda: Reply(pieces=[delta("a"), STOP, DONE]), lambda: silent)
        await p.ask(ASK | {"stream": True})
        await settled(p)
        assert silent.closed
    assert [(one.kind, round(one.duration_ms / 1000)) for one in p.copies.results] == [("timeout", LONGEST_S)]


async def test_a_share_of_the_requests_is_copied(autojump_clock: MockClock) -> None:
    async with plane(channels=pair()) as p:
        test_of(p, per_mille=250)
        p.transport.responder = by_place(answer, answer)
        for _ in range(80):
            await p.ask(ASK)
        await trio.testing.wait_all_tasks_blocked()
    assert len(asked(p, LIVE)) == 80
    assert 10 <= len(asked(p, OTHER)) <= 30


@pytest.mark.parametrize(
    "more",
    [
        {"user_group": "vip"},
        {"ended_at": 5},
        {"until_at": 5},
        {"channel_id": 1},
        {"channel_id": 9},
    ],
    ids=["of another group", "ended", "over", "its own channel", "a channel that is gone"],
)
async def test_what_a_test_is_not_for_is_not_copied(more: dict[str, Any], autojump_clock: MockClock) -> None:
    async with plane(channels=pair()) as p:
        test_of(p, **more)
        p.transport.script.append(answer())
        assert (await p.ask(ASK)).status == 200
        await trio.testing.wait_all_tasks_blocked()
    assert len(p.transport.requests) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "m", "input": "a"}),
        ("/v1/chat/completions", ASK | {"user": "x" * MOST_BYTES}),
        ("/v1/chat/completions", ASK | {"tools": [{"type": "web_search"}]}),
        ("/v1/messages", ASK | {"mcp_servers": [{"url": "https://x"}]}),
        ("/v1/responses", {"model": "m", "input": "a", "background": True}),
    ],
    ids=["no chat", "too long", "a tool of the provider", "servers of tools", "background"],
)
async def test_what_would_do_more_than_answer_is_not_copied(
    path: str, body: dict[str, Any], autojump_clock: MockClock
) -> None:
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(lambda: refusal(400), answer)
        await p.ask(body, path=path)
        await trio.testing.wait_all_tasks_blocked()
    assert asked(p, OTHER) == []


async def test_tools_of_the_client_are_copied_since_the_client_carries_them_out(autojump_clock: MockClock) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(answer, answer)
        await p.ask(ASK | {"tools": tools})
        await settled(p)
    assert json.loads(p.transport.bodies[1])["tools"] == tools


async def test_no_provider_keeps_what_comes_of_a_copy(autojump_clock: MockClock) -> None:
    openai = [
        replace(one, type=1, provider=channel(9, type=1).provider, base_url=one.base_url[:-3]) for one in pair()
    ]
    told = {"id": "r", "status": "completed", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1}}
    json_type = ((b"content-type", b"application/json"),)

    def reply() -> Reply:
        return Reply(headers=json_type, pieces=[json.dumps(told).encode()])

    async with plane(channels=openai) as p:
        test_of(p)
        p.transport.responder = by_place(reply, reply)
        await p.ask({"model": "m", "input": "hi"}, path="/v1/responses")
        await settled(p)
    assert ["store" in json.loads(body) for body in p.transport.bodies] == [False, True]
    assert json.loads(p.transport.bodies[1])["store"] is False
    assert len(p.kept.rows) == 1


async def test_so_many_copies_run_at_once_and_others_are_let_go(autojump_clock: MockClock) -> None:
    def slow() -> Reply:
        reply = answer()
        reply.head_after = 50.0
        return reply

    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(answer, slow)
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE + 5):
                nursery.start_soon(p.ask, ASK)
        assert len(asked(p, LIVE)) == AT_ONCE + 5
        await settled(p, AT_ONCE)
        await trio.testing.wait_all_tasks_blocked()
    assert len(asked(p, OTHER)) == AT_ONCE
    assert p.copies.dropped == 5


async def test_copies_end_with_their_number_and_their_cost(autojump_clock: MockClock) -> None:
    async with plane(channels=pair()) as p:
        test_of(p, max_copies=3)
        p.transport.responder = by_place(answer, answer)
        for _ in range(5):
            await p.ask(ASK)
            await trio.testing.wait_all_tasks_blocked()
        assert len(p.copies.results) == 3
        # 100 tokens may be asked for, so that many are held; what is left then is too little for another.
        test_of(p, id=2, max_units=150)
        for _ in range(5):
            await p.ask(ASK)
            await trio.testing.wait_all_tasks_blocked()
    assert [one.test_id for one in p.copies.results] == [1, 1, 1, 2, 2]
    assert p.copies.tests[2].units <= 150


class Uncountable(Meter):
    """A meter for an answer that nobody can count."""

    async def usage(self, prompt_tokens: int) -> Usage:
        raise ValueError(prompt_tokens)


@pytest.mark.parametrize("limit", [{"max_copies": 3}, {"max_units": 150}])
@pytest.mark.parametrize("fault", ["unstored", "uncounted"])
async def test_copies_of_which_nothing_is_written_down_end_all_the_same(
    fault: str, limit: dict[str, int], autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their provider wants its money however they went."""
    if fault == "uncounted":
        monkeypatch.setattr(copies, "Meter", Uncountable)
    async with plane(channels=pair()) as p:
        p.copies.broken = fault == "unstored"
        test_of(p, **limit)
        p.transport.responder = by_place(answer, lambda: answer("shadow", 10, 30))
        for _ in range(8):
            await p.ask(ASK)
            await trio.testing.wait_all_tasks_blocked()
        # One may cost at most 138, and costs 50 where that can be counted.
        most = 1 if "max_units" in limit else 3
        assert len(asked(p, OTHER)) == most
        assert p.copies.results == []


async def test_how_many_were_let_go_is_told_with_the_next_copy_that_is_written_down(
    autojump_clock: MockClock,
) -> None:
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(answer, answer)
        p.copies.broken = True
        p.shadows._dropped[1] = 7
        await p.ask(ASK)
        await trio.testing.wait_all_tasks_blocked()
        p.copies.broken = False
        await p.ask(ASK)
        await settled(p)
    assert p.copies.dropped == 7


async def test_a_stream_that_outgrows_the_limit_is_ended_as_nobodys_failure(autojump_clock: MockClock) -> None:
    ask = {"model": "m", "messages": ASK["messages"], "stream": True, "max_tokens": 10}
    long = [delta("word " * 40) for _ in range(50)]
    async with plane(channels=pair()) as p:
        test_of(p, max_units=200)
        p.transport.responder = by_place(
            lambda: Reply(pieces=[delta("a"), STOP, usage(1, 1), DONE]),
            lambda: Reply(pieces=[*(piece for part in long for piece in (part, 0.1)), STOP, DONE]),
        )
        await p.ask(ask)
        await settled(p)
    (result,) = p.copies.results
    assert (result.passed, result.kind) == (False, "limit")
    assert 0 < result.completion_tokens < 400


async def test_copies_end_when_the_process_drains(autojump_clock: MockClock) -> None:
    late = Reply(pieces=[ROLE], ends="silent")
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.responder = by_place(lambda: Reply(pieces=[delta("a"), STOP, usage(1, 1), DONE]), lambda: late)
        await p.ask(ASK | {"stream": True})
        await trio.testing.wait_all_tasks_blocked()
        assert not late.closed
        p.phase.advance("draining")
        await trio.testing.wait_all_tasks_blocked()
        assert late.closed
        # Relays are still served for a while, and none of them is copied.
        await p.ask(ASK | {"stream": True})
    assert len(asked(p, OTHER)) == 1
    assert p.copies.results == []


async def test_a_copy_for_a_provider_of_another_format_is_converted(autojump_clock: MockClock) -> None:
    claude = channel(2, type=14, base_url=OTHER, status=2, groups=())
    told = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "4"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
    async with plane(channels=[channel(1, base_url=f"{LIVE}/v1"), claude]) as p:
        test_of(p)
        p.transport.responder = by_place(
            answer,
            lambda: Reply(headers=((b"content-type", b"application/json"),), pieces=[json.dumps(told).encode()]),
        )
        await p.ask(ASK)
        await settled(p)
    (request,) = asked(p, OTHER)
    assert request.url == f"{OTHER}/v1/messages"
    (result,) = p.copies.results
    assert (result.passed, result.prompt_tokens, result.completion_tokens) == (True, 7, 3)


async def test_copies_use_the_keys_of_their_channel_in_turn(autojump_clock: MockClock) -> None:
    live, other = pair()
    async with plane(channels=[live, with_keys(other, "sk-a", "sk-b")]) as p:
        test_of(p)
        p.transport.responder = by_place(answer, answer)
        for _ in range(2):
            await p.ask(ASK)
            await trio.testing.wait_all_tasks_blocked()
    keys = [dict(request.headers)[b"Authorization"] for request in asked(p, OTHER)]
    assert keys == [b"Bearer sk-a", b"Bearer sk-b"]


async def test_an_original_that_fails_is_compared_all_the_same(autojump_clock: MockClock) -> None:
    async with plane(channels=pair()) as p:
        test_of(p)
        p.transport.script += [UNREACHABLE]
        p.transport.responder = by_place(answer, answer)
        assert (await p.ask(ASK)).status == 502
        await settled(p)
    assert p.copies.results[0].request_id == p.remembered.rows[0].request_id


async def test_whatever_goes_wrong_with_a_copy_the_original_is_answered(autojump_clock: MockClock) -> None:
    live, other = pair()
    async with plane(channels=[live, replace(other, provider=None)]) as p:
        test_of(p)
        p.transport.responder = by_place(answer, answer)
        assert (await p.ask(ASK)).status == 200
    assert [name for name, _ in p.journal.events] == ["shadow.failed"]
    assert len(p.books.settled) == 1


async def test_a_copys_failure_does_not_tell_the_key_that_a_provider_repeats(autojump_clock: MockClock) -> None:
    # Of a shape that nobody would take for a key.
    async with plane(channels=pair(key="first-of-all-aaaa")) as p:
        test_of(p)
        p.transport.responder = by_place(answer, lambda: refusal(401, "not with first-of-all-aaaa"))
        await p.ask(ASK)
        await settled(p)
    (result,) = p.copies.results
    assert result.error == "not with ***"
