"""How many relays ran in the last minutes, over several processes whose clocks may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.cluster.local import LocalBus
from gateway.cluster.subscriptions import Subscriptions
from gateway.live.flow import SECONDS, Flow
from gateway.relay.running import Running, RunningRelay
from tests.management.site import Notes

if TYPE_CHECKING:
    from trio.testing import MockClock


def relay(user_id: int) -> RunningRelay:
    return RunningRelay(
        request_id=str(user_id), user="ann", started_at=0.0, scope=trio.CancelScope(), user_id=user_id
    )


async def test_each_second_of_the_last_minutes_is_counted_by_user(autojump_clock: MockClock) -> None:
    running = Running()
    flow = Flow(running=running, bus=LocalBus(Subscriptions(Notes())), process="here/0", is_alone=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(flow.run)
        await trio.sleep(2.5)
        with running.entered(relay(1)), running.entered(relay(2)):
            await trio.sleep(2)
        await trio.sleep(1)
        assert await flow.look() == [0, 0, 0, 2, 2, 0]
        assert await flow.look(2) == [0, 0, 0, 1, 1, 0]
        assert await flow.look(3) == [0] * 6
        await trio.sleep(2 * SECONDS)
        assert len(await flow.look()) == SECONDS
        nursery.cancel_scope.cancel()


async def test_processes_are_added_up_by_how_long_ago_it_was(autojump_clock: MockClock) -> None:
    bus, running = LocalBus(Subscriptions(Notes())), Running()
    old, young = (Flow(running=running, bus=bus, process=name, is_alone=False) for name in ("old", "young"))
    old.count()
    with running.entered(relay(1)):
        old.count()
        young.count()
    assert await old.look() == [0, 2]


async def test_a_clock_that_is_wrong_is_told_of(autojump_clock: MockClock) -> None:
    bus = LocalBus(Subscriptions(Notes()))
    mine = Flow(running=Running(), bus=bus, process="mine", is_alone=False, now_s=lambda: 1000.0)
    Flow(running=Running(), bus=bus, process="near", is_alone=False, now_s=lambda: 1001.5)
    Flow(running=Running(), bus=bus, process="ahead", is_alone=False, now_s=lambda: 1007.0)
    assert await mine.skewed() == [("ahead", 7.0)]
