"""Books on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage.columns import metadata
from tests.ledger.support import Books, Notes
from tests.support.engines import ENGINES, FreshDatabase, fresh_database

Make = Callable[[str, Path], AbstractContextManager[Books]]


@pytest.fixture(scope="session")
def make_books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """A function that makes empty books. Servers take seconds to make tables, so theirs are made once and emptied."""
    made: dict[str, FreshDatabase] = {}
    with ExitStack() as stack:

        def server(engine: str) -> FreshDatabase:
            if engine not in made:
                made[engine] = stack.enter_context(fresh_database(engine, tmp_path_factory.mktemp("books")))
                with closing(made[engine].open()) as database:
                    database.write_sync(metadata.create_all)
            return made[engine]

        @contextmanager
        def make(engine: str, folder: Path) -> Iterator[Books]:
            with (
                fresh_database(engine, folder) if engine == "sqlite" else nullcontext(server(engine)) as fresh,
                closing(fresh.open()) as database,
            ):
                database.write_sync(metadata.create_all if engine == "sqlite" else _empty)
                yield Books(fresh=fresh, database=database)

        yield make


def _empty(conn: Connection) -> None:
    for table in metadata.sorted_tables:
        conn.execute(table.delete())


@pytest.fixture(params=ENGINES)
def books(request: pytest.FixtureRequest, tmp_path: Path, make_books: Make) -> Iterator[Books]:
    """An empty database with all tables, on each engine."""
    with make_books(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=[engine for engine in ENGINES if engine != "sqlite"])
def server_books(request: pytest.FixtureRequest, tmp_path: Path, make_books: Make) -> Iterator[Books]:
    """The same on servers only."""
    with make_books(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def sqlite_books(tmp_path: Path, make_books: Make) -> Iterator[Books]:
    """The same on SQLite only, for what does not depend on the engine."""
    with make_books("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def notes() -> Notes:
    """A journal that remembers."""
    return Notes()
