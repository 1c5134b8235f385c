"""Passwords that are set over the API: no longer than one-api took, which scripts and its dashboard count on.

The pages ask for the same eight characters and take up to 64. Whoever chose a long one there signs in with it here.
"""

from __future__ import annotations

from gateway.accounts.refusals import InvalidInput

LONGEST = 20
TOLD = f"8 to {LONGEST} characters"


def check_length(password: str) -> None:
    """Raise `InvalidInput` for one that is too long; all other rules are the services'."""
    if len(password) > LONGEST:
        raise InvalidInput
