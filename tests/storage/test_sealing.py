"""Secrets of channels are unreadable in the table, and readable for whoever has the operator's secret."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from storage.engines import EngineOptions
from storage.records import Channel
from storage.repositories import channel_secrets, channels
from storage.repositories.channel_lists import WantedChannels, channel_page
from storage.repositories.relay_reads import registry_rows
from storage.repositories.rows import Page, Sort
from storage.sealing import PREFIX, Sealer
from storage.tables import channels as table

if TYPE_CHECKING:
    from storage.database import Database
    from tests.support.engines import FreshDatabase

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32


def _add(database: Database, **values: object) -> int:
    return database.write_sync(lambda conn: channels.add(conn, {"name": "c", "type": 1, "status": 1, **values}))


def _stored(database: Database, number: int) -> tuple[str, str]:
    row = database.read_sync(
        lambda conn: conn.execute(select(table.c.key, table.c.config).filter_by(id=number)).one()
    )
    return row.key, row.config


def _channel(database: Database, number: int) -> Channel:
    found = database.read_sync(lambda conn: channels.by_id(conn, number))
    assert found is not None
    return found


def _options(*secrets: str) -> EngineOptions:
    return EngineOptions(pool_size=3, secrets=secrets)


def test_the_table_holds_neither_key_nor_configuration(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options(NEW))) as database:
        number = _add(database, key="sk-one", config='{"sk":"two"}')
        assert all(text.startswith(PREFIX) for text in _stored(database, number))
        database.write_sync(lambda conn: channels.change(conn, number, {"key": "sk-three", "name": "d"}))
        key, _ = _stored(database, number)
        assert key.startswith(PREFIX)
        assert (_channel(database, number).key, _channel(database, number).config) == ("sk-three", '{"sk":"two"}')


def test_every_way_to_read_channels_opens_them(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options(NEW))) as database:
        _add(database, key="sk-one")
        ways = (
            channels.everything,
            lambda conn: channels.page(conn, Page(), Sort())[0],
            lambda conn: channels.search(conn, "c", Sort(), None)[0],
            lambda conn: channel_page(conn, WantedChannels(), Sort(), Page())[0],
            lambda conn: registry_rows(conn, database.instants).channels,
        )
        for way in ways:
            assert [channel.key for channel in database.read_sync(way)] == ["sk-one"]


def test_what_was_stored_in_plain_text_is_still_read(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options())) as database:
        number = _add(database, key="sk-one", config="")
        assert _stored(database, number)[0] == "sk-one"
    with closing(migrated.open(_options(NEW))) as database:
        assert _channel(database, number).key == "sk-one"


def test_an_old_secret_opens_until_everything_is_sealed_anew(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options(OLD))) as database:
        number = _add(database, key="sk-one")
    with closing(migrated.open(_options(NEW, OLD))) as database:
        assert _channel(database, number).key == "sk-one"
        work = partial(channel_secrets.rewrite, sealer=Sealer([NEW, OLD]), seal=True)
        assert database.write_sync(work) == (1, [])
    with closing(migrated.open(_options(NEW))) as database:
        assert _channel(database, number).key == "sk-one"


def test_what_no_secret_opens_is_told_and_left_alone(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options(OTHER))) as database:
        number = _add(database, key="sk-one")
        before = _stored(database, number)
    with closing(migrated.open(_options(NEW))) as database:
        assert channel_secrets.is_locked(_channel(database, number))
        work = partial(channel_secrets.rewrite, sealer=Sealer([NEW]), seal=False)
        assert database.write_sync(work) == (0, [number])
        assert _stored(database, number) == before


def test_plain_text_can_be_had_back(migrated: FreshDatabase) -> None:
    with closing(migrated.open(_options(NEW))) as database:
        number = _add(database, key="sk-one", config='{"sk":"two"}')
        work = partial(channel_secrets.rewrite, sealer=Sealer([NEW]), seal=False)
        assert database.write_sync(work) == (1, [])
        assert _stored(database, number) == ("sk-one", '{"sk":"two"}')


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    sealer = Sealer([NEW])
    assert sealer.open(sealer.seal(text)) == text


@pytest.mark.parametrize("damage", [lambda text: text[:-4], lambda text: text[:20] + "A" + text[21:]])
def test_a_damaged_secret_stays_sealed(damage: object) -> None:
    sealer = Sealer([NEW])
    broken = damage(sealer.seal("sk-one"))  # type: ignore[operator]
    assert sealer.open(broken) == broken
