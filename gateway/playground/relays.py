"""Relays that pages ask for themselves, by the rules of all others: paid by a token, or over a channel for nothing.

What nobody pays for is an administrator trying a channel out, as a test of the channel does: the same relay plane,
with books that take nothing, a key that is good for one request, and no consequences: whatever fails suspends nobody.
What was asked and what it would have cost is in the log, as an entry of the kind "test".
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import trio

from gateway.accounts.entries import write_entry
from gateway.budgets.ledger import NoBudgets
from gateway.playground.inside import nowhere
from gateway.relay.health import Fate
from gateway.relay.plane import RelayPlane
from gateway.relay.shadow.shadows import Nobody
from gateway.traffic.recorder import Nowhere
from storage.records import LogType, Token
from storage.repositories import traces
from storage.repositories.relay_reads import Account

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.providers.catalogue import Catalogue
    from gateway.ledger.types import Reservation, Settlement
    from gateway.lifecycle_types import AsgiApp, Phase
    from gateway.registry.snapshot import ChannelView
    from gateway.relay.errors import UpstreamFailed
    from gateway.relay.supervisor import RelayDeps
    from gateway.services import Services
    from storage.records import User

NAME = "playground"


@dataclass(slots=True, eq=False)
class FreeRelay:
    """One request without a charge: who serves it, with which key, and what it would have cost once it is over."""

    app: AsgiApp
    key: str = field(repr=False)
    books: _Books

    @property
    def units(self) -> int | None:
        """What it would have cost, `None` while that is not known."""
        return self.books.units


class InsideRelays:
    """Both kinds; one for each application."""

    def __init__(self, services: Services, deps: RelayDeps, *, catalogue: Catalogue, phase: Phase) -> None:
        self._services = services
        self._deps = deps
        self._catalogue = catalogue
        self._phase = phase
        # There is nothing else behind it.
        self.paid: AsgiApp = self._plane(deps)

    def free(self, user: User) -> FreeRelay:
        """Return a relay for one request of `user`, whose role decides whether a channel may be named."""
        # No dash: what follows one is the number of a channel.
        key = secrets.token_hex(24)
        token = Token(id=0, user_id=user.id, key=key, name=NAME, unlimited_quota=True)
        books = _Books(self._services)
        deps = replace(
            self._deps,
            ledger=books,
            accounts=_OneAccount(Account(token=token, user=user)),
            health=_NoConsequences(),
            # Nobody pays for it, so no budget concerns it, and no copy is made of it.
            budgets=NoBudgets(),
            shadows=Nobody(),
            recorder=Nowhere(),
        )
        return FreeRelay(self._plane(deps), key, books)

    def _plane(self, deps: RelayDeps) -> RelayPlane:
        return RelayPlane(nowhere, deps=deps, catalogue=self._catalogue, phase=self._phase, trusted_proxies=())


class _OneAccount:
    """Knows one key."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def by_key(self, key: str) -> Account | None:
        await trio.lowlevel.checkpoint()
        return self._account if secrets.compare_digest(key.encode(), self._account.token.key.encode()) else None

    def forget_token(self, token_id: int) -> None:
        """Nothing is remembered."""

    async def mark_token(self, token_id: int, status: int) -> None:
        """There is no such token."""
        await trio.lowlevel.checkpoint()


class _NoConsequences:
    """Leaves channels as they are."""

    def failed(self, channel: ChannelView, *, group: str, model: str, error: UpstreamFailed) -> Fate:
        return Fate()

    def succeeded(self, channel: ChannelView) -> None:
        """Nothing is counted."""


class _Books:
    """Takes nothing, and writes down what would have been charged."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.units: int | None = None

    async def reserve(self, reservation: Reservation) -> None:
        await trio.lowlevel.checkpoint()

    async def amend(self, request_id: str, *, channel_id: int, add_units: int) -> None:
        await trio.lowlevel.checkpoint()

    async def settle(self, settlement: Settlement) -> None:
        self.units = settlement.units
        log, trace = settlement.log, settlement.trace
        if log is None:
            await trio.lowlevel.checkpoint()
            return
        entry = replace(log, type=LogType.TEST, content=f"playground, not charged: {log.content}", token_name="")

        def work(conn: Connection) -> None:
            write_entry(self._services, conn, entry)
            if trace is not None:
                traces.add(conn, trace)

        await self._services.database.write(work)

    def leave(self, request_id: str) -> None:
        """Nothing was kept."""
