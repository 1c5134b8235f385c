"""Fixtures for all tests: databases on each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from storage.database import Database
from storage.migrate import migrate
from tests.compatibility.printing import pytest_terminal_summary  # noqa: F401 - a hook
from tests.support.engines import ENGINES, FreshDatabase, fresh_database

# A busy machine is slow, not wrong.
settings.register_profile(
    "house", settings.default, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


# Tests in browsers and of whole processes take longest. What is quick fills the gaps at the end.
_FIRST = ("tests/admin_ui/", "tests/contract/", "tests/e2e/", "tests/faults/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that processes that share the tests end together."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn: `sqlite`, `postgresql`, `mysql`."""
    return str(request.param)


@pytest.fixture
def fresh(engine: str, tmp_path: Path) -> Iterator[FreshDatabase]:
    """An empty database on each engine in turn, without any table."""
    with fresh_database(engine, tmp_path) as database:
        yield database


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], FreshDatabase]]:
    """A function that gives an engine's migrated, unused database, made at the first call."""
    made: dict[str, FreshDatabase] = {}
    with ExitStack() as stack:

        def template(engine: str) -> FreshDatabase:
            if engine not in made:
                folder = tmp_path_factory.mktemp("template")
                made[engine] = stack.enter_context(fresh_database(engine, folder))
                opened = made[engine].open()
                migrate(opened)
                opened.close()
            return made[engine]

        yield template


@pytest.fixture
def migrated(engine: str, tmp_path: Path, templates: Callable[[str], FreshDatabase]) -> Iterator[FreshDatabase]:
    """A database on each engine in turn with all tables, all empty."""
    with fresh_database(engine, tmp_path, like=templates(engine)) as database:
        yield database


@pytest.fixture
def database(migrated: FreshDatabase) -> Iterator[Database]:
    """`migrated`, opened."""
    opened = migrated.open()
    yield opened
    opened.close()
