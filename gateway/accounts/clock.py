"""The wall clock in the two units of the tables."""

from __future__ import annotations

import time


def now_s() -> int:
    """Return Unix seconds."""
    return int(time.time())


def now_ms() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000
