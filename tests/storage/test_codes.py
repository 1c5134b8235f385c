"""Mailed codes: good once, for a while, for few guesses, and one transaction at a time has a subject's turn."""

from __future__ import annotations

import threading
import time

from sqlalchemy import Connection, func, select

from storage.account_tables import gw_codes
from storage.repositories import codes
from tests.support.engines import FreshDatabase

SUBJECT = codes.digest("mail", "anna@example.com")
RIGHT = codes.digest("mail", "anna@example.com", "abc123")
WRONG = codes.digest("mail", "anna@example.com", "abc124")


def _store(conn: Connection, *, now_ms: int = 1_000, expires_at: int = 601_000) -> None:
    codes.put(conn, SUBJECT, RIGHT, expires_at=expires_at, now_ms=now_ms)


def test_a_code_is_good_once(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(_store)

    def spend(conn: Connection) -> bool:
        return codes.spend(conn, SUBJECT, RIGHT, now_ms=2_000)

    assert not database.write_sync(lambda c: codes.spend(c, SUBJECT, WRONG, now_ms=2_000))
    assert [database.write_sync(spend), database.write_sync(spend)] == [True, False]
    database.close()


def test_a_code_dies_with_its_time_and_with_the_next_one(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(_store)
    assert not database.write_sync(lambda c: codes.check(c, SUBJECT, RIGHT, most_failures=5, now_ms=601_000))
    newer = codes.digest("mail", "anna@example.com", "zzz999")
    database.write_sync(lambda c: codes.put(c, SUBJECT, newer, expires_at=900_000, now_ms=2_000))
    assert not database.write_sync(lambda c: codes.check(c, SUBJECT, RIGHT, most_failures=5, now_ms=3_000))
    assert database.write_sync(lambda c: codes.check(c, SUBJECT, newer, most_failures=5, now_ms=3_000))
    database.write_sync(lambda c: codes.put(c, "other", "x", expires_at=2_000_000, now_ms=1_000_000))
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(gw_codes)).scalar()) == 1
    database.close()


def test_the_fifth_wrong_guess_makes_a_code_void(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(_store)
    for _ in range(4):
        assert not database.write_sync(lambda c: codes.check(c, SUBJECT, WRONG, most_failures=5, now_ms=2_000))
    assert database.write_sync(lambda c: codes.check(c, SUBJECT, RIGHT, most_failures=5, now_ms=2_000))
    assert not database.write_sync(lambda c: codes.check(c, SUBJECT, WRONG, most_failures=5, now_ms=2_000))
    assert not database.write_sync(lambda c: codes.check(c, SUBJECT, RIGHT, most_failures=5, now_ms=2_000))
    database.close()


def test_turns_for_one_subject_do_not_overlap(migrated: FreshDatabase) -> None:
    first, second = migrated.open(), migrated.open()
    has_turn, order = threading.Event(), []

    def hold(conn: Connection) -> None:
        codes.take_turn(conn, "subject")
        has_turn.set()
        time.sleep(0.1)
        order.append("first")

    def wait(conn: Connection) -> None:
        codes.take_turn(conn, "subject")
        order.append("second")

    thread = threading.Thread(target=lambda: first.write_sync(hold))
    thread.start()
    assert has_turn.wait(5)
    second.write_sync(wait)
    thread.join()
    assert order == ["first", "second"]
    assert first.read_sync(lambda c: c.execute(select(func.count()).select_from(gw_codes)).scalar()) == 0
    first.close()
    second.close()
