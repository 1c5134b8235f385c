"""What the mock provider answers, told by the model's name, and how a client checks it.

`bench-200chunks-5ms-40b`: 200 pieces of 40 bytes, piece i due at start + i * 5 ms. The text of a plan is always the
same, so that a client knows each byte that must arrive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

PADDING = "abcdefghijklmnopqrstuvwxyz" * 40


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer."""

    chunks: int = 8
    pause_s: float = 0.0
    piece_bytes: int = 40

    def piece(self, number: int) -> str:
        """Return the text of a piece: its number and padding that differs from the neighbours'."""
        start = number * 7 % 26
        return f"#{number:06d}:{PADDING[start : start + self.piece_bytes - 8]}"

    def text(self) -> str:
        """Return the text of the whole answer."""
        return "".join([self.piece(number) for number in range(self.chunks)])


@cache
def plan_of(model: str) -> Plan:
    """Read a model's name; unknown words are ignored."""
    values: dict[str, float] = {}
    for word in model.rpartition("/")[2].split("-"):
        if match := re.fullmatch(r"(\d+)(chunks|ms|us|b)", word):
            values[match[2]] = int(match[1])
    return Plan(
        chunks=int(values.get("chunks", 8)),
        pause_s=values.get("ms", 0) / 1e3 + values.get("us", 0) / 1e6,
        piece_bytes=max(int(values.get("b", 40)), 26),
    )
