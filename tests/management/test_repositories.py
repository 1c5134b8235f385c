"""What repositories promise beyond plain reading and writing, on each engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
import trio
from sqlalchemy import Connection, insert, select

from gateway.accounts.transactions import commit
from storage.database import Database
from storage.errors import Retryable
from storage.ledger_tables import gw_outbox
from storage.records import LogRow
from storage.repositories import logs, options, rows, security, users
from storage.repositories.ledger_rows import outbox_log
from storage.repositories.rows import Page, Sort
from storage.tables import options as options_table
from storage.tables import redemptions as redemptions_table
from storage.tables import users as users_table

if TYPE_CHECKING:
    from gateway.services import Services


async def test_an_insert_that_came_too_late_leaves_the_transaction_alive(database: Database) -> None:
    def work(conn: Connection) -> list[bool]:
        fresh = insert(options_table).values(key="k", value="v")
        stored = [rows.insert_unless_there(conn, fresh), rows.insert_unless_there(conn, fresh)]
        options.put(conn, "k", "w", now_ms=1)
        return stored

    assert await database.write(work) == [True, False]
    assert await database.read(options.everything) == {"k": "w"}


async def test_an_option_put_twice_at_once_is_stored_once(database: Database) -> None:
    services = cast("Services", SimpleNamespace(database=database))

    async def put(value: str) -> None:
        # On MySQL the gap locks of two of them may well be a deadlock.
        await commit(services, lambda conn: options.put(conn, "k", value, now_ms=1))

    async with trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(put, str(number))
    stored = await database.read(options.everything)
    assert stored["k"] in "0123"


async def test_each_end_of_sessions_gives_a_new_version(database: Database) -> None:
    assert await database.read(lambda conn: security.session_version(conn, 7)) == 0
    versions = [await database.write(lambda conn: security.end_sessions(conn, 7, now_ms=1)) for _ in range(3)]
    assert versions == [1, 2, 3]
    assert await database.read(lambda conn: security.session_version(conn, 8)) == 0


async def test_nulls_of_older_rows_read_as_defaults_and_padding_is_gone(database: Database) -> None:
    def work(conn: Connection) -> None:
        conn.execute(insert(users_table).values(username="old", password="x", access_token="short"))
        conn.execute(insert(redemptions_table).values(key="ab", name="n"))

    await database.write(work)
    user = await database.read(lambda conn: users.by_name(conn, "old"))
    assert user is not None
    assert (user.access_token, user.email, user.totp_secret, user.group) == ("short", "", "", "default")
    assert await database.read(lambda conn: users.by_access_token(conn, "short")) == user


async def test_one_address_of_two_accounts_signs_nobody_in(database: Database) -> None:
    def work(conn: Connection) -> None:
        for name, email in (("a", "one@x.example"), ("b", "two@x.example"), ("c", "two@x.example")):
            values = {"username": name, "password": "x", "email": email, "status": 1}
            conn.execute(insert(users_table).values(**values, access_token=name, aff_code=name))

    await database.write(work)

    def found(conn: Connection) -> list[str]:
        asked = ("one@x.example", "two@x.example", "a", "", "nobody")
        return [user.username if (user := users.by_login(conn, text)) else "" for text in asked]

    assert await database.read(found) == ["a", "", "a", "", ""]


async def test_a_page_far_beyond_the_end_is_empty(database: Database) -> None:
    page = Page(number=2**63 - 1, size=100)
    assert await database.read(lambda conn: users.page(conn, page, Sort())) == ([], 0)


async def test_totals_of_an_empty_table_are_zero(database: Database) -> None:
    totals = await database.read(users.totals)
    assert (totals.quota, totals.accounts, totals.enabled) == (0, 0, 0)


class _Busy:
    """A database that another transaction gets in the way of, a few times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.database = self

    async def write(self, work: object) -> str:
        """Fail `times` times."""
        self.times -= 1
        if self.times >= 0:
            raise Retryable("deadlock")
        return "done"


async def test_a_deadlock_is_tried_again_and_not_for_ever(autojump_clock: object) -> None:
    def work(_: Connection) -> str:
        return "done"

    assert await commit(cast("Services", _Busy(3)), work) == "done"
    with pytest.raises(Retryable):
        await commit(cast("Services", _Busy(4)), work)


async def test_entries_for_another_database_wait_in_the_outbox(database: Database) -> None:
    entry = LogRow(user_id=7, type=1, content="grant", quota=5, created_at=9)
    await database.write(lambda conn: logs.add(conn, entry, elsewhere=True, now_ms=1))

    def work(conn: Connection) -> tuple[int, str]:
        _, total = logs.page(conn, logs.LogFilter(), Sort(), Page())
        return total, conn.execute(select(gw_outbox.c.payload)).scalar_one()

    total, payload = await database.read(work)
    carried = outbox_log(payload)
    assert total == 0
    assert (carried["user_id"], carried["content"], carried["quota"]) == (7, "grant", 5)
