"""Addresses with parameters."""

from __future__ import annotations

from urllib.parse import urlencode


def with_query(url: str, **parameters: str) -> str:
    """Return `url` with the parameters that are not empty added to those it has."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{url}{'&' if '?' in url else '?'}{query}"
