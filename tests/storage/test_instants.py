"""Date-times of one-api are read whatever their form, and written so that it reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from storage.database import Database
from storage.dsn import Dialect
from storage.instants import Instants
from storage.tables import abilities

SECONDS = 1795469591.467732


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23 21:33:11.467732276+00:00", SECONDS),
        ("2026-11-24 05:33:11.467732276+08:00", SECONDS),
        ("2026-11-23 16:03:11.467732276-05:30", SECONDS),
        ("2026-11-23T21:33:11.467732276Z", SECONDS),
        ("2026-11-23 21:33:11.467732276 +0000 UTC", SECONDS),
        ("2026-11-23 21:33:11+00:00", 1795469591.0),
        ("2026-11-23 21:33:11", 1795469591.0),
        ("", 0.0),
        ("tomorrow", 0.0),
        ("2026-13-45 99:99:99", 0.0),
    ],
)
def test_sqlite_texts(text: str, seconds: float) -> None:
    assert Instants("sqlite").read(text) == pytest.approx(seconds, abs=1e-6)


def test_sqlite_is_written_in_the_form_that_go_reads() -> None:
    assert Instants("sqlite").write(SECONDS) == "2026-11-23 21:33:11.467732+00:00"


def test_mysql_date_times_are_in_the_zone_of_the_address() -> None:
    instants = Instants("mysql", ZoneInfo("Asia/Shanghai"))
    stored = instants.write(1795469591.5)
    assert stored == datetime(2026, 11, 24, 5, 33, 11, 500000)  # noqa: DTZ001 - the column has no zone
    assert instants.read(stored) == 1795469591.5


def test_mysql_local_is_the_zone_of_this_machine() -> None:
    instants = Instants("mysql", None)
    assert instants.write(1795469591.5) == datetime.fromtimestamp(1795469591.5)  # noqa: DTZ006
    assert instants.read(instants.write(1795469591.5)) == 1795469591.5


def test_zones_of_values_are_heeded() -> None:
    value = datetime(2026, 11, 24, 5, 33, 11, tzinfo=timezone(timedelta(hours=8)))
    assert Instants("postgresql").read(value) == 1795469591.0


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])
def test_null_is_zero_and_zero_is_null(dialect: Dialect) -> None:
    instants = Instants(dialect, UTC)
    assert instants.read(None) == 0.0
    assert instants.write(0) is None


def test_every_engine_gives_back_what_was_written(database: Database) -> None:
    instants = database.instants
    row = {"group": "g", "model": "m", "channel_id": 1, "suspend_until": instants.write(1795469591.467)}
    database.write_sync(lambda connection: connection.execute(insert(abilities), row))
    stored = database.read_sync(lambda connection: connection.execute(select(abilities.c.suspend_until)).scalar())
    assert instants.read(stored) == pytest.approx(1795469591.467, abs=0.001)
