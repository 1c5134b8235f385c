"""The service that keeps the snapshot fresh.

Re-read at start, after every edit on this process, when the bus says that another process edited, and every
`SYNC_FREQUENCY` seconds in case a message was lost or a person changed the database by hand.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec
import trio

from gateway.audit.author import PROGRAM
from gateway.audit.trail import note
from gateway.registry.key_states import KeyFailure, KeyStates
from gateway.registry.options import Options
from gateway.registry.snapshot import Snapshot, make_snapshot
from gateway.registry.suspensions import Suspension, Suspensions
from storage.database import Lane
from storage.errors import StorageError
from storage.repositories import channel_keys, relay_reads

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.providers.catalogue import Catalogue
    from gateway.cluster.types import Bus
    from gateway.observe.types import Journal
    from storage.database import Database


class Registry:
    """Owner of the current snapshot and of suspensions. `current` may be read at any time after `run` is ready."""

    name = "registry"

    def __init__(
        self, *, database: Database, catalogue: Catalogue, bus: Bus, journal: Journal, every_s: float
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._bus = bus
        self._journal = journal
        self._every_s = every_s if every_s > 0 else math.inf
        self._stale = trio.Event()
        self._fresh = trio.Event()
        self._reading = trio.Lock()
        self._is_telling = False
        self._problems: tuple[str, ...] = ()
        self.suspensions = Suspensions()
        self.keys = KeyStates()
        self._current: Snapshot | None = None

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""
        assert self._current is not None, "the registry service has not started"  # noqa: S101  a wiring bug
        return self._current

    async def refresh(self) -> None:
        """Read everything anew and tell the other processes that it changed.

        Cancelled, or if the reading fails: the others are told all the same, and `run` reads it here.
        """
        has_read = False
        try:
            await self._read()
            has_read = True
        finally:
            # What changed is committed already. A browser that is closed then cancels whoever made the change.
            # This process hears itself before `publish` returns, and needs to only if it has not read.
            self._is_telling = has_read
            self._bus.publish("registry", "")
            self._is_telling = False

    async def renewed(self) -> None:
        """Return once there is another snapshot than now, for whoever acts by what options say. Has no time limit."""
        await self._fresh.wait()

    async def suspend(self, suspension: Suspension) -> None:
        """Leave a channel alone for a while, here at once, in other processes by message, over restarts by row."""
        self.suspensions.add(suspension, now=time.time())
        self._bus.publish("suspend", msgspec.json.encode(suspension).decode())
        await self._database.write(
            lambda conn: relay_reads.suspend_ability(
                conn,
                self._database.instants,
                group=suspension.group,
                model=suspension.model,
                channel_id=suspension.channel_id,
                until=suspension.until,
            ),
            lane=Lane.HOT,
        )

    def resume(self, channel_id: int) -> None:
        """Have a channel tried again at once, in every process; its rows are the caller's to change."""
        self.suspensions.forget(channel_id)
        self._bus.publish("resume", str(channel_id))

    async def fail_key(self, failure: KeyFailure) -> bool:
        """Have a key rest, or leave it out: here at once, in other processes by message, over restarts by row.

        Returns whether it is bad from now on, and was not before.
        """
        self.keys.add(failure, now=time.time())
        self._bus.publish("key", msgspec.json.encode(failure).decode())
        view = self.current.channels.get(failure.channel_id)
        keyed = view.with_key(failure.key_id) if view is not None else None

        def work(conn: Connection) -> bool:
            is_new = channel_keys.note_failure(
                conn,
                failure.key_id,
                at_ms=time.time_ns() // 1_000_000,
                status=failure.status,
                error=failure.error,
                model=failure.model,
                until=failure.until,
                bad=failure.bad,
            )
            if is_new:
                changes = {"key": ["", keyed.key_name if keyed is not None else ""], "reason": ["", failure.error]}
                name = view.name if view is not None else ""
                note(conn, PROGRAM, "channel.key-refused", object_id=failure.channel_id, name=name, changes=changes)
            return is_new

        return await self._database.write(work, lane=Lane.HOT)

    async def use_key(self, channel_id: int, key_id: int) -> None:
        """Use a key again that turned out to work."""
        view = self.current.channels.get(channel_id)
        keyed = view.with_key(key_id) if view is not None else None

        def work(conn: Connection) -> None:
            if view is not None and keyed is not None and channel_keys.clear(conn, key_id):
                changes = {"key": ["", keyed.key_name]}
                note(conn, PROGRAM, "channel.key-works", object_id=channel_id, name=view.name, changes=changes)

        try:
            await self._database.write(work, lane=Lane.HOT)
        finally:
            # After the row: a reading in between would find the key bad and believe it.
            self.clear_key(key_id)

    def clear_key(self, key_id: int) -> None:
        """Have a key used again at once, in every process; its row is the caller's to change."""
        self.keys.forget(key_id)
        self._bus.publish("key-clear", str(key_id))

    async def auto_disable(self, channel_id: int, why: str) -> bool:
        """Switch a channel off because its key or account is at fault; `False` when it was off already."""
        view = self.current.channels.get(channel_id)

        def work(conn: Connection) -> bool:
            if not relay_reads.auto_disable_channel(conn, channel_id):
                return False
            name = view.name if view is not None else ""
            reason = {"reason": ["", why]}
            note(conn, PROGRAM, "channel.auto-disable", object_id=channel_id, name=name, changes=reason)
            return True

        changed = await self._database.write(work, lane=Lane.HOT)
        if changed:
            await self.refresh()
        return changed

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Read, then keep fresh until cancelled. Raises what the first reading raised."""
        # Before the first reading: what another process changes during it would not be heard of otherwise.
        self._bus.subscribe("registry", self._heard)
        self._bus.subscribe("suspend", self._heard_suspension)
        self._bus.subscribe("resume", self._heard_resumption)
        self._bus.subscribe("key", self._heard_key)
        self._bus.subscribe("key-clear", self._heard_clear_key)
        # Messages were lost: whatever they said is in the database.
        self._bus.subscribe("gap", self._heard)
        await self._read()
        task_status.started()
        while True:
            with trio.move_on_after(self._every_s):
                await self._stale.wait()
            self._stale = trio.Event()
            try:
                await self._read()
            except StorageError as error:
                # The old picture goes on serving; relays fail on their own where the database is needed.
                self._journal.event("warning", "registry.stale", f"could not refresh channels: {error}")
                await trio.sleep(1)
                self._stale.set()

    async def aclose(self) -> None:
        """Nothing is owed: suspensions are stored as they are made."""

    def _heard(self, _payload: str) -> None:
        if not self._is_telling:
            self._stale.set()

    def _heard_suspension(self, payload: str) -> None:
        self.suspensions.add(msgspec.json.decode(payload, type=Suspension), now=time.time())

    def _heard_resumption(self, payload: str) -> None:
        self.suspensions.forget(int(payload))

    def _heard_key(self, payload: str) -> None:
        self.keys.add(msgspec.json.decode(payload, type=KeyFailure), now=time.time())

    def _heard_clear_key(self, payload: str) -> None:
        self.keys.forget(int(payload))

    async def _read(self) -> None:
        async with self._reading:
            rows = await self._database.read(
                lambda conn: relay_reads.registry_rows(conn, self._database.instants), lane=Lane.HOT
            )
            snapshot = make_snapshot(rows, options=Options.from_rows(rows.options), catalogue=self._catalogue)
            self._current = snapshot
        self._fresh.set()
        self._fresh = trio.Event()
        now = time.time()
        self.suspensions.replace(
            [
                Suspension(row.group, row.model, row.channel_id, row.suspend_until)
                for row in rows.abilities
                if row.suspend_until > now
            ],
            now=now,
        )
        self.keys.replace(rows.keys, now=now)
        if snapshot.problems != self._problems:
            self._problems = snapshot.problems
            for problem in snapshot.problems:
                self._journal.event("warning", "registry.problem", problem)
