"""A running site on each engine in turn, with traffic of its own making."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase


@pytest.fixture
async def site(migrated: FreshDatabase) -> AsyncIterator[Site]:
    """A site on each engine."""
    async with running_site(migrated) as running:
        yield running
