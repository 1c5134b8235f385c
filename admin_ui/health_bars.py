"""How a channel did, drawn: one path for each shade, since a list has thousands of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.traffic.channels import Slice

STEP = 4
HEIGHT = 20
_WELL, _MIDDLING = 0.99, 0.9


def shade(part: Slice) -> str:
    """Return how well a bucket went, as a class: `none` where nothing was asked."""
    share = part.share
    if share is None:
        return "none"
    return "ok" if share >= _WELL else "warn" if share >= _MIDDLING else "bad"


def health_paths(slices: Sequence[Slice]) -> list[tuple[str, str]]:
    """Return the shades that there are, and the path of each: bars, and low lines where nothing was asked."""
    found: dict[str, list[str]] = {}
    for index, part in enumerate(slices):
        kind = shade(part)
        bar = f"M{index * STEP} 17h3v3h-3z" if kind == "none" else f"M{index * STEP} 0h3v{HEIGHT}h-3z"
        found.setdefault(kind, []).append(bar)
    return [(kind, "".join(bars)) for kind, bars in found.items()]
