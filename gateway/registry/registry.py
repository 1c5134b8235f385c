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
from gateway.registry.options import Options
from gateway.registry.snapshot import Snapshot, make_snapshot
from gateway.registry.suspensions import Suspension, Suspensions
from storage.database import Lane
from storage.errors import StorageError
from storage.repositories import relay_reads

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
        self._reading = trio.Lock()
        self._problems: tuple[str, ...] = ()
        self.suspensions = Suspensions()
        self._current: Snapshot | None = None

    @property
    def current(self) -> Snapshot:
        """The newest snapshot."""
        assert self._current is not None, "the registry service has not started"  # noqa: S101  a wiring bug
        return self._current

    async def refresh(self) -> None:
        """Read everything anew and tell the other processes that it changed."""
        await self._read()
        self._bus.publish("registry", "")

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
        await self._read()
        self._bus.subscribe("registry", self._heard)
        self._bus.subscribe("suspend", self._heard_suspension)
        self._bus.subscribe("resume", self._heard_resumption)
        # Messages were lost: whatever they said is in the database.
        self._bus.subscribe("gap", self._heard)
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
        self._stale.set()

    def _heard_suspension(self, payload: str) -> None:
        self.suspensions.add(msgspec.json.decode(payload, type=Suspension), now=time.time())

    def _heard_resumption(self, payload: str) -> None:
        self.suspensions.forget(int(payload))

    async def _read(self) -> None:
        async with self._reading:
            rows = await self._database.read(
                lambda conn: relay_reads.registry_rows(conn, self._database.instants), lane=Lane.HOT
            )
            snapshot = make_snapshot(rows, options=Options.from_rows(rows.options), catalogue=self._catalogue)
            self._current = snapshot
        now = time.time()
        self.suspensions.replace(
            [
                Suspension(row.group, row.model, row.channel_id, row.suspend_until)
                for row in rows.abilities
                if row.suspend_until > now
            ],
            now=now,
        )
        if snapshot.problems != self._problems:
            self._problems = snapshot.problems
            for problem in snapshot.problems:
                self._journal.event("warning", "registry.problem", problem)
