"""Service: makes copies of requests for shadow tests, in tasks that belong to the process and not to the requests.

A relay offers its request and goes on at once. A copy is made only if one of a few workers is free; it ends by its
own deadline, or when the process begins to drain. Where no test runs, relays look at an empty table and nothing else.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from gateway.relay.errors import RelayError
from gateway.relay.prepare import can_serve
from gateway.relay.shadow.copies import Copy
from gateway.relay.shadow.copyable import may_be_copied
from storage.errors import StorageError
from storage.repositories import shadows

if TYPE_CHECKING:
    from random import Random

    from gateway.lifecycle_types import Phase
    from gateway.observe.types import Journal
    from gateway.registry.registry import Registry
    from gateway.relay.shadow.copies import CopyDeps
    from gateway.relay.state import Relay
    from storage.database import Database
    from storage.repositories.shadows import ShadowResult, ShadowTest

AT_ONCE = 8
"""Copies of one process that run side by side; what comes beyond it is not copied."""


class ShadowStore(Protocol):
    """Where it is written down how copies went."""

    async def note(self, result: ShadowResult, *, dropped: int) -> ShadowTest | None:
        """Store how a copy went; see `storage.repositories.shadows.note`. Raises `StorageError`."""


class DatabaseShadows:
    """Results in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, result: ShadowResult, *, dropped: int) -> ShadowTest | None:
        """See `ShadowStore`."""
        return await self._database.write(partial(shadows.note, result=result, dropped=dropped))


class Nobody:
    """Makes no copies."""

    def offer(self, relay: Relay) -> None:
        """See `Shadows`."""


class Shadows:
    """Makes the copies of one process."""

    name = "shadows"

    def __init__(
        self, deps: CopyDeps, *, store: ShadowStore, registry: Registry, phase: Phase, rng: Random, journal: Journal
    ) -> None:
        self._deps = deps
        self._store = store
        self._registry = registry
        self._phase = phase
        self._rng = rng
        self._journal = journal
        # Nothing waits in it: a copy that begins late would be compared with another hour.
        self._send, self._receive = trio.open_memory_channel[Copy](0)
        self._known: dict[int, ShadowTest] = {}
        """Tests as they were when a copy of this process last ended: their totals are everybody's."""
        self._running: Tally[int] = Tally()
        self._held: defaultdict[int, int] = defaultdict(int)
        """Units that running copies of a test may cost."""
        self._dropped: Tally[int] = Tally()
        self._lost: Tally[int] = Tally()
        """Copies that were asked for and that could not be written down; they count here until the process ends."""
        self._lost_units: Tally[int] = Tally()
        """What these cost, or at most may have: a provider wants it all the same."""

    def offer(self, relay: Relay) -> None:
        """Copy the request of `relay` for each test that it is drawn for. Never waits, never fails."""
        now_ms = int(time.time() * 1000)
        for test in relay.snapshot.shadows.get(relay.model, ()):
            if test.user_group in ("", relay.group) and self._rng.random() * 1000 < test.per_mille:
                try:
                    self._begin(test, relay, now_ms)
                except Exception as error:  # noqa: BLE001 - the boundary: the original goes on whatever happens here
                    self._failed(test, error)

    def _begin(self, test: ShadowTest, relay: Relay, now_ms: int) -> None:
        channel = relay.snapshot.channels.get(test.channel_id)
        if channel is None or (relay.channel is not None and relay.channel.id == channel.id):
            return
        if not test.runs(now_ms) or self._phase.draining.is_set():
            return
        try:
            if not (may_be_copied(relay) and can_serve(channel, relay.endpoint, relay.model)):
                return
            channel = self._registry.keys.take_any(channel, relay.model, now=time.time())
            copy = Copy(test, relay, channel, self._deps, self._may_cost)
        except RelayError:
            return
        so_far = self._so_far(test)
        if so_far.ended_at or not self._has(test, copy.most_units):
            return
        if test.max_copies and so_far.copies + self._lost[test.id] + self._running[test.id] >= test.max_copies:
            return
        try:
            self._send.send_nowait(copy)
        except (trio.WouldBlock, trio.ClosedResourceError, trio.BrokenResourceError):
            self._dropped[test.id] += 1
            return
        self._running[test.id] += 1
        self._held[test.id] += copy.most_units

    def _has(self, test: ShadowTest, units: int) -> bool:
        """Whether the test may spend `units` more, beside what its running copies here may cost."""
        spent = self._so_far(test).units + self._lost_units[test.id]
        return spent + self._held[test.id] + units <= test.max_units

    def _may_cost(self, copy: Copy, units: int) -> bool:
        more = units - copy.most_units
        if not self._has(copy.test, more):
            return False
        self._held[copy.test.id] += more
        copy.most_units = units
        return True

    def _so_far(self, test: ShadowTest) -> ShadowTest:
        known = self._known.get(test.id)
        return known if known is not None and known.copies >= test.copies else test

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Make copies until the process drains; those that run then are let go of, and count for nothing."""
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                await nursery.start(self._work)
            task_status.started()
            await self._phase.draining.wait()
            nursery.cancel_scope.cancel()

    async def aclose(self) -> None:
        """Nothing is owed: a copy that is cut short is simply not noted."""
        await self._send.aclose()

    async def _work(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        async for copy in self._receive:
            test = copy.test
            try:
                await self._note(await copy.run())
            except Exception as error:  # noqa: BLE001 - the boundary: a copy may not take the process down
                self._lose(test.id, copy.most_units)
                self._failed(test, error)
            finally:
                self._running[test.id] -= 1
                self._held[test.id] -= copy.most_units

    def _lose(self, test_id: int, units: int) -> None:
        """Count a copy here that the table knows nothing of, perhaps: otherwise the test would never be over."""
        self._lost[test_id] += 1
        self._lost_units[test_id] += units

    def _failed(self, test: ShadowTest, error: Exception) -> None:
        text = f"a copy could not be made: {type(error).__name__}"
        self._journal.event("error", "shadow.failed", text, test=test.id)

    async def _note(self, result: ShadowResult) -> None:
        dropped = self._dropped.pop(result.test_id, 0)
        try:
            test = await self._store.note(result, dropped=dropped)
        except StorageError as error:
            self._dropped[result.test_id] += dropped
            self._lose(result.test_id, result.list_units)
            self._journal.event(
                "warning", "shadow.unstored", f"how a copy went is not known: {error}", test=result.test_id
            )
            return
        if test is None:
            self._known.pop(result.test_id, None)
            return
        self._known[test.id] = test
        if test.ended_at:
            # What cannot be read now the registry reads again by itself.
            with suppress(StorageError):
                await self._registry.refresh()
