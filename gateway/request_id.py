"""Request ids: local time to the second, then random digits, as one-api's look."""

from __future__ import annotations

import secrets
import time


def new_request_id() -> str:
    """Return 14 digits of local time and 17 random ones; the latter cannot be guessed, since costs are read by id."""
    return f"{time.strftime('%Y%m%d%H%M%S')}{secrets.randbelow(10**17):017d}"
