"""Whatever relays, operators and crashes do in whatever order, the books add up and nobody is overcharged.

A plain model of accounts runs beside the real books, and predicts every admission and every balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, update

from storage.ledger_tables import gw_ledger, gw_reaped, gw_reservations
from storage.people_tables import gw_unlimited_users
from storage.repositories.ledger import post
from storage.repositories.ledger_batch import apply
from storage.repositories.ledger_ops import Reap, Verdict
from storage.repositories.ledger_upkeep import fold_ledger
from storage.repositories.users import set_unlimited
from storage.tables import channels, tokens, users
from tests.ledger.support import NOW_MS, Accounts, Books

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from storage.repositories.ledger_ops import Amend, Op, Reserve, Settle

UNITS = st.integers(0, 120)


@dataclass
class Payer:
    """What the model knows of one user with one token."""

    accounts: Accounts
    quota: int
    remain: int | None
    """`None` for an unlimited token."""
    used: int = 0
    requests: int = 0
    token_gone: bool = False
    pays: bool = True
    """An unlimited account does not, and its balance stays what it is."""

    def admits(self, units: int, *, pays: bool) -> Verdict:
        """Say how taking `units` ends, and take them if it works."""
        if pays and self.quota < units:
            return Verdict.USER_SHORT
        if self.token_gone or (self.remain is not None and self.remain < units):
            return Verdict.TOKEN_SHORT
        self.move(-units, pays=pays)
        return Verdict.DONE

    def move(self, units: int, *, pays: bool) -> None:
        if pays:
            self.quota += units
        if self.remain is not None:
            self.remain += units


@dataclass
class Relay:
    """One request: how much it holds, and how it ended."""

    id: str
    payer: Payer
    held: int = 0
    pays: bool = True
    """What the account was when it began."""
    state: str = "new"
    """`refused`, `running`, `settled`, `estimated`, `corrected`."""


class Ledger(RuleBasedStateMachine):
    """Relays of a few payers, in batches of up to four items."""

    books: Books
    relays = Bundle("relays")
    examples = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        self.books.database.write_sync(_empty)
        self.made = 0
        self.payers = [self.payer(300, 200), self.payer(250, None), self.payer(60, 500)]
        self.numbers = 0
        # Items wait here, with what the model expects of each, until they go to the books as one batch.
        self.batch: list[tuple[Op, Verdict]] = []

    def payer(self, quota: int, remain: int | None) -> Payer:
        return Payer(accounts=self.books.accounts(quota, remain), quota=quota, remain=remain)

    def ask(self, op: Op, expected: Verdict) -> None:
        self.batch.append((op, expected))
        if len(self.batch) == 4:
            self.flush()

    @rule()
    def flush(self) -> None:
        if not self.batch:
            return
        ops = [op for op, _ in self.batch]
        got = self.books.database.write_sync(partial(apply, ops=ops, now_ms=NOW_MS))
        assert [outcome.verdict for outcome in got] == [expected for _, expected in self.batch]
        self.batch.clear()

    @rule(target=relays, which=st.integers(0, 2), units=UNITS)
    def reserve(self, which: int, units: int) -> Relay:
        payer = self.payers[which]
        self.made += 1
        relay = Relay(f"x{self.examples}-{self.made}", payer)
        relay.pays = payer.pays
        expected = payer.admits(units, pays=relay.pays)
        if expected is Verdict.DONE:
            relay.held, relay.state = units, "running"
        else:
            relay.state = "refused"
        self.ask(self.reserve_op(relay, units), expected)
        return relay

    def reserve_op(self, relay: Relay, units: int) -> Reserve:
        return relay.payer.accounts.reserve_op(relay.id, units)

    @rule(relay=relays, units=UNITS)
    def amend(self, relay: Relay, units: int) -> None:
        if relay.state != "running":
            expected = Verdict.GONE
        else:
            # A deleted token refuses more units, and lets the relay move to another channel.
            payer = relay.payer
            expected = payer.admits(units, pays=relay.pays) if units else Verdict.DONE
            relay.held += units if expected is Verdict.DONE else 0
        self.numbers += 1
        op: Amend = relay.payer.accounts.amend_op(relay.id, units, self.numbers)
        self.ask(op, expected)
        if expected is Verdict.DONE:
            # An unknown COMMIT makes it come again.
            self.ask(op, Verdict.DONE)

    @rule(relay=relays, units=UNITS, delivered=st.booleans())
    def settle(self, relay: Relay, units: int, delivered: bool) -> None:
        """Settle for the first time, again, or after an estimate."""
        units = units if delivered else 0
        payer = relay.payer
        op: Settle = payer.accounts.settle_op(relay.id, units, delivered=delivered)
        if relay.state == "running":
            payer.move(relay.held - units, pays=relay.pays)
            payer.used += units
            payer.requests += delivered
            relay.state = "settled"
            self.ask(op, Verdict.DONE)
        elif relay.state == "estimated":
            payer.move(relay.held - units, pays=relay.pays)
            payer.used += units - relay.held
            payer.requests -= not delivered
            relay.state = "corrected"
            self.ask(op, Verdict.LATE)
        else:
            self.ask(op, Verdict.REPEATED)

    @rule(relay=relays)
    def reap(self, relay: Relay) -> None:
        accounts = relay.payer.accounts
        op = Reap(request_id=relay.id, replica_id="r", user_id=accounts.user, token_id=accounts.token)
        if relay.state != "running":
            self.ask(op, Verdict.GONE)
            return
        relay.payer.used += relay.held
        relay.payer.requests += 1
        relay.state = "estimated"
        self.ask(op, Verdict.DONE)
        # The reaper works in transactions of its own.
        self.flush()

    @rule(relay=consumes(relays))
    def forget(self, relay: Relay) -> None:
        """Let a relay go on for ever, so that reservations stay open."""

    @rule(which=st.integers(0, 2), units=st.integers(-50, 50))
    def admin_changes_quota(self, which: int, units: int) -> None:
        self.flush()
        payer = self.payers[which]
        payer.quota += units

        def edit(conn: Connection) -> None:
            user = payer.accounts.user
            conn.execute(update(users).where(users.c.id == user).values(quota=users.c.quota + units))
            post(conn, kind="admin", at_ms=NOW_MS, user_id=user, user_units=units)

        self.books.database.write_sync(edit)

    @rule(which=st.integers(0, 2), unlimited=st.booleans())
    def admin_makes_unlimited_or_not(self, which: int, unlimited: bool) -> None:
        """What runs already goes on as it began."""
        self.flush()
        payer = self.payers[which]
        payer.pays = not unlimited
        work = partial(set_unlimited, user_id=payer.accounts.user, unlimited=unlimited, now_ms=NOW_MS)
        self.books.database.write_sync(work)

    @rule(units=st.integers(-50, 50))
    def admin_changes_token(self, units: int) -> None:
        self.flush()
        payer = self.payers[0]
        if payer.token_gone or payer.remain is None:
            return
        payer.remain += units

        def edit(conn: Connection) -> None:
            token = payer.accounts.token
            conn.execute(
                update(tokens).where(tokens.c.id == token).values(remain_quota=tokens.c.remain_quota + units)
            )
            post(conn, kind="admin", at_ms=NOW_MS, token_id=token, token_units=units)

        self.books.database.write_sync(edit)

    @rule()
    def admin_deletes_token(self) -> None:
        self.flush()
        payer = self.payers[2]
        payer.token_gone = True
        self.books.database.write_sync(
            lambda conn: conn.execute(delete(tokens).where(tokens.c.id == payer.accounts.token))
        )

    @rule(limit=st.integers(1, 20))
    def fold(self, limit: int) -> None:
        self.books.database.write_sync(partial(fold_ledger, before_ms=NOW_MS + 1, limit=limit))

    @invariant()
    def books_add_up(self) -> None:
        assert self.books.differences() == []

    def teardown(self) -> None:
        self.flush()
        self.books_add_up()
        for payer in self.payers:
            user = self.books.user(payer.accounts.user)
            assert (user.quota, user.used_quota, user.request_count) == (payer.quota, payer.used, payer.requests)
            assert self.books.channel(payer.accounts.channel).used_quota == payer.used
            if not payer.token_gone:
                token = self.books.token(payer.accounts.token)
                assert token.remain_quota == (-1 if payer.remain is None else payer.remain)
                assert token.used_quota == payer.used


def _empty(conn: Connection) -> None:
    """Clear away the example before, which may have failed in the middle."""
    for table in (gw_unlimited_users, users, tokens, channels, gw_ledger, gw_reaped, gw_reservations):
        conn.execute(delete(table))


@pytest.mark.slow
def test_books_add_up_whatever_happens(books: Books) -> None:
    examples = {"sqlite": 25, "postgresql": 12, "mysql": 12}[books.fresh.engine]
    machine = type("Machine", (Ledger,), {"books": books})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            # Each step is a transaction: shrinking would take minutes.
            phases=[Phase.generate],
        ),
    )
