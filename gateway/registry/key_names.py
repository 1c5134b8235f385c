"""How people tell keys apart without seeing them."""

from __future__ import annotations

_SHOWN = 4
_LONG_ENOUGH = 16


def end_of(key: str) -> str:
    """Return the last characters of a key, by which people tell keys apart; none of one that is too short for it."""
    last = key.strip()[-_SHOWN:]
    return last if len(key.strip()) >= _LONG_ENOUGH and last.isalnum() else ""


def name_of(key_id: int, key: str) -> str:
    """Return how one of several keys is called: by its end, or by its number."""
    end = end_of(key)
    return f"…{end}" if end else f"#{key_id}"
