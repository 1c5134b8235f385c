"""A site, everybody outside, and a mail server."""

from __future__ import annotations

from tests.identity.conftest import box, others, site

__all__ = ["box", "others", "site"]
