"""Opening the databases that the settings name, for commands."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from storage.database import Database
from storage.dsn import parse_dsn
from storage.engines import EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.config.settings import Settings


@contextmanager
def main_database(settings: Settings) -> Iterator[Database]:
    """Give the main database, not connected yet."""
    yield from _open(settings, settings.sql_dsn)


@contextmanager
def log_database(settings: Settings) -> Iterator[Database | None]:
    """Give the database of `LOG_SQL_DSN`, or `None` when there is none."""
    if settings.log_sql_dsn:
        yield from _open(settings, settings.log_sql_dsn)
    else:
        yield None


def missing_file(database: Database) -> Path | None:
    """Return the file of an SQLite database that is not there yet; looking into it would make it."""
    path = Path(database.dsn.url.database or "")
    return path if database.dialect == "sqlite" and not path.exists() else None


def _open(settings: Settings, dsn: str) -> Iterator[Database]:
    options = EngineOptions(
        # One command needs few connections, and must not take them from running gateways.
        pool_size=3,
        busy_timeout_ms=settings.sqlite_busy_timeout,
        max_lifetime_s=settings.sql_max_lifetime,
        echo=settings.debug_sql,
        secrets=settings.encryption_keys,
    )
    database = Database.open(parse_dsn(dsn, sqlite_path=settings.sqlite_path), options=options)
    try:
        yield database
    finally:
        database.close()
