"""Books on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.tables import metadata
from tests.ledger.support import Books, Notes
from tests.support.engines import ENGINES, fresh_database


@contextmanager
def _made(engine: str, folder: Path) -> Iterator[Books]:
    with fresh_database(engine, folder) as fresh:
        database = fresh.open()
        database.write_sync(metadata.create_all)
        yield Books(fresh=fresh, database=database)
        database.close()


@pytest.fixture(params=ENGINES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """An empty database with all tables, on each engine."""
    with _made(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=[engine for engine in ENGINES if engine != "sqlite"])
def server_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    """The same on servers only."""
    with _made(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite_books(tmp_path: Path) -> Iterator[Books]:
    """The same on SQLite only, for what does not depend on the engine."""
    with _made("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def notes() -> Notes:
    """A journal that remembers."""
    return Notes()
