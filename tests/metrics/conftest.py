"""A site on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase, fresh_database


@pytest.fixture
async def site(tmp_path: Path, templates: Callable[[str], FreshDatabase]) -> AsyncIterator[Site]:
    """A running site."""
    with fresh_database("sqlite", tmp_path, like=templates("sqlite")) as database:
        async with running_site(database) as running:
            yield running
