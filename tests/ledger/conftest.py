"""Books on each engine."""

from __future__ import annotations

import pytest

from storage.tables import metadata
from tests.ledger.support import Books, Notes
from tests.support.engines import ENGINES, fresh_database


@pytest.fixture(params=ENGINES)
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """An empty database with all tables."""
    with fresh_database(request.param, tmp_path_factory.mktemp("books")) as fresh:
        database = fresh.open()
        database.write_sync(metadata.create_all)
        yield Books(fresh=fresh, database=database)
        database.close()


@pytest.fixture
def sqlite_books(tmp_path):
    """An empty SQLite database, for what does not depend on the engine."""
    with fresh_database("sqlite", tmp_path) as fresh:
        database = fresh.open()
        database.write_sync(metadata.create_all)
        yield Books(fresh=fresh, database=database)
        database.close()


@pytest.fixture
def notes() -> Notes:
    """A journal that remembers."""
    return Notes()
