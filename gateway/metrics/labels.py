"""Label values that cannot grow without end: clients and operators choose model and channel names."""

from __future__ import annotations

OTHER = "other"
LONGEST = 100


class Bounded:
    """The first values seen, each as it is; all later ones together as `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()

    def of(self, text: str) -> str:
        """Return the label value for `text`."""
        text = text[:LONGEST]
        if text in self._seen:
            return text
        if len(self._seen) >= self._most:
            return OTHER
        self._seen.add(text)
        return text
