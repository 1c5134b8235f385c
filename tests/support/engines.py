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

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from storage.database import Database
from storage.dsn import Dsn, parse_dsn
from storage.engines import EngineOptions

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
def fresh_database(engine: str, folder: Path) -> Iterator[FreshDatabase]:
    """Make an empty database on `engine` (`folder` holds an SQLite file) and drop it afterwards."""
    if engine == "sqlite":
        path = str(folder / f"{uuid.uuid4().hex}.db")
        yield FreshDatabase(engine=engine, text="", sqlite_path=path, dsn=parse_dsn("", sqlite_path=path))
        return
    address = server_address(engine)
    name = f"gw_test_{os.getpid()}_{uuid.uuid4().hex[:12]}"
    server = parse_dsn(address)
    _administer(server, f"CREATE DATABASE {name}" + (" CHARACTER SET utf8mb4" if engine == "mysql" else ""))
    try:
        dsn = replace(server, url=server.url.set(database=name))
        yield FreshDatabase(engine=engine, text=_renamed(address, name), sqlite_path="", dsn=dsn)
    finally:
        _administer(server, f"DROP DATABASE {name}" + (" WITH (FORCE)" if engine == "postgresql" else ""))


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


def _administer(server: Dsn, statement: str) -> None:
    engine = create_engine(
        server.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args={**server.connect_args}
    )
    with engine.connect() as connection:
        connection.execute(text(statement))


def _renamed(address: str, database: str) -> str:
    """Return the address with another database name."""
    head, slash, tail = address.rpartition("/") if "?" not in address else address.partition("?")[0].rpartition("/")
    query = address.partition("?")[2]
    assert slash, address
    assert tail, address
    return f"{head}/{database}" + (f"?{query}" if query else "")
