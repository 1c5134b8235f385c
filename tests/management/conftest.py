"""A running site: on SQLite for what does not depend on the engine, on each engine for what does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase, fresh_database


@pytest.fixture
def sqlite(tmp_path: Path, templates: Callable[[str], FreshDatabase]) -> Iterator[FreshDatabase]:
    """A database on SQLite with all tables, all empty."""
    with fresh_database("sqlite", tmp_path, like=templates("sqlite")) as database:
        yield database


@pytest.fixture
async def site(sqlite: FreshDatabase) -> AsyncIterator[Site]:
    """A site on SQLite."""
    async with running_site(sqlite) as running:
        yield running


@pytest.fixture
async def site_everywhere(migrated: FreshDatabase) -> AsyncIterator[Site]:
    """A site on each engine in turn."""
    async with running_site(migrated) as running:
        yield running
