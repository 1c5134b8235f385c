"""Signed thoughts without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class MemorySignatures:
    """A `SignatureStore`."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, int]] = {}
        self.reads: list[list[str]] = []
        self.is_away = False

    async def put(self, payloads: Mapping[str, str], *, expires_at_ms: int) -> None:
        if self.is_away:
            raise DatabaseUnavailable("away")
        self.rows |= {key: (payload, expires_at_ms) for key, payload in payloads.items()}

    async def find(self, keys: Sequence[str], *, now_ms: int) -> dict[str, str]:
        if self.is_away:
            raise DatabaseUnavailable("away")
        self.reads.append(list(keys))
        return {key: row[0] for key in keys if (row := self.rows.get(key)) and row[1] > now_ms}
