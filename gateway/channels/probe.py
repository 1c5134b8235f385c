"""Testing channels: one short question to the provider, through the same transport as relays.

`Prober` is a service, because a test of all channels goes on after the request that asked for it was answered.
A failing or slow channel is switched off and a passing one on again where the operator allows that; whoever was
switched off by hand stays off.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

import trio

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.entries import write_entry
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.audit.author import PROGRAM
from gateway.audit.trail import note
from gateway.channels.balances import update_all_balances
from gateway.channels.edits import read_channel
from gateway.channels.jobs import Jobs
from gateway.channels.key_tests import measured_by_keys, note_outcome
from gateway.channels.question import Outcome, Wish, best_to_test
from gateway.channels.trail import SWITCHED
from gateway.channels.trial import measured, verdict_on
from storage.errors import StorageError
from storage.records import ChannelStatus, LogRow, LogType
from storage.repositories import abilities, channel_tests, channels
from storage.repositories.channel_tests import TestRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from gateway.notify.types import Notifier
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services
    from storage.records import Channel

AT_ONCE = 5
"""Channels that are tested side by side."""
_OFF = (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED)
TOPIC = "tests"
"""On the bus: `stop` ends what runs in the background."""


class Order(Enum):
    """What can be done in the background."""

    TEST_ALL = "test all"
    TEST_DISABLED = "test disabled"
    TEST_SOME = "test some"
    BALANCES = "balances"


class Prober:
    """Tests single channels on request, all of them in the background, and all by interval if that is wanted."""

    name = "channel-prober"

    def __init__(self, services: Services, *, every_s: float = math.inf, notifier: Notifier | None = None) -> None:
        self._services = services
        self._notifier = notifier
        self._every_s = every_s if every_s > 0 else math.inf
        self._asked, self._orders = trio.open_memory_channel[tuple[Order, frozenset[int]]](1)
        self._is_busy = False
        self._is_running = False
        self._round_scope: trio.CancelScope | None = None
        self._ended_at = 0.0
        self.jobs = Jobs(services.bus, services.journal)
        """Other work on channels that goes on after the request for it was answered."""

    async def test(self, channel_id: int, *, model: str = "", wish: Wish | None = None, key_id: int = 0) -> Outcome:
        """Test one channel now and note the outcome. Raises `Refused` when there is no such channel.

        `wish` says more than which model, `key_id` with which of several keys.
        """
        channel = await read_channel(self._services, channel_id)
        return await self._test(channel, wish or Wish(model=model), key_id)

    def begin(self, order: Order, channel_ids: Iterable[int] = ()) -> None:
        """Have `order` carried out in the background. Raises `Refused` while another one is.

        `channel_ids`: which ones, for `TEST_SOME`, and for `BALANCES` where it is not all.
        """
        if not self._is_running:
            raise Refused("background tests are not available in this process")
        if self._is_busy:
            raise Refused("Test is already running")
        try:
            self._asked.send_nowait((order, frozenset(channel_ids)))
        except trio.WouldBlock:
            raise Refused("Test is already running") from None
        self._is_busy = True

    def testable(self, order: Order, channel_ids: Iterable[int] = ()) -> list[int]:
        """Return the channels that `order` would test: those that relays could use if they were on."""
        wanted = frozenset(channel_ids)
        return [
            view.id
            for view in self._services.registry.current.channels.values()
            if view.models
            and (order is not Order.TEST_DISABLED or view.status in _OFF)
            and (order is not Order.TEST_SOME or view.id in wanted)
        ]

    def has_ended(self, since: float) -> bool:
        """Whether this process has carried out what was begun here since a moment (Unix seconds)."""
        return not self._is_busy and self._ended_at >= since

    def stop(self) -> None:
        """Break off what was begun, in whichever process it runs; what is tested already stays noted."""
        self._services.bus.publish(TOPIC, "stop")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Carry out what `begin` asks for, and tests by interval, until cancelled."""
        self._services.bus.subscribe(TOPIC, self._heard)
        async with trio.open_nursery() as nursery:
            await nursery.start(self.jobs.run)
            self._is_running = True
            task_status.started()
            await self._rounds()

    async def _rounds(self) -> None:
        while True:
            order, ids = Order.TEST_ALL, frozenset[int]()
            with trio.move_on_after(self._every_s):
                order, ids = await self._orders.receive()
            self._is_busy = True
            try:
                with trio.CancelScope() as self._round_scope:
                    if order is Order.BALANCES:
                        await update_all_balances(self._services, ids)
                    else:
                        await self._round(order, ids)
                if self._round_scope.cancelled_caught:
                    self._services.journal.event("info", "channel.test", f"stopped as asked to: {order.value}")
            except StorageError as error:
                self._services.journal.event("warning", "channel.test", f"channels could not be tested: {error}")
            finally:
                self._is_busy = False
                self._ended_at = time.time()
                self._round_scope = None

    def _heard(self, message: str) -> None:
        if message == "stop" and self._round_scope is not None:
            self._round_scope.cancel()

    async def aclose(self) -> None:
        """Nothing is owed: a test that is cut short is simply not noted."""

    async def _round(self, order: Order, ids: frozenset[int]) -> None:
        able = frozenset(self.testable(order, ids))
        found = await self._services.database.read(channels.everything)
        wanted = [channel for channel in found if channel.id in able]
        slots = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            for channel in wanted:
                nursery.start_soon(self._test_and_judge, channel, slots)
                if pause_s := self._services.settings.polling_interval:
                    await trio.sleep(pause_s)

    async def _test_and_judge(self, channel: Channel, slots: trio.CapacityLimiter) -> None:
        async with slots:
            try:
                result = await self._test(channel, Wish())
                await self._judge(channel, result)
            except (Refused, StorageError) as error:
                self._services.journal.event("warning", "channel.test", f"{channel.name}#{channel.id}: {error}")

    async def _test(self, channel: Channel, wish: Wish, key_id: int = 0) -> Outcome:
        view = self._services.registry.current.channels.get(channel.id)
        if view is None:
            raise Refused("the channel is not ready: its type is unknown, or it was made a moment ago")
        wish = replace(wish, model=self._model(channel, view, wish.model))
        if key_id:
            using = view.with_key(key_id)
            if using is None:
                raise NotFound(f"the channel has no key {key_id}")
            result = await measured(self._services, using, wish)
            await note_outcome(self._services, using, result)
        else:
            result = await measured_by_keys(self._services, view, wish)
        await self._note(channel, view, result, result.seconds)
        return result

    def _model(self, channel: Channel, view: ChannelView, wanted: str) -> str:
        if not view.models:
            raise Refused("the channel has no models")
        asked = wanted or channel.testing_model or best_to_test(self._services, view)
        return asked if asked in view.models else view.models[0]

    async def _note(self, channel: Channel, view: ChannelView, result: Outcome, seconds: float) -> None:
        outcome = f"succeed，response: {result.text}" if result.passed else f"failed, error: {result.text}"  # noqa: RUF001
        elapsed_ms = int(seconds * 1000)
        entry = LogRow(
            created_at=now_s(),
            updated_at=now_ms(),
            type=LogType.TEST,
            content=f"test channel {channel.name} {outcome}",
            model_name=result.model,
            quota=result.units,
            prompt_tokens=result.prompt_tokens,
            completion_tokens=result.completion_tokens,
            channel_id=channel.id,
            elapsed_time=elapsed_ms,
        )
        kept = TestRow(
            channel_id=channel.id,
            tested_at=now_ms(),
            model=result.model,
            passed=result.passed,
            duration_ms=elapsed_ms,
            first_ms=None if result.first_s is None else int(result.first_s * 1000),
            status=result.status,
            format=result.format,
            is_stream=result.streams,
            prompt_tokens=result.prompt_tokens,
            completion_tokens=result.completion_tokens,
            units=result.units,
            said=result.text,
        )

        def work(conn: Connection) -> None:
            channels.change(
                conn, channel.id, {"test_time": now_s(), "response_time": elapsed_ms, "updated_at": now_ms()}
            )
            write_entry(self._services, conn, entry)
            channel_tests.add(conn, kept)

        await commit(self._services, work)

    async def _judge(self, channel: Channel, result: Outcome) -> None:
        options = self._services.registry.current.options
        verdict = verdict_on(options, result)
        label = f"{channel.name}#{channel.id}"
        if channel.status == ChannelStatus.ENABLED and verdict.is_bad:
            if verdict.disables:
                await self._move(channel, ChannelStatus.AUTO_DISABLED, verdict.why)
                self._report(channel, "channel.disabled", f"{label} is switched off", verdict.why)
            else:
                self._report(channel, "channel.failing", f"{label} fails its test", verdict.why)
        elif (
            channel.status == ChannelStatus.AUTO_DISABLED
            and not verdict.is_bad
            and options.flag("AutomaticEnableChannelEnabled")
        ):
            await self._move(channel, ChannelStatus.ENABLED, "")
            self._services.journal.event(
                "info", "channel.enabled", f"{label} passes its test and is switched on again", channel=channel.id
            )

    def _report(self, channel: Channel, event: str, what: str, why: str) -> None:
        self._services.journal.event("warning", event, f"{what}: {why}", channel=channel.id)
        if self._notifier is not None:
            self._notifier.tell_root(f"channel {what}", f"{what}: {why}")

    async def _move(self, channel: Channel, after: ChannelStatus, why: str) -> None:
        def work(conn: Connection) -> None:
            # Only from the state that was tested: a person may have decided otherwise meanwhile.
            if channels.move(conn, channel.id, before=channel.status, after=after, now_ms=now_ms()):
                abilities.switch(conn, channel.id, enabled=after == ChannelStatus.ENABLED, now_ms=now_ms())
                note(
                    conn,
                    PROGRAM,
                    SWITCHED[after],
                    object_id=channel.id,
                    name=channel.name,
                    changes={"reason": ["", why]} if why else None,
                )

        await commit(self._services, work)
        await self._services.registry.refresh()
