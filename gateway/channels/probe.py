"""Testing channels: one short question to the provider, through the same transport as relays.

`Prober` is a service, because a test of all channels goes on after the request that asked for it was answered.
A failing or slow channel is switched off and a passing one on again where the operator allows that; whoever was
switched off by hand stays off.
"""

from __future__ import annotations

import math
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

import trio

from adapters.pricing.charge import charge
from adapters.pricing.usage import Usage
from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.entries import write_entry
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.audit.author import PROGRAM
from gateway.audit.trail import note
from gateway.channels.balances import update_all_balances
from gateway.channels.edits import read_channel
from gateway.channels.question import Outcome, best_to_test
from gateway.channels.trail import SWITCHED
from gateway.channels.trial import measured
from storage.errors import StorageError
from storage.records import ChannelStatus, LogRow, LogType
from storage.repositories import abilities, channels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from gateway.notify.types import Notifier
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services
    from storage.records import Channel

AT_ONCE = 5
"""Channels that are tested side by side."""
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

    async def test(self, channel_id: int, *, model: str = "") -> Outcome:
        """Test one channel now and note the outcome. Raises `Refused` when there is no such channel."""
        channel = await read_channel(self._services, channel_id)
        return await self._test(channel, model)

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

    def stop(self) -> None:
        """Break off what was begun, in whichever process it runs; what is tested already stays noted."""
        self._services.bus.publish(TOPIC, "stop")

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Carry out what `begin` asks for, and tests by interval, until cancelled."""
        self._services.bus.subscribe(TOPIC, self._heard)
        self._is_running = True
        task_status.started()
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
                self._round_scope = None

    def _heard(self, message: str) -> None:
        if message == "stop" and self._round_scope is not None:
            self._round_scope.cancel()

    async def aclose(self) -> None:
        """Nothing is owed: a test that is cut short is simply not noted."""

    async def _round(self, order: Order, ids: frozenset[int]) -> None:
        off = (ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED)
        statuses = off if order is Order.TEST_DISABLED else ()
        wanted = await self._services.database.read(lambda conn: channels.everything(conn, statuses))
        if order is Order.TEST_SOME:
            wanted = [channel for channel in wanted if channel.id in ids]
        slots = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            for channel in wanted:
                nursery.start_soon(self._test_and_judge, channel, slots)
                if pause_s := self._services.settings.polling_interval:
                    await trio.sleep(pause_s)

    async def _test_and_judge(self, channel: Channel, slots: trio.CapacityLimiter) -> None:
        async with slots:
            try:
                result = await self._test(channel, "")
                await self._judge(channel, result)
            except (Refused, StorageError) as error:
                self._services.journal.event("warning", "channel.test", f"{channel.name}#{channel.id}: {error}")

    async def _test(self, channel: Channel, model: str) -> Outcome:
        view = self._services.registry.current.channels.get(channel.id)
        if view is None:
            raise Refused("the channel is not ready: its type is unknown, or it was made a moment ago")
        asked = self._model(channel, view, model)
        result = await measured(self._services, view, asked)
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
            quota=self._cost(view, result),
            prompt_tokens=result.prompt_tokens,
            completion_tokens=result.completion_tokens,
            channel_id=channel.id,
            elapsed_time=elapsed_ms,
        )

        def work(conn: Connection) -> None:
            channels.change(
                conn, channel.id, {"test_time": now_s(), "response_time": elapsed_ms, "updated_at": now_ms()}
            )
            write_entry(self._services, conn, entry)

        await commit(self._services, work)

    def _cost(self, view: ChannelView, result: Outcome) -> int:
        """Return what the provider asks for the test; the channel's own prices are what clients pay."""
        if not result.prompt_tokens and not result.completion_tokens:
            return 0
        price = self._services.catalogue.prices.resolve(view.type, view.upstream_model(result.model))
        usage = Usage(input=result.prompt_tokens, output=result.completion_tokens)
        return charge(price, usage, Decimal(1)).units

    async def _judge(self, channel: Channel, result: Outcome) -> None:
        options = self._services.registry.current.options
        limit_s = float(options.number("ChannelDisableThreshold")) or math.inf
        is_slow = result.passed and result.seconds > limit_s
        label = f"{channel.name}#{channel.id}"
        if channel.status == ChannelStatus.ENABLED and (is_slow or not result.passed):
            why = f"took {result.seconds:.1f} s, the limit is {limit_s:g} s" if is_slow else result.text
            if options.flag("AutomaticDisableChannelEnabled") and (is_slow or result.may_disable):
                await self._move(channel, ChannelStatus.AUTO_DISABLED, why)
                self._report(channel, "channel.disabled", f"{label} is switched off", why)
            else:
                self._report(channel, "channel.failing", f"{label} fails its test", why)
        elif (
            channel.status == ChannelStatus.AUTO_DISABLED
            and result.passed
            and not is_slow
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
