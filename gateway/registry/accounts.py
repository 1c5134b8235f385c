"""API tokens and their owners, close at hand.

A small cache with explicit invalidation and a short life, so that a relay does not read the database to know
who calls. Money is never decided on it: balances are checked by the ledger's conditional updates.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

import trio

from storage.database import Lane
from storage.repositories import relay_reads

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.cluster.types import Bus
    from storage.database import Database
    from storage.repositories.relay_reads import Account

# How long another program's change to the database (one-api beside us, a person) may stay unseen.
LIFE_S = 10.0
# Each entry weighs about 2 kB; the oldest goes when there are more.
MAX_ENTRIES = 20_000


class Accounts(Protocol):
    """Who calls, as relays ask it. Raises `StorageError`."""

    async def by_key(self, key: str) -> Account | None:
        """Return the token with `key` (without prefix) and its owner, or `None`."""

    def forget_token(self, token_id: int) -> None:
        """Read this token anew."""

    async def mark_token(self, token_id: int, status: int) -> None:
        """Store that a token was found expired or exhausted."""


class AccountCache:
    """Accounts by token key. Implements `Accounts`.

    Unknown keys are not remembered, so a flood of guesses cannot push real ones out.
    """

    def __init__(self, *, database: Database, bus: Bus, life_s: float = LIFE_S) -> None:
        self._database = database
        self._bus = bus
        self._life_s = life_s
        self._entries: dict[str, tuple[Account, float]] = {}
        self._generation = 0
        self.hits = 0
        """Accounts that were known when they were asked for, since the start."""
        self.misses = 0
        bus.subscribe("account", self._heard)
        bus.subscribe("gap", self._heard_gap)

    def __len__(self) -> int:
        return len(self._entries)

    async def by_key(self, key: str) -> Account | None:
        """Return the token with `key` (without prefix) and its owner, or `None`. Raises `DatabaseUnavailable`."""
        entry = self._entries.get(key)
        if entry is not None and entry[1] > trio.current_time():
            self.hits += 1
            return entry[0]
        self.misses += 1
        generation = self._generation
        account = await self._database.read(partial(_account, key), lane=Lane.HOT)
        self._entries.pop(key, None)
        if account is not None and generation == self._generation:
            # A change that was announced while we read may not be in what we read: then do not keep it.
            while len(self._entries) >= MAX_ENTRIES:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = (account, trio.current_time() + self._life_s)
        return account

    def forget_user(self, user_id: int) -> None:
        """Read this user's accounts anew, in every process."""
        # The bus calls our own handler before it returns.
        self._bus.publish("account", f"user:{user_id}")

    def forget_token(self, token_id: int) -> None:
        """Read this token anew, in every process."""
        self._bus.publish("account", f"token:{token_id}")

    async def mark_token(self, token_id: int, status: int) -> None:
        """Store that a token was found expired or exhausted, and forget what we knew of it."""
        await self._database.write(lambda conn: relay_reads.mark_token(conn, token_id, status), lane=Lane.HOT)
        self.forget_token(token_id)

    def _heard_gap(self, _payload: str) -> None:
        """Messages were lost: anything may have changed."""
        self._generation += 1
        self._entries.clear()

    def _heard(self, payload: str) -> None:
        what, _, number = payload.partition(":")
        wanted = int(number)
        self._generation += 1
        gone = [
            key
            for key, (account, _) in self._entries.items()
            if (account.user.id if what == "user" else account.token.id) == wanted
        ]
        for key in gone:
            del self._entries[key]


def _account(key: str, conn: Connection) -> Account | None:
    # Only what is no token's key is looked for among those that tokens had.
    found = relay_reads.account_by_key(conn, key)
    return found or relay_reads.account_by_former_key(conn, key, now_s=int(time.time()))
