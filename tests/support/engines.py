"""Database engines for tests: where they are, and a fresh database for each test that asks.

An engine is found by its variable (`TEST_POSTGRES_URL`, `TEST_MYSQL_URL`) or on its usual local port. One that is
missing skips the test, or fails it with `CI=true`. Databases are dropped when the test ends.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from storage.database import Database
from storage.dsn import Dsn, parse_dsn
from storage.engines import EngineOptions
from storage.migrate import VERSION_TABLE, migrate

ENGINES = ("sqlite", "postgresql", "mysql")

_CANDIDATES = {
    "postgresql": (
        "TEST_POSTGRES_URL",
        (
            "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable",
            "postgres://root@127.0.0.1:5432/postgres?sslmode=disable",
        ),
    ),
    "mysql": ("TEST_MYSQL_URL", ("root@tcp(127.0.0.1:3306)/mysql",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshDatabase:
    """An empty database: its engine, and its address in the forms that people and programs use.

    `text` is empty and `sqlite_path` set for SQLite, as in the environment of a real process.
    """

    engine: str
    text: str
    sqlite_path: str
    dsn: Dsn

    def open(self, options: EngineOptions | None = None) -> Database:
        """Return a new `Database` on it; the caller closes it."""
        return Database.open(self.dsn, options=options)

    def environment(self) -> dict[str, str]:
        """Return the variables that point a gateway process at this database."""
        return {"SQL_DSN": self.text, "SQLITE_PATH": self.sqlite_path}


@contextmanager
def fresh_database(engine: str, folder: Path, *, like: FreshDatabase | None = None) -> Iterator[FreshDatabase]:
    """Make an empty database on `engine` (`folder` holds an SQLite file) and drop it afterwards.

    With `like`, it gets the tables of that database, which nobody may be using, and on MySQL no rows but the
    version of the schema: faster than migrating once more.
    """
    if engine == "sqlite":
        path = folder / f"{uuid.uuid4().hex}.db"
        if like is not None:
            path.write_bytes(Path(like.sqlite_path).read_bytes())
        yield FreshDatabase(engine=engine, text="", sqlite_path=str(path), dsn=parse_dsn("", sqlite_path=str(path)))
        return
    address = server_address(engine)
    name = f"gw_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    server = parse_dsn(address)
    dsn = replace(server, url=server.url.set(database=name))
    if engine == "mysql":
        _administer(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    else:
        template = f" TEMPLATE {like.dsn.url.database}" if like else ""
        # Tests kill this program, not the server: its commits need not reach the disk.
        _administer(
            server, f"CREATE DATABASE {name}{template}", f"ALTER DATABASE {name} SET synchronous_commit = off"
        )
    try:
        if engine == "mysql" and like is not None:
            _administer(dsn, *_tables_of(like.dsn))
        yield FreshDatabase(engine=engine, text=_renamed(address, name), sqlite_path="", dsn=dsn)
    finally:
        _administer(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if engine == "postgresql" else ""))


@cache
def migrated_sqlite() -> bytes:
    """Return an SQLite file with all tables and no rows: what a test of the whole program begins with.

    That the program makes its tables itself is said by tests of its own.
    """
    with TemporaryDirectory() as folder, fresh_database("sqlite", Path(folder)) as made:
        opened = made.open()
        migrate(opened)
        opened.close()
        return Path(made.sqlite_path).read_bytes()


def _tables_of(dsn: Dsn) -> tuple[str, ...]:
    """Return statements that make the tables of a MySQL database: one per table, with its indexes."""
    with _connection(dsn) as connection:
        names = connection.exec_driver_sql("SHOW TABLES").scalars().all()
        found = [connection.exec_driver_sql(f"SHOW CREATE TABLE `{name}`").one()[1] for name in names]
        version = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one()
    return (*found, f"INSERT INTO {VERSION_TABLE} VALUES ('{version}')")


def server_address(engine: str) -> str:
    """Return the address of a running server, or skip the test (fail it with `CI=true`)."""
    variable, defaults = _CANDIDATES[engine]
    given = os.environ.get(variable)
    for address in (given,) if given else defaults:
        if _answers(address):
            return address
    message = f"no {engine} server: set {variable}, or start one on its usual port"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@cache
def _answers(address: str) -> bool:
    try:
        _administer(parse_dsn(address), "SELECT 1")
    except SQLAlchemyError:
        return False
    return True


def _administer(server: Dsn, *statements: str) -> None:
    with _connection(server) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))


@contextmanager
def _connection(server: Dsn) -> Iterator[Connection]:
    engine = create_engine(
        server.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={**server.connect_args}
    )
    with engine.connect() as connection:
        yield connection


def _renamed(address: str, database: str) -> str:
    """Return the address with another database name."""
    head, slash, tail = address.rpartition("/") if "?" not in address else address.partition("?")[0].rpartition("/")
    query = address.partition("?")[2]
    assert slash, address
    assert tail, address
    return f"{head}/{database}" + (f"?{query}" if query else "")
