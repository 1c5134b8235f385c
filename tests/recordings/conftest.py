"""Sites and databases for tests of recordings."""

from __future__ import annotations

from tests.management.conftest import site, sqlite

__all__ = ["site", "sqlite"]
