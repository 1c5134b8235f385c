"""Sees to it that every background response is charged, whether its client asks about it or not.

The reservation stays while the response runs. Whoever learns how it ended settles it: a client's own call, or the
settler, which asks the provider at growing intervals. What nobody tells within a day, or any more, is charged as
reserved. A process that stops leaves its reservations to the reaper, which charges the estimate; the settler goes on
asking after the restart, and the difference to the true charge is booked then.
"""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

import trio

from adapters.providers.urls import UrlError
from adapters.transport.types import TransportError
from adapters.wires.exchange import read_all
from gateway.groups import innermost
from gateway.ledger.types import LedgerError
from gateway.relay.head import RequestHead
from gateway.relay.stored import charges
from gateway.relay.stored.asking import ask, keeps_responses
from gateway.relay.stored.calls import StoredCall
from gateway.relay.stored.sighting import sight, used
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.pricing.book import PriceBook
    from adapters.wires.wired import Wires
    from gateway.config.settings import Settings
    from gateway.ledger.types import Ledger, Settlement
    from gateway.observe.types import Journal
    from gateway.registry.registry import Registry
    from gateway.registry.snapshot import Snapshot
    from gateway.relay.stored.book import ResponseBook
    from storage.repositories.responses import StoredResponse

FIRST_ASK_MS = 5_000
LONGEST_PAUSE_MS = 60_000
PATIENCE_MS = 24 * 3600 * 1000
"""Background responses end within minutes or hours; the provider is not asked for ever."""
EVERY_S = 5.0
AT_ONCE = 8
BATCH = 100
ANSWER_S = 60.0
SETTLE_S = 10.0
MOST_BYTES = 256 << 20
_GONE = (404, 410)
_CAME_TO_NOTHING = ("failed", "cancelled")
_NOBODY = RequestHead(method="GET", path="", raw_path="", query=b"", headers={}, address="")


class BackgroundCharges:
    """Settles background responses by what is learnt of them."""

    def __init__(
        self,
        book: ResponseBook,
        *,
        ledger: Ledger,
        prices: PriceBook,
        wires: Wires,
        settings: Settings,
        journal: Journal,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._book = book
        self._ledger = ledger
        self._prices = prices
        self._wires = wires
        self._settings = settings
        self._journal = journal
        self.now_ms = now_ms

    async def learnt(self, stored: StoredResponse, body: bytes) -> bool:
        """Settle `stored` if `body`, its provider's answer, tells that it is over; return whether that was done."""
        sighting = sight(body)
        if sighting is None or sighting.id != stored.response_id or sighting.is_running or not sighting.status:
            return False
        pending = charges.read_pending(stored.pending)
        if pending is None:
            return False
        if (usage := used(body)) is not None:
            await self._settle(stored, charges.used_settlement(pending, usage, self._prices))
        elif sighting.status in _CAME_TO_NOTHING:
            await self._settle(stored, charges.unused_settlement(pending))
        else:
            await self.gone(stored)
        return True

    async def gone(self, stored: StoredResponse) -> None:
        """Settle `stored`, of which the provider tells nothing any more."""
        pending = charges.read_pending(stored.pending)
        if pending is None:
            # Another version of this program wrote it. Its reservation is charged once the process that has it ends.
            self._journal.event(
                "error",
                "responses.unreadable",
                "a background response is not asked about any more, since nobody can read what it is charged by",
                response=stored.response_id,
                channel=stored.channel_id,
            )
            await self._book.charged(stored)
            return
        self._journal.event(
            "warning",
            "responses.unknown",
            "a background response is charged as reserved, since its provider does not tell what it used",
            request_id=pending.request_id,
            channel=stored.channel_id,
        )
        await self._settle(stored, charges.unknown_settlement(pending))

    async def look(self, stored: StoredResponse, snapshot: Snapshot) -> None:
        """Ask the provider about `stored`, and settle it if it is over, or if it is too late to learn more."""
        channel = snapshot.channels.get(stored.channel_id)
        channel = channel.with_key(stored.key_id) if channel is not None else None
        if channel is None or not keeps_responses(channel):
            await self.gone(stored)
            return
        status, body = 0, b""
        with trio.move_on_after(ANSWER_S):
            try:
                response = await ask(
                    StoredCall("GET", stored.response_id, ""),
                    channel,
                    stored.model,
                    _NOBODY,
                    wires=self._wires,
                    settings=self._settings,
                )
                try:
                    body = await read_all(response, most=MOST_BYTES)
                    status = response.status
                finally:
                    await response.aclose()
            except (TransportError, UrlError):
                status = 0
        if status == 200 and await self.learnt(stored, body):
            return
        if status in _GONE or self.now_ms() - stored.created_at > PATIENCE_MS:
            await self.gone(stored)

    async def _settle(self, stored: StoredResponse, settlement: Settlement) -> None:
        try:
            with trio.fail_after(SETTLE_S):
                await self._ledger.settle(settlement)
                await self._book.charged(stored)
        except (LedgerError, StorageError, trio.TooSlowError):
            # The ledger has it, or the next look settles it again, which the books take once.
            self._journal.event(
                "warning",
                "responses.unsettled",
                "a background response is not settled yet",
                request_id=settlement.request_id,
            )


class Settler:
    """Service: asks about background responses of all processes, one process at a time for each."""

    name = "background-responses"

    def __init__(
        self, book: ResponseBook, charges_: BackgroundCharges, *, registry: Registry, journal: Journal
    ) -> None:
        self._book = book
        self._charges = charges_
        self._registry = registry
        self._journal = journal

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask about what is due until cancelled."""
        task_status.started()
        failing = False
        while True:
            await trio.sleep(EVERY_S)
            try:
                await self.round()
                failing = False
            except* StorageError as errors:
                # From inside a nursery it comes wrapped.
                if not failing:
                    first = innermost(errors)
                    self._journal.event("warning", "responses.failing", f"background responses wait: {first}")
                failing = True

    async def aclose(self) -> None:
        """Nothing is owed: what is not charged now is asked about after the next start."""

    async def round(self) -> None:
        """Ask once about each response that is due. Raises `StorageError`, alone or in a group."""
        now_ms = self._charges.now_ms()
        limiter = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            for stored in await self._book.store.due(now_ms=now_ms, limit=BATCH):
                pause_ms = min(max((now_ms - stored.created_at) // 4, FIRST_ASK_MS), LONGEST_PAUSE_MS)
                # Whoever puts it off asks; a process that dies meanwhile leaves it to the next turn.
                if await self._book.store.put_off(stored, until_ms=now_ms + pause_ms):
                    nursery.start_soon(self._look, stored, limiter)

    async def _look(self, stored: StoredResponse, limiter: trio.CapacityLimiter) -> None:
        async with limiter:
            try:
                await self._charges.look(stored, self._registry.current)
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - the boundary: one response must not end the service
                self._journal.event(
                    "error",
                    "responses.failing",
                    f"a background response could not be asked about: {type(error).__name__}",
                    response=stored.response_id,
                    channel=stored.channel_id,
                    traceback="".join(traceback.format_exception(error)),
                )
