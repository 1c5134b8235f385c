"""Passwords: bcrypt, as one-api stores them. Both functions take tens of milliseconds: call them in a thread."""

from __future__ import annotations

import bcrypt

COST = 10
# bcrypt looks at no more; longer ones are refused rather than cut.
LONGEST_BYTES = 72
SHORTEST = 8
LONGEST = 64

# For accounts that do not exist: checking against it takes as long as checking a real one.
_NOBODY = b"$2b$10$CwTycUXWue0Thq9StjUM0uJ8p1iq5c5ZJXyZXbyxV7rXo5Qf3g9Ge"


def is_acceptable(password: str) -> bool:
    """Return whether somebody may choose this password."""
    return SHORTEST <= len(password) <= LONGEST and len(password.encode()) <= LONGEST_BYTES


def hash_password(text: str) -> str:
    """Return the hash to store. Raises `ValueError` for more than 72 bytes or a NUL."""
    return bcrypt.hashpw(text.encode(), bcrypt.gensalt(COST)).decode()


def verify_password(text: str, hashed: str) -> bool:
    """Return whether `text` is the password behind `hashed`; with an empty hash it works as long and says no."""
    secret = text.encode("utf-8", "replace")
    fits = len(secret) <= LONGEST_BYTES and b"\x00" not in secret
    try:
        same = bcrypt.checkpw(secret if fits else b"-", hashed.encode() or _NOBODY)
    except ValueError:
        # What is stored is no bcrypt hash (accounts that came through a third party).
        bcrypt.checkpw(b"-", _NOBODY)
        return False
    return same and fits and bool(hashed)
