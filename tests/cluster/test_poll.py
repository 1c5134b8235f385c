"""One question to every process, for every way to share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import trio

from gateway.cluster.poll import GATHER_S, Poll
from tests.cluster.members import Member, local_members, worker_members
from tests.cluster.test_shared import two

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["two"]

Two = tuple[Member, Member]


def says(name: str) -> Callable[[str], str | None]:
    return lambda question: f"{name} heard {question}"


def nothing(_question: str) -> str | None:
    return None


async def test_every_process_answers_once(two: Two) -> None:
    is_alone = two[0] is two[1]
    polls = [
        Poll(member.bus, "colour", says(str(number)), is_alone=is_alone)
        for number, member in enumerate(two[:1] if is_alone else two)
    ]
    for _ in range(3):
        answers = await polls[-1].all("blue?")
        assert sorted(answers.values()) == [f"{number} heard blue?" for number in range(len(polls))]


async def test_kinds_of_questions_do_not_mix(two: Two) -> None:
    is_alone = two[0] is two[1]
    asker = Poll(two[0].bus, "colour", says("a"), is_alone=is_alone)
    Poll(two[1].bus, "taste", says("b"), is_alone=is_alone)
    assert list((await asker.all("?")).values()) == ["a heard ?"]


async def test_the_first_answer_is_enough_and_none_is_an_answer(two: Two) -> None:
    is_alone = two[0] is two[1]
    asker = Poll(two[0].bus, "who", nothing, is_alone=is_alone)
    if not is_alone:
        Poll(two[1].bus, "who", lambda question: "me" if question == "x" else None, is_alone=False)
        assert await asker.first("x", limit_s=5) == "me"
    assert await asker.first("y", limit_s=0.05) is None


async def test_alone_nobody_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with local_members() as (member, _):
        poll = Poll(member.bus, "colour", says("a"), is_alone=True)
        began = trio.current_time()
        assert len(await poll.all("?")) == 1
        assert await Poll(member.bus, "who", nothing, is_alone=True).first("?", limit_s=5) is None
        assert trio.current_time() == began


async def test_one_who_no_longer_answers_is_waited_for_only_for_a_while(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with local_members() as (member, _):
        is_there = True
        poll = Poll(member.bus, "colour", says("a"), is_alone=False)
        Poll(member.bus, "colour", lambda _question: "b" if is_there else None, is_alone=False)
        assert len(await poll.all("?")) == 2
        is_there = False
        began = trio.current_time()
        assert len(await poll.all("?")) == 1
        assert trio.current_time() - began == GATHER_S
        await trio.sleep(11)
        await poll.all("?")
        began = trio.current_time()
        assert len(await poll.all("?")) == 1
        assert trio.current_time() == began


async def test_an_answer_that_comes_late_belongs_to_no_later_question() -> None:
    async with worker_members() as (first, second):
        late: list[str] = []
        done = trio.Event()
        asker = Poll(first.bus, "colour", nothing, is_alone=False)
        second.bus.subscribe("colour.ask", late.append)
        assert await asker.all("1") == {}
        asked, number, question = json.loads(late[0])
        first.bus.subscribe("colour.answer", lambda _payload: done.set())
        second.bus.publish("colour.answer", json.dumps([asked, number, "other", question]))
        with trio.fail_after(5):
            await done.wait()
        # Who was late is known from now on, and waited for.
        assert await asker.all("2") == {}
        second.bus.subscribe(
            "colour.ask", lambda ask: second.bus.publish("colour.answer", ask.replace('"3"', '"other","b"'))
        )
        assert await asker.all("3") == {"other": "b"}
