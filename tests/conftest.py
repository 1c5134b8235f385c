"""Fixtures for all tests: databases on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import migrate
from tests.support.engines import ENGINES, FreshDatabase, fresh_database


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn: `sqlite`, `postgresql`, `mysql`."""
    return str(request.param)


@pytest.fixture
def fresh(engine: str, tmp_path: Path) -> Iterator[FreshDatabase]:
    """An empty database on each engine in turn, without any table."""
    with fresh_database(engine, tmp_path) as database:
        yield database


@pytest.fixture
def database(fresh: FreshDatabase) -> Iterator[Database]:
    """A database on each engine in turn with all tables, all empty."""
    opened = fresh.open()
    migrate(opened)
    yield opened
    opened.close()
