"""Telling the operator, as the rest of the program sees it."""

from __future__ import annotations

from typing import Protocol


class Notifier(Protocol):
    """Takes messages for the operator."""

    def tell_root(self, subject: str, text: str) -> None:
        """Have root told. Never waits, never raises; what does not fit is dropped and reported."""
