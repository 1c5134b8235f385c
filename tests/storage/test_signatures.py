"""Kept signatures: found by their key while they last, and let go in time."""

from __future__ import annotations

from functools import partial

from storage.repositories import signatures
from tests.support.engines import FreshDatabase


def test_what_is_kept_is_found_until_it_expires(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(partial(signatures.put, payloads={"a": "one", "b": "two"}, expires_at_ms=1_000))
    find = partial(signatures.find, keys=["a", "b", "c"])
    assert database.read_sync(partial(find, now_ms=999)) == {"a": "one", "b": "two"}
    assert database.read_sync(partial(find, now_ms=1_000)) == {}
    database.close()


def test_what_is_kept_again_lasts_longer(migrated: FreshDatabase) -> None:
    database = migrated.open()
    database.write_sync(partial(signatures.put, payloads={"a": "one", "b": "two"}, expires_at_ms=1_000))
    database.write_sync(partial(signatures.put, payloads={"a": "three"}, expires_at_ms=2_000))
    assert database.read_sync(partial(signatures.find, keys=["a", "b"], now_ms=1_500)) == {"a": "three"}
    database.close()


def test_what_has_expired_is_deleted_in_parts(migrated: FreshDatabase) -> None:
    database = migrated.open()
    for number in range(5):
        database.write_sync(partial(signatures.put, payloads={str(number): "x"}, expires_at_ms=number))
    delete = partial(signatures.delete_expired, now_ms=3, limit=3)
    assert [database.write_sync(delete) for _ in range(3)] == [3, 1, 0]
    assert database.read_sync(partial(signatures.find, keys=["4"], now_ms=0)) == {"4": "x"}
    database.close()


def test_a_payload_may_be_long(migrated: FreshDatabase) -> None:
    database = migrated.open()
    long = "é" * 300_000
    database.write_sync(partial(signatures.put, payloads={"a": long}, expires_at_ms=9))
    assert database.read_sync(partial(signatures.find, keys=["a"], now_ms=0)) == {"a": long}
    database.close()
