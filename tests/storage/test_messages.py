"""Recorded messages on each engine: stored as they are, newest first without gaps, deleted in batches."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from storage.errors import Conflict
from storage.repositories import messages, token_extras, tokens, users
from storage.repositories.messages import StoredMessages
from storage.repositories.relay_reads import account_by_key

if TYPE_CHECKING:
    from storage.database import Database

ROW = StoredMessages(
    request_id="r1", user_id=3, token_id=7, created_at=1_000, format="anthropic", endpoint="messages", status=200,
    request_bytes=5, answer_bytes=9, request_cut=True, whole=False, content=b"\x00\xff" + os.urandom(1_500_000),
)  # fmt: skip


def test_what_is_stored_is_read_as_it_was(database: Database) -> None:
    database.write_sync(partial(messages.add, rows=[ROW, replace(ROW, request_id="r2", user_id=4)]))
    assert database.read_sync(partial(messages.of_request, request_id="r1")) == ROW
    found = database.read_sync(partial(messages.about, request_id="r2"))
    assert found is not None
    assert (found.user_id, found.request_bytes) == (4, 5)
    assert database.read_sync(partial(messages.about, request_id="r3")) is None
    with pytest.raises(Conflict):
        database.write_sync(partial(messages.add, rows=[ROW]))


def test_paging_leaves_nothing_out_where_many_ended_at_once(database: Database) -> None:
    small = replace(ROW, content=b"x")
    rows = [replace(small, request_id=f"r{number:02}", created_at=1_000 + number // 7) for number in range(30)]
    database.write_sync(partial(messages.add, rows=rows))
    seen: list[str] = []
    before = None
    while True:
        found = database.read_sync(
            partial(messages.newest, user_id=3, since_ms=1_001, until_ms=1_004, before=before, limit=4)
        )
        seen += [row.request_id for row in found]
        if len(found) < 4:
            break
        before = found[-1].created_at, found[-1].request_id
    assert seen == [f"r{number:02}" for number in range(27, 6, -1)]
    nobody = partial(messages.newest, user_id=4, since_ms=0, until_ms=0, before=None, limit=4)
    assert database.read_sync(nobody) == []


def test_old_ones_and_somebody_s_are_deleted(database: Database) -> None:
    small = replace(ROW, content=b"x")
    rows = [replace(small, request_id=f"r{number}", created_at=number, user_id=number % 2) for number in range(10)]
    database.write_sync(partial(messages.add, rows=rows))
    old = partial(messages.delete_before, before_ms=5, limit=3)
    assert [database.write_sync(old) for _ in range(3)] == [3, 2, 0]
    assert database.write_sync(partial(messages.remove, request_id="r5"))
    assert not database.write_sync(partial(messages.remove, request_id="r5"))
    database.write_sync(partial(messages.remove_of_user, user_id=0))
    assert database.read_sync(messages.count) == 2


def test_the_relay_reads_the_switch_with_the_account(database: Database) -> None:
    owner = {"username": "ann", "password": "x", "display_name": "Ann", "role": 1, "status": 1, "aff_code": "a1"}
    user_id = database.write_sync(lambda conn: users.add(conn, owner))
    token_id = database.write_sync(
        lambda conn: tokens.add(conn, {"user_id": user_id, "key": "k" * 48, "name": "t", "status": 1})
    )
    for wanted in (None, True, False):
        if wanted is not None:
            database.write_sync(partial(token_extras.set_records, token_id=token_id, records=wanted))
        account = database.read_sync(partial(account_by_key, key="k" * 48))
        assert account is not None
        assert account.records is bool(wanted)
    assert database.read_sync(lambda conn: token_extras.recorded_among(conn, [token_id])) == frozenset()
