"""The snapshot that relays read, in a process that starts while another one changes what it reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
import trio
import trio.testing
from sqlalchemy import Connection

from gateway.registry.registry import Registry
from storage.database import Database, Lane
from storage.errors import DatabaseUnavailable
from storage.repositories import channels
from tests.management.conftest import site, sqlite
from tests.management.site import Site

__all__ = ["site", "sqlite"]

T = TypeVar("T")


class SlowDatabase(Database):
    """A database whose first reading ends only after a channel was added elsewhere; it counts readings."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._real = site.services.database
        self.readings = 0
        self.instants = self._real.instants

    async def read(self, work: Callable[[Connection], T], lane: Lane = Lane.CONTROL, *, snapshot: bool = False) -> T:
        self.readings += 1
        is_first = self.readings == 1
        rows = await self._real.read(work, lane, snapshot=snapshot)
        if is_first:
            body = {"name": "late", "type": 1, "key": "sk-late", "models": "gpt-4o-mini"}
            await self._site.root.call("POST", "/api/channel/", json=body)
        return rows


async def until_known(registry: Registry, name: str) -> None:
    with trio.fail_after(30):
        while name not in {channel.name for channel in registry.current.channels.values()}:
            await registry.renewed()


async def test_a_change_during_the_first_reading_is_not_lost(site: Site) -> None:
    starting = site.registry_beside(SlowDatabase(site))
    async with trio.open_nursery() as nursery:
        await nursery.start(starting.run)
        await until_known(starting, "late")
        nursery.cancel_scope.cancel()


async def test_a_change_is_read_once_by_whoever_makes_it_and_by_whoever_hears_of_it(site: Site) -> None:
    database = SlowDatabase(site)
    other = site.registry_beside(database)
    async with trio.open_nursery() as nursery:
        await nursery.start(other.run)
        await until_known(other, "late")
        before = database.readings
        await other.refresh()
        assert database.readings == before + 1
        # Whoever wants to read has begun to by now.
        await trio.testing.wait_all_tasks_blocked()
        assert database.readings == before + 1
        await site.services.registry.refresh()
        await other.renewed()
        assert database.readings == before + 2
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def another_process(site: Site) -> AsyncIterator[Registry]:
    other = site.registry_beside()
    async with trio.open_nursery() as nursery:
        await nursery.start(other.run)
        yield other
        nursery.cancel_scope.cancel()


async def test_a_change_is_heard_of_though_whoever_made_it_left_at_once(site: Site) -> None:
    """A request whose client is gone is cancelled, perhaps between its commit and the reading that follows."""
    services = site.services
    body = {"name": "one", "type": 1, "key": "sk-one", "models": "gpt-4o-mini"}
    await site.root.call("POST", "/api/channel/", json=body)
    async with another_process(site) as other:
        (number,) = other.current.channels
        with trio.CancelScope() as scope:
            await services.database.write(lambda conn: channels.change(conn, number, {"name": "two"}))
            scope.cancel()
            await services.registry.refresh()
        assert scope.cancelled_caught
        with trio.fail_after(30):
            for registry in (services.registry, other):
                while registry.current.channels[number].name != "two":
                    await registry.renewed()


async def test_a_change_is_heard_of_though_it_could_not_be_read_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = site.services
    async with another_process(site) as other:
        heard = trio.Event()
        services.bus.subscribe("registry", lambda _: heard.set())

        async def read(*_: object, **__: object) -> object:
            raise DatabaseUnavailable

        with monkeypatch.context() as away:
            away.setattr(Database, "read", read)
            with pytest.raises(DatabaseUnavailable):
                await services.registry.refresh()
        assert heard.is_set()
        assert other.current is not None
