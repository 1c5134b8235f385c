"""Relays that nobody pays for."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.accounts.refusals import NotAllowed
from gateway.budgets.count import Full
from gateway.budgets.ledger import BudgetSpent
from gateway.playground.conversation import Conversation, Turn, write
from gateway.playground.inside import InsideRequest, asked
from gateway.playground.play import Playground
from gateway.playground.relays import InsideRelays
from storage.records import LogType, Role, User
from storage.repositories.budgets import Budget
from tests.management.conftest import site_everywhere
from tests.management.site import Site
from tests.relay.harness import Reply, answer, plane

if TYPE_CHECKING:
    from trio.testing import MockClock

__all__ = ["site_everywhere"]

WRITTEN = write(Conversation(model="m", turns=[Turn(role="user", text="hi")], stream=False), "openai_chat")


def ground(site: Site, p: Any) -> Playground:
    services = site.services
    return Playground(
        services, InsideRelays(services, p.app._deps, catalogue=services.catalogue, phase=services.phase)
    )


async def test_a_channel_answers_and_only_the_log_knows(site_everywhere: Site) -> None:
    site = site_everywhere
    async with plane(role=Role.ADMIN) as p:
        p.transport.script.append(answer("hello"))
        boss = User(id=3, username="ann", role=Role.ADMIN)
        async with ground(site, p).playing_free(WRITTEN, boss, address="192.0.2.7", channel_id=1) as play:
            while await play.next() is not None:
                pass
            outcome = await play.outcome()
        assert (outcome.text, outcome.is_free, outcome.error) == ("hello", True, "")
        assert outcome.units
        assert p.books.settled == []
    rows = await site.root.call("GET", f"/api/log/?type={int(LogType.TEST)}")
    assert [(row["username"], row["quota"]) for row in rows] == [("ann", outcome.units)]
    assert json.dumps(rows).count("not charged") == 1


async def test_a_failure_suspends_nobody(autojump_clock: MockClock) -> None:
    async with plane(role=Role.ADMIN) as p:
        p.transport.script.append(Reply(status=429, pieces=[b'{"error": {"message": "slow down"}}']))
        # Nothing is delivered, so nothing is written down either.
        services = cast("Any", None)
        free = InsideRelays(services, p.app._deps, catalogue=services, phase=p.phase).free(
            User(id=3, username="ann", role=Role.ADMIN)
        )
        request = InsideRequest(path=WRITTEN.path, body=WRITTEN.body, key=f"sk-{free.key}-1", address="192.0.2.7")
        async with asked(free.app, request) as got:
            assert got.status == 429
            while await got.receive_some():
                pass
            await got.over.wait()
        assert p.registry.suspensions.active(time.time()) == []
        assert free.units == 0


class Spent:
    """Budgets of which nothing is left."""

    def check(self, *, user_id: int, token_id: int, group: str, running_units: int | None = None) -> None:
        raise BudgetSpent(
            Full(Budget(id=1, kind="user", subject="3", period="day", hard_units=1), True, 86_400), wait_s=60
        )


async def test_what_nobody_pays_for_asks_no_budget() -> None:
    async with plane(role=Role.ADMIN) as p:
        p.transport.script.append(Reply(status=400, pieces=[b'{"error": {"message": "no"}}']))
        services = cast("Any", None)
        deps = replace(p.app._deps, budgets=Spent())
        free = InsideRelays(services, deps, catalogue=services, phase=p.phase).free(
            User(id=3, username="ann", role=Role.ADMIN)
        )
        with pytest.raises(BudgetSpent):
            deps.budgets.check(user_id=3, token_id=0, group="default")
        request = InsideRequest(path=WRITTEN.path, body=WRITTEN.body, key=f"sk-{free.key}-1", address="192.0.2.7")
        async with asked(free.app, request) as got:
            assert got.status == 400
            while await got.receive_some():
                pass
            await got.over.wait()


async def test_people_of_lower_roles_are_refused(site_everywhere: Site) -> None:
    site = site_everywhere
    async with plane() as p:
        with pytest.raises(NotAllowed):
            async with ground(site, p).playing_free(
                WRITTEN, User(id=3, username="ann", role=Role.USER), address="192.0.2.7", channel_id=1
            ):
                pass
