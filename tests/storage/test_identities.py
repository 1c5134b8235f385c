"""Accounts by address and by a third party's id: to the letter, whatever the engine takes for equal."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from storage.database import Database
from storage.repositories import identities, reminders
from storage.tables import users


def _add(database: Database, number: int, **values: object) -> None:
    row = {
        "id": number,
        "username": f"user{number}",
        "password": "",
        "aff_code": f"aff{number}",
        "role": 1,
        "status": 1,
    }
    row |= {"access_token": f"{number:032d}", **values}
    database.write_sync(lambda c: c.execute(insert(users).values(row)))


@pytest.mark.parametrize(
    ("stored", "asked", "is_same"),
    [
        ("kim@example.com", "KIM@Example.com", True),
        ("kim@example.com", "\u212aim@example.com", False),
        ("jose@example.com", "josé@example.com", False),
        ("kim@example.com", "kim@example.com ", False),
    ],
)
def test_addresses_are_the_same_but_for_the_case_of_plain_letters(
    database: Database, stored: str, asked: str, is_same: bool
) -> None:
    _add(database, 1, email=stored)
    found = database.read_sync(lambda c: identities.by_address(c, asked))
    assert [user.id for user in found] == ([1] if is_same else [])


def test_ids_of_third_parties_are_compared_to_the_letter(database: Database) -> None:
    _add(database, 1, oidc_id="sub-Ab")
    assert database.read_sync(lambda c: identities.by_foreign_id(c, "oidc_id", "sub-ab")) is None
    _add(database, 2, oidc_id="sub-ab")

    def owner(wanted: str) -> int:
        found = database.read_sync(lambda c: identities.by_foreign_id(c, "oidc_id", wanted))
        assert found is not None
        return found.id

    assert (owner("sub-Ab"), owner("sub-ab")) == (1, 2)
    assert database.read_sync(identities.next_id) == 3


def test_somebody_is_reminded_once_until_they_had_enough(database: Database) -> None:
    def note(moment: int) -> bool:
        return database.write_sync(lambda c: reminders.note(c, 7, now_ms=moment))

    assert [note(1), note(2)] == [True, False]
    database.write_sync(lambda c: reminders.forget(c, [7, 8]))
    assert note(3)
    _add(database, 7, quota=12, email="seven@example.com")
    (balance,) = database.read_sync(lambda c: reminders.balances(c, [7, 8]))
    assert (balance.user_id, balance.quota, balance.email) == (7, 12, "seven@example.com")


def test_the_first_root_with_an_address_is_the_one_to_tell(database: Database) -> None:
    assert database.read_sync(identities.address_of_root) == ""
    _add(database, 1, email="")
    _add(database, 2, email="common@example.com")
    _add(database, 3, email="r@example.com", role=100)
    assert database.read_sync(identities.address_of_root) == "r@example.com"
