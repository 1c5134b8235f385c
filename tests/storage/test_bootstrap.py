"""The first account is made once, with its books open."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from storage.bootstrap import ensure_first_root
from storage.database import Database
from storage.errors import Rejected
from storage.ledger_tables import gw_ledger
from storage.tables import tokens, users
from tests.support.engines import FreshDatabase


def _hash(text: str) -> str:
    return f"hash of {text}"


def test_root_is_made_with_given_tokens_and_an_opening(database: Database) -> None:
    assert ensure_first_root(database, hash_password=_hash, access_token="a" * 32, token_key="first-key")
    user = database.read_sync(lambda c: c.execute(select(users)).one())
    token = database.read_sync(lambda c: c.execute(select(tokens)).one())
    opening = database.read_sync(lambda c: c.execute(select(gw_ledger)).one())
    assert (user.id, user.username, user.password) == (1, "root", "hash of 123456")
    assert (user.role, user.status, user.group) == (100, 1, "default")
    assert (user.quota, user.used_quota, user.request_count) == (500_000_000_000_000, 0, 0)
    assert (user.display_name, user.email, user.aff_code, user.access_token) == ("Root User", "", "", "a" * 32)
    assert (token.id, token.user_id, token.key, token.name) == (1, 1, "first-key", "Initial Root Token")
    assert (token.unlimited_quota, token.expired_time, token.status) == (True, -1, 1)
    assert (opening.kind, opening.user_id, opening.user_units) == ("opening", 1, user.quota)


def test_without_variables_there_is_no_token_and_a_random_access_token(database: Database) -> None:
    ensure_first_root(database, hash_password=_hash)
    access_token = database.read_sync(lambda c: c.execute(select(users.c.access_token)).scalar_one())
    assert len(bytes.fromhex(access_token)) == 16
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(tokens)).scalar()) == 0


def test_second_start_neither_hashes_nor_changes_anything(database: Database) -> None:
    ensure_first_root(database, hash_password=_hash)

    def unexpected(text: str) -> str:
        raise AssertionError(text)

    assert not ensure_first_root(database, hash_password=unexpected, access_token="b" * 32, token_key="other")
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(users)).scalar()) == 1


def test_two_processes_make_one_root(migrated: FreshDatabase, database: Database) -> None:
    """Both see the empty table before either writes."""
    both_looked = threading.Barrier(2, timeout=10)
    results: list[bool] = []

    def start() -> None:
        own = migrated.open()

        def hash_when_both_looked(text: str) -> str:
            both_looked.wait()
            return _hash(text)

        results.append(ensure_first_root(own, hash_password=hash_when_both_looked, token_key="key"))
        own.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [False, True]
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(users)).scalar()) == 1
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(tokens)).scalar()) == 1


def test_tokens_that_do_not_fit_are_named(database: Database) -> None:
    with pytest.raises(Rejected, match="INITIAL_ROOT_TOKEN"):
        ensure_first_root(database, hash_password=_hash, token_key="k" * 49)
    with pytest.raises(Rejected, match="INITIAL_ROOT_ACCESS_TOKEN"):
        ensure_first_root(database, hash_password=_hash, access_token="k" * 33)
