"""The proof finds what was moved by hand, says where, and an operator can accept it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import insert, update

from gateway.ledger.verify import Difference, accept_differences, difference_table, verify
from storage.ledger_tables import gw_ledger, gw_reservations
from storage.repositories.ledger_batch import apply
from storage.tables import channels, tokens, users
from tests.ledger.support import NOW_MS, Books


def test_hand_made_differences_are_found_and_accepted(books: Books) -> None:
    who, other = books.accounts(1000, 500), books.accounts(70)
    books.database.write_sync(partial(apply, ops=[who.reserve_op("a", 100)], now_ms=NOW_MS))
    assert books.differences() == []

    def meddle(conn) -> None:
        conn.execute(update(users).where(users.c.id == who.user).values(quota=users.c.quota + 7))
        conn.execute(update(tokens).where(tokens.c.id == who.token).values(remain_quota=tokens.c.remain_quota - 3))
        conn.execute(update(channels).where(channels.c.id == who.channel).values(used_quota=11))
        # An unlimited token's rest means nothing.
        conn.execute(update(tokens).where(tokens.c.id == other.token).values(remain_quota=12345))

    books.database.write_sync(meddle)
    found = books.database.read_sync(verify)
    assert found == [
        Difference(kind="user", id=who.user, expected=900, found=907, opened=True),
        Difference(kind="token", id=who.token, expected=400, found=397, opened=True),
        Difference(kind="channel", id=who.channel, expected=0, found=11, opened=True),
    ]
    assert [item.difference for item in found] == [7, -3, 11]
    accepted = books.database.write_sync(partial(accept_differences, at_ms=NOW_MS))
    assert accepted == found
    assert books.database.read_sync(verify) == []
    assert sorted(row.kind for row in books.rows(gw_ledger) if row.note) == ["correction"] * 3
    assert books.user(who.user).quota == 907


def test_account_made_by_another_program_is_reported_until_it_is_opened(books: Books) -> None:
    books.database.write_sync(
        lambda conn: conn.execute(
            insert(users), {"username": "stranger", "password": "", "quota": 40, "access_token": "x", "aff_code": "x"}
        )
    )
    [found] = books.database.read_sync(verify)
    assert (found.kind, found.expected, found.found, found.opened) == ("user", 0, 40, False)
    books.database.write_sync(partial(accept_differences, at_ms=NOW_MS))
    assert books.database.read_sync(verify) == []
    assert [row.kind for row in books.rows(gw_ledger)] == ["opening"]


def test_lost_reservation_is_a_difference(books: Books) -> None:
    who = books.accounts(1000, 500)
    books.database.write_sync(partial(apply, ops=[who.reserve_op("a", 100)], now_ms=NOW_MS))
    books.database.write_sync(lambda conn: conn.execute(gw_reservations.delete()))
    assert [(item.kind, item.difference) for item in books.database.read_sync(verify)] == [
        ("user", -100),
        ("token", -100),
    ]


def test_table_names_account_expected_found_and_difference() -> None:
    table = difference_table(
        [
            Difference(kind="user", id=12, expected=1000, found=993, opened=True),
            Difference(kind="channel", id=3, expected=0, found=5, opened=False),
        ]
    )
    assert table.splitlines() == [
        "account    expected  found  difference  remark",
        "user 12        1000    993          -7",
        "channel 3         0      5          +5  no opening row: made outside of this program",
    ]
    assert difference_table([]) == "The ledger adds up: 0 differences."
