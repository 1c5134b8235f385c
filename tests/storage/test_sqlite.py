"""SQLite as we set it up: write-ahead log, one writer at a time, nothing lost to kill -9."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import cast

import pytest
import trio
from sqlalchemy import Connection, text

from storage.database import Database, Lane
from storage.errors import StorageError

_WRITER = """
import sys
from sqlalchemy import text
from storage.database import Database
database = Database.open("", sqlite_path=sys.argv[1])
for number in range(int(sys.argv[2])):
    database.write_sync(lambda c: c.execute(text("UPDATE balance SET units = units + 1")))
    print(number + 1, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    found = str(tmp_path / "one-api.db")
    database = Database.open("", sqlite_path=found)
    database.write_sync(lambda c: c.execute(text("CREATE TABLE balance (units integer)")))
    database.write_sync(lambda c: c.execute(text("INSERT INTO balance VALUES (0)")))
    database.close()
    return found


def _units(path: str) -> int:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT units FROM balance").fetchone()[0]
    connection.close()
    return cast("int", found)


def _writer(path: str, times: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _WRITER, path, str(times)], stdout=subprocess.PIPE, text=True)


async def test_file_is_in_wal_mode_and_readers_cannot_write(path: str) -> None:
    database = Database.open("", sqlite_path=path)
    pragmas = await database.write(
        lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    )
    assert pragmas == ["wal", 1]
    with pytest.raises(StorageError):
        await database.read(lambda c: c.execute(text("UPDATE balance SET units = 7")))
    database.close()
    assert _units(path) == 0


async def test_reader_does_not_wait_for_the_writer(path: str) -> None:
    database = Database.open("", sqlite_path=path)

    def look(connection: Connection) -> object:
        return connection.execute(text("SELECT units FROM balance")).scalar()

    def write_and_read_beside(connection: Connection) -> object:
        connection.execute(text("UPDATE balance SET units = 5"))
        found: object = trio.from_thread.run(database.read, look)
        return found

    assert await database.write(write_and_read_beside, Lane.LEDGER) == 0
    database.close()
    assert _units(path) == 5


async def test_many_writers_in_one_process_lose_nothing(path: str) -> None:
    database = Database.open("", sqlite_path=path)

    async def write(lane: Lane) -> None:
        for _ in range(20):
            await database.write(lambda c: c.execute(text("UPDATE balance SET units = units + 1")), lane)

    async with trio.open_nursery() as nursery:
        for number in range(9):
            nursery.start_soon(write, list(Lane)[number % 3])
    database.close()
    assert _units(path) == 180


async def test_reading_before_writing_works_beside_another_process(path: str) -> None:
    """Each takes the lock at its beginning; one that took it later would find its snapshot outdated."""

    def read_then_write(connection: Connection) -> None:
        units = connection.execute(text("SELECT units FROM balance")).scalar_one()
        threading.Event().wait(0.005)
        connection.execute(text("UPDATE balance SET units = :units"), {"units": units + 1})

    async def write(database: Database) -> None:
        for _ in range(10):
            await database.write(read_then_write)

    # Two of these share nothing but the file, as two processes do.
    databases = [Database.open("", sqlite_path=path) for _ in range(2)]
    async with trio.open_nursery() as nursery:
        for database in databases:
            nursery.start_soon(write, database)
    for database in databases:
        database.close()
    assert _units(path) == 20


@pytest.mark.slow
def test_writers_of_several_processes_lose_nothing(path: str) -> None:
    writers = [_writer(path, 200) for _ in range(3)]
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert _units(path) == 600


@pytest.mark.slow
def test_what_was_committed_survives_kill_9(path: str) -> None:
    writer = _writer(path, 1_000_000)
    assert writer.stdout is not None
    for _ in range(50):
        confirmed = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    # Not `communicate`, which would not see what was read ahead.
    rest = writer.stdout.read()
    writer.wait(10)
    writer.stdout.close()
    complete = [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    confirmed = max([confirmed, *complete])
    # One more may be stored that the process had no time to say.
    assert _units(path) in {confirmed, confirmed + 1}
