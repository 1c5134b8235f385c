"""Jobs are told about until they end, whoever asks, and one that breaks off does not stop the next."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from gateway.accounts.refusals import Refused
from gateway.channels.jobs import Done, Failed, Jobs, Progress
from gateway.cluster.local import LocalBus
from gateway.cluster.subscriptions import Subscriptions
from storage.errors import StorageError
from tests.management.site import Notes


async def test_a_job_is_told_about_while_it_runs_and_when_it_has_ended() -> None:
    jobs, gate = Jobs(LocalBus(Subscriptions(Notes())), Notes()), trio.Event()

    async def work(progress: Progress) -> Done:
        progress(2)
        await gate.wait()
        return Done(changed=[1, 2], failed=[Failed(3, "c", "no")], batch="b")

    with pytest.raises(Refused):
        jobs.begin("change", 4, work)
    async with trio.open_nursery() as nursery:
        await nursery.start(jobs.run)
        name = jobs.begin("change", 4, work)
        await trio.testing.wait_all_tasks_blocked()
        seen = await jobs.look(name)
        assert seen is not None
        assert (seen.done, seen.has_ended) == (2, False)
        gate.set()
        await trio.testing.wait_all_tasks_blocked()
        seen = await jobs.look(name)
        assert seen is not None
        assert (seen.has_ended, seen.changed, seen.failed, seen.told, seen.batch) == (
            True,
            2,
            1,
            [(3, "c", "no")],
            "b",
        )
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("error", [StorageError("gone"), RuntimeError("nobody foresaw this")])
async def test_a_job_that_breaks_off_says_so_and_the_next_is_done(error: Exception) -> None:
    jobs = Jobs(LocalBus(Subscriptions(Notes())), Notes())

    async def broken(progress: Progress) -> Done:
        progress(50)
        raise error

    async def sound(_progress: Progress) -> Done:
        return Done()

    async with trio.open_nursery() as nursery:
        await nursery.start(jobs.run)
        first, second = jobs.begin("delete", 80, broken), jobs.begin("delete", 1, sound)
        await trio.testing.wait_all_tasks_blocked()
        seen = await jobs.look(first)
        assert seen is not None
        assert (seen.has_ended, seen.done, bool(seen.fault)) == (True, 50, True)
        after = await jobs.look(second)
        assert after is not None
        assert (after.has_ended, after.fault) == (True, "")
        nursery.cancel_scope.cancel()


async def test_nobody_knows_of_a_job_that_never_was(autojump_clock: trio.testing.MockClock) -> None:
    assert await Jobs(LocalBus(Subscriptions(Notes())), Notes()).look("unknown") is None
