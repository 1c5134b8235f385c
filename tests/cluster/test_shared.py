"""What holds for every way to share."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from secrets import token_hex
from typing import TYPE_CHECKING

import pytest
import trio

from tests.cluster.members import Member, local_members, redis_members, worker_members

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Two = tuple[Member, Member]


@pytest.fixture(params=["local", "workers", "redis"])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        if request.param == "local":
            yield await stack.enter_async_context(local_members())
        elif request.param == "workers":
            yield await stack.enter_async_context(worker_members())
        else:
            url = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
            first, second = await stack.enter_async_context(redis_members(url))
            if not first.windows.is_connected and not os.environ.get("CI"):  # type: ignore[attr-defined]
                pytest.skip("no Redis here")
            yield first, second


class TestBus:
    async def test_a_message_reaches_every_member_once_and_in_order(self, two: Two) -> None:
        heard: list[tuple[int, str]] = []
        done = trio.Event()
        members = list(dict.fromkeys([id(member) for member in two]))
        for number, member in enumerate(two[: len(members)]):

            def hear(payload: str, number: int = number) -> None:
                heard.append((number, payload))
                if len(heard) == 20 * len(members):
                    done.set()

            member.bus.subscribe("account", hear)
        two[0].bus.subscribe("other", lambda payload: heard.append((9, payload)))
        for count in range(20):
            two[0].bus.publish("account", f"user:{count} ä")
        assert heard[:20] == [(0, f"user:{count} ä") for count in range(20)], "its own process hears at once"
        with trio.fail_after(5):
            await done.wait()
        assert heard[20:] == [(1, f"user:{count} ä") for count in range(20)][: len(heard) - 20]

    async def test_a_handler_that_fails_harms_nobody(self, two: Two) -> None:
        heard: list[str] = []

        def fail(payload: str) -> None:
            raise ValueError(payload)

        two[0].bus.subscribe("account", fail)
        two[0].bus.subscribe("account", heard.append)
        two[0].bus.publish("account", "user:1")
        assert heard == ["user:1"]
        assert two[0].journal.named("bus.handler_failed")


class TestWindows:
    async def test_so_many_pass_and_no_more_whoever_asks(self, two: Two) -> None:
        key = token_hex(4)
        answers = [await two[count % 2].windows.hit(key, limit=5, window_s=60) for count in range(8)]
        assert answers == [True] * 5 + [False] * 3

    async def test_a_look_counts_nothing(self, two: Two) -> None:
        key = token_hex(4)
        assert all([await two[count % 2].windows.has_room(key, limit=2, window_s=60) for count in range(4)])
        assert await two[0].windows.hit(key, limit=2, window_s=60)
        assert await two[1].windows.has_room(key, limit=2, window_s=60)
        assert await two[1].windows.hit(key, limit=2, window_s=60)
        assert not await two[0].windows.has_room(key, limit=2, window_s=60)
        assert await two[0].windows.has_room(key, limit=0, window_s=60)

    async def test_keys_do_not_touch_each_other(self, two: Two) -> None:
        one, other = token_hex(4), token_hex(4)
        assert await two[0].windows.hit(one, limit=1, window_s=60)
        assert await two[0].windows.hit(other, limit=1, window_s=60)
        assert not await two[0].windows.hit(one, limit=1, window_s=60)

    async def test_the_window_slides(self, two: Two) -> None:
        """The oldest event makes room for exactly one."""
        key = token_hex(4)
        hits = two[0].windows
        assert await hits.hit(key, limit=2, window_s=0.2)
        await trio.sleep(0.12)
        assert await hits.hit(key, limit=2, window_s=0.2)
        assert not await hits.hit(key, limit=2, window_s=0.2)
        await trio.sleep(0.1)
        assert await hits.hit(key, limit=2, window_s=0.2)
        assert not await hits.hit(key, limit=2, window_s=0.2)

    async def test_refused_events_do_not_count(self, two: Two) -> None:
        key = token_hex(4)
        assert await two[0].windows.hit(key, limit=1, window_s=0.1)
        for _ in range(3):
            await two[0].windows.hit(key, limit=1, window_s=0.1)
        await trio.sleep(0.11)
        assert await two[0].windows.hit(key, limit=1, window_s=0.1)

    @pytest.mark.parametrize("limit", [0, -1])
    async def test_no_limit_always_allows(self, two: Two, limit: int) -> None:
        assert all([await two[0].windows.hit("k", limit=limit, window_s=60) for _ in range(3)])

    async def test_a_limit_that_changes_holds_at_once(self, two: Two) -> None:
        key = token_hex(4)
        hits = two[0].windows
        assert [await hits.hit(key, limit=3, window_s=60) for _ in range(4)] == [True, True, True, False]
        assert not await hits.hit(key, limit=2, window_s=60)
        assert await hits.hit(key, limit=4, window_s=60)
        assert not await hits.hit(key, limit=4, window_s=60)

    async def test_at_once_no_more_pass_than_may(self, two: Two) -> None:
        key = token_hex(4)
        answers: list[bool] = []

        async def hit(member: Member) -> None:
            answers.append(await member.windows.hit(key, limit=7, window_s=60))

        async with trio.open_nursery() as nursery:
            for count in range(40):
                nursery.start_soon(hit, two[count % 2])
        assert answers.count(True) == 7
        for member in two:
            assert not member.journal.named("cluster.degraded")
