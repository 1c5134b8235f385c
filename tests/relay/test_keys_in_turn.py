"""One channel, several keys: which is used, and what a failure does to it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.relay.tries import MOST_KEYS
from gateway.traffic.facts import read_detail
from tests.relay.harness import Plane, answer, plane, refusal
from tests.relay.views import channel, with_keys

if TYPE_CHECKING:
    from trio.testing import MockClock

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
KEYS = ("sk-first-0000-aaaa", "sk-second-000-bbbb", "sk-third-0000-cccc")
SWITCHES = {"AutomaticDisableChannelEnabled": "true"}


def ring(number: int = 1, *keys: str, priority: int = 0) -> object:
    return with_keys(channel(number, priority=priority), *(keys or KEYS))


def used(p: Plane) -> list[str]:
    """The ends of the keys that the provider saw."""
    found = []
    for request in p.transport.requests:
        (value,) = [value for name, value in request.headers if name.lower() == b"authorization"]
        found.append(value.decode()[-4:])
    return found


async def test_requests_use_the_keys_in_turn(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()]) as p:
        for _ in range(4):
            p.transport.script.append(answer())
            assert (await p.ask(ASK)).status == 200
    assert used(p) == ["aaaa", "bbbb", "cccc", "aaaa"]
    assert [read_detail(row.detail).tries[0].key for row in p.remembered.rows] == ["…aaaa", "…bbbb", "…cccc", "…aaaa"]


async def test_after_a_429_the_next_key_answers_and_the_channel_is_not_suspended(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()]) as p:
        p.transport.script += [refusal(429, "slow down", retry_after="30"), answer(), answer(), answer()]
        assert (await p.ask(ASK)).status == 200
        await p.ask(ASK)
        await p.ask(ASK)
        assert p.registry.suspensions.active(time.time()) == []
        assert not p.registry.keys.is_bad(1)
    assert used(p) == ["aaaa", "bbbb", "cccc", "bbbb"]
    (failure,) = p.registry.failures
    assert (failure.key_id, failure.bad, failure.model) == (1, False, "m")
    # Longer than the provider asked for, if the operator says so: 60 s.
    assert 50 < failure.until - time.time() <= 60
    tries = read_detail(p.remembered.rows[0].detail).tries
    assert [(one.key, round(one.key_rests_s), one.rests_s, one.status) for one in tries] == [
        ("…aaaa", 60, 0.0, 429),
        ("…bbbb", 0, 0.0, 0),
    ]
    assert len(p.books.settled) == 3


async def test_the_channel_is_suspended_when_every_key_rests_and_until_the_first_is_back(
    autojump_clock: MockClock,
) -> None:
    async with plane(channels=[ring()], settings={"channel_suspend_seconds_for_429": 1}) as p:
        p.transport.script += [refusal(429, retry_after=str(seconds)) for seconds in (90, 40, 70)]
        got = await p.ask(ASK)
        assert got.status == 429
        (rest,) = p.registry.suspensions.active(time.time())
        assert 30 < rest.until - time.time() <= 40
    assert used(p) == ["aaaa", "bbbb", "cccc"]
    tries = read_detail(p.remembered.rows[0].detail).tries
    assert [round(one.rests_s) for one in tries] == [0, 0, 40]


async def test_another_channel_answers_when_every_key_rests(autojump_clock: MockClock) -> None:
    channels = [ring(1, *KEYS[:2], priority=1), channel(2)]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p:
        p.transport.script += [refusal(429), refusal(429), answer()]
        assert (await p.ask(ASK)).status == 200
    assert used(p) == ["aaaa", "bbbb", "ream"]
    # Keys are not what money is moved for; channels are.
    assert p.books.amended == [2]
    assert p.books.settled[0].channel_id == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_bad_and_the_channel_stays_on_while_another_is_good(
    status: int, autojump_clock: MockClock
) -> None:
    async with plane(channels=[ring()], options=SWITCHES) as p:
        p.transport.script += [
            refusal(status, "your credit balance is too low: sk-first-0000-aaaa"),
            answer(),
            answer(),
        ]
        assert (await p.ask(ASK)).status == 200
        await p.ask(ASK)
        await trio.testing.wait_all_tasks_blocked()
    assert used(p) == ["aaaa", "bbbb", "cccc"]
    assert p.registry.keys.is_bad(1)
    assert p.registry.disabled == []
    (failure,) = p.registry.failures
    assert (failure.bad, failure.error) == (True, "your credit balance is too low: ***")
    assert "channel.key_refused" in [name for name, _ in p.journal.events]
    assert read_detail(p.remembered.rows[0].detail).tries[0].key_is_bad


async def test_the_channel_goes_off_with_its_last_good_key(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()], options=SWITCHES) as p:
        p.transport.script += [refusal(401)] * 3
        assert (await p.ask(ASK)).status == 401
        await trio.testing.wait_all_tasks_blocked()
        assert p.registry.disabled == [1]
    assert used(p) == ["aaaa", "bbbb", "cccc"]


async def test_a_channel_whose_other_keys_only_rest_does_not_go_off(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring(1, *KEYS[:2])], options=SWITCHES) as p:
        p.transport.script += [refusal(429), refusal(401)]
        assert (await p.ask(ASK)).status == 401
        await trio.testing.wait_all_tasks_blocked()
        assert p.registry.disabled == []
        assert len(p.registry.suspensions.active(time.time())) == 1


async def test_a_bad_key_that_answers_after_all_is_good_again(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring(1, *KEYS[:2])]) as p:
        p.transport.script += [refusal(401), refusal(401)]
        await p.ask(ASK)
        p.registry.suspensions.forget(1)
        p.transport.script.append(answer())
        assert (await p.ask(ASK)).status == 200
        await trio.testing.wait_all_tasks_blocked()
        assert p.registry.used_again == [1]
        assert not p.registry.keys.is_bad(1)
        assert p.registry.keys.is_bad(2)


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_what_is_not_the_keys_fault_tries_no_other_key(status: int, autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()]) as p:
        p.transport.script.append(refusal(status))
        assert (await p.ask(ASK)).status == status
    assert used(p) == ["aaaa"]
    assert p.registry.failures == []


async def test_one_request_tries_so_many_keys_and_no_more(autojump_clock: MockClock) -> None:
    keys = [f"sk-number-{number:04}-{number:04}" for number in range(MOST_KEYS + 4)]
    async with plane(channels=[ring(1, *keys)]) as p:
        p.transport.script += [refusal(429)] * MOST_KEYS
        assert (await p.ask(ASK)).status == 429
        # Others may still answer, so the channel is not suspended.
        assert p.registry.suspensions.active(time.time()) == []
        p.transport.script.append(answer())
        assert (await p.ask(ASK)).status == 200
    assert len(p.transport.requests) == MOST_KEYS + 1


async def test_a_request_that_names_its_channel_gets_its_other_keys(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()], role=10) as p:
        p.transport.script += [refusal(429), answer()]
        assert (await p.ask(ASK, key="k-1")).status == 200
    assert used(p) == ["aaaa", "bbbb"]


async def test_requests_at_once_spread_over_the_keys(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring()]) as p:
        p.transport.script += [answer() for _ in range(30)]
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(p.ask, ASK)
    assert sorted(used(p)) == sorted(["aaaa", "bbbb", "cccc"] * 10)
    assert len(p.books.settled) == 30


async def test_a_storm_of_refusals_marks_the_key_and_serves_everybody(autojump_clock: MockClock) -> None:
    async with plane(channels=[ring(1, *KEYS[:2])]) as p:
        p.transport.responder = lambda request: (
            refusal(401) if b"aaaa" in dict(request.headers)[b"Authorization"] else answer()
        )
        got = []

        async def ask() -> None:
            got.append((await p.ask(ASK)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
    assert got == [200] * 20
    assert {failure.key_id for failure in p.registry.failures} == {1}
    assert [name for name, _ in p.journal.events].count("channel.key_refused") == 1


@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize("key", ["first-of-all-aaaa", "public-part|first-of-all-aaaa"], ids=["one part", "two parts"])
async def test_nobody_is_told_the_key_that_a_provider_repeats(
    status: int, key: str, autojump_clock: MockClock
) -> None:
    # Of a shape that nobody would take for a key.
    secret = "first-of-all-aaaa"
    async with plane(channels=[ring(1, key, key), channel(2, key=key)], options={"RetryTimes": "1"}) as p:
        p.transport.script += [refusal(status, f"not with {secret}") for _ in range(3)]
        got = await p.ask(ASK)
        await trio.testing.wait_all_tasks_blocked()
        assert got.status == status
        told = [got.body.decode(), *(message for _, message in p.journal.events)]
        told += [row.detail + row.error for row in p.remembered.rows]
        assert not any(secret in text for text in told)
