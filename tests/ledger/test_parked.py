"""Settlements that the database refused are written later, once, when the cause is gone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert

from storage.errors import StorageError
from storage.ledger_tables import gw_parked
from storage.repositories.ledger_parked import parked, retry
from storage.tables import logs, traces, user_request_costs
from tests.ledger.support import writing

if TYPE_CHECKING:
    from tests.ledger.support import Books, Notes

NOW_MS = 1_800_000_000_000


async def _parked_beside_its_money(books: Books, notes: Notes) -> None:
    """Park the rows of request q, whose charge of 12 is booked: its trace has the number of another."""
    who = books.accounts(10_000, 10_000)
    books.database.write_sync(
        lambda conn: conn.execute(
            insert(traces), {"trace_id": "t-q", "url": "", "method": "", "status": 0, "body_size": 0}
        )
    )
    async with writing(books.database, notes) as writer:
        await writer.reserve(who.reservation("q", 10))
        await writer.settle(who.settlement("q", 12))


async def _parked_whole(books: Books, notes: Notes) -> None:
    """Park request q, of whose charge nothing is booked."""
    who = books.accounts(10_000, 10_000)
    async with writing(books.database, notes) as writer:
        await writer.reserve(who.reservation("q", 10))
        await writer.settle(who.settlement("q", 2**70))


def _retry(books: Books) -> bool:
    [item] = books.database.read_sync(parked)
    return books.database.write_sync(partial(retry, item=item, now_ms=NOW_MS, outbox=False))


async def test_rows_that_were_refused_are_written_once_their_place_is_free(books: Books, notes: Notes) -> None:
    await _parked_beside_its_money(books, notes)
    books.database.write_sync(lambda conn: conn.execute(delete(traces)))
    assert _retry(books)
    assert [row.quota for row in books.rows(logs)] == [12]
    assert [row.quota for row in books.rows(user_request_costs)] == [12]
    assert books.count(traces) == 1
    assert books.count(gw_parked) == 0
    assert books.differences() == []


async def test_rows_that_are_refused_again_keep_waiting(books: Books, notes: Notes) -> None:
    await _parked_beside_its_money(books, notes)
    with pytest.raises(StorageError):
        _retry(books)
    assert books.count(logs) == 0
    assert books.count(gw_parked) == 1


async def test_what_two_people_retry_is_written_once(books: Books, notes: Notes) -> None:
    await _parked_beside_its_money(books, notes)
    books.database.write_sync(lambda conn: conn.execute(delete(traces)))
    [item] = books.database.read_sync(parked)
    work = partial(retry, item=item, now_ms=NOW_MS, outbox=False)
    assert [books.database.write_sync(work), books.database.write_sync(work)] == [True, False]
    assert books.count(logs) == 1


async def test_charge_that_no_column_holds_is_refused_again(books: Books, notes: Notes) -> None:
    await _parked_whole(books, notes)
    with pytest.raises((StorageError, ValueError, OverflowError)):
        _retry(books)
    assert books.held() == ["q"]
    assert books.count(gw_parked) == 1
    assert books.differences() == []
