"""Responses that providers keep: found by their owner alone, asked about by one process, and let go in time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from storage.repositories import responses
from storage.repositories.responses import KEPT_MS, StoredResponse, response_key
from tests.support.engines import FreshDatabase

PLAIN = StoredResponse(response_id="resp_1", user_id=3, channel_id=9, model="gpt-5", created_at=1_000)
RUNNING = replace(PLAIN, response_id="resp_2", ask_at=5_000, pending="{}")


def test_only_the_owner_finds_a_response(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(partial(responses.put, stored=[PLAIN, RUNNING]))
    assert database.read_sync(partial(responses.find, key=PLAIN.key)) == PLAIN
    assert database.read_sync(partial(responses.find, key=response_key(3, "resp_2"))) == RUNNING
    assert database.read_sync(partial(responses.find, key=response_key(4, "resp_1"))) is None
    assert database.read_sync(partial(responses.find, key=response_key(3, "RESP_1"))) is None
    database.close()


def test_what_is_stored_again_replaces_what_was_known(migrated: FreshDatabase) -> None:
    database = migrated.open()
    moved = replace(PLAIN, channel_id=10)
    for stored in ([PLAIN], [RUNNING, PLAIN, moved]):
        database.write_sync(partial(responses.put, stored=stored))
    assert database.read_sync(partial(responses.find, key=PLAIN.key)) == moved
    database.write_sync(partial(responses.forget, key=PLAIN.key))
    assert database.read_sync(partial(responses.find, key=PLAIN.key)) is None
    database.close()


def test_one_process_asks_about_a_running_response(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(partial(responses.put, stored=[PLAIN, RUNNING]))
    assert database.read_sync(partial(responses.due, now_ms=4_999, limit=9)) == []
    (found,) = database.read_sync(partial(responses.due, now_ms=5_000, limit=9))
    assert found == RUNNING
    put_off = partial(responses.put_off, stored=found, until_ms=9_000)
    assert [database.write_sync(put_off), database.write_sync(put_off)] == [True, False]
    assert database.read_sync(partial(responses.due, now_ms=8_000, limit=9)) == []
    database.write_sync(partial(responses.charged, key=found.key))
    assert database.read_sync(partial(responses.due, now_ms=99_000, limit=9)) == []
    assert database.read_sync(partial(responses.find, key=found.key)) == replace(RUNNING, ask_at=None, pending="")
    database.close()


def test_old_responses_go_but_never_before_they_are_charged(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(partial(responses.put, stored=[PLAIN, RUNNING]))
    gone_at = PLAIN.created_at + KEPT_MS
    assert database.write_sync(partial(responses.delete_expired, now_ms=gone_at - 1, limit=9)) == 0
    assert database.write_sync(partial(responses.delete_expired, now_ms=gone_at, limit=9)) == 1
    assert database.read_sync(partial(responses.find, key=RUNNING.key)) == RUNNING
    database.close()


def test_very_long_names_are_no_obstacle(migrated: FreshDatabase) -> None:
    database = migrated.open()
    long = replace(PLAIN, response_id="r" * 400, model="m" * 400)
    database.write_sync(partial(responses.put, stored=[long]))
    found = database.read_sync(partial(responses.find, key=long.key))
    assert found is not None
    assert (len(found.response_id), found.channel_id) == (255, 9)
    database.close()
