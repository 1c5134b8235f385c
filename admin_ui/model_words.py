"""Models in words: what they can do, what a piece of something costs, how they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui import shown
from admin_ui.i18n import _
from admin_ui.views.status import percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from gateway.site.uptime import Day

SIGNS = {
    "vision": "vision",
    "tools": "tools",
    "reasoning": "brain",
    "embedding": "vector",
    "image": "image",
    "audio": "sound",
    "video": "play",
}
"""Icons of what a model can do."""
_SHORT_FROM = 10_000


def ability(word: str) -> str:
    """Return what a model can do, in a word."""
    return {
        "vision": _("vision"),
        "tools": _("tools"),
        "reasoning": _("reasoning"),
        "embedding": _("embeddings"),
        "image": _("images"),
        "audio": _("audio"),
        "video": _("video"),
    }.get(word, word)


def piece(per: str) -> str:
    """Return what a price is for that is not one by tokens."""
    return {
        "image": _("per image"),
        "minute": _("per minute"),
        "call": _("per call"),
        "second of video": _("per second of video"),
        "characters": _("per million characters"),
        "audio in": _("audio in"),
        "audio out": _("audio out"),
    }.get(per, per)


def span(pair: tuple[Decimal, Decimal] | None) -> str:
    """Write prices from the cheapest to the dearest."""
    if pair is None:
        return "—"
    low, high = (shown.dollars(value) for value in pair)
    return low if low == high else f"{low} – {high}"  # noqa: RUF001 - a dash between figures


def size(tokens: int) -> str:
    """Write a number of tokens as people call it: 128 K, 1 M."""
    if not tokens:
        return "—"
    if tokens < _SHORT_FROM:
        return f"{tokens:,}"
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.2f}".rstrip("0").rstrip(".") + " M"
    return f"{tokens / 1000:.0f} K"


def health(days: Sequence[Day]) -> str:
    """Tell how a model did, for those who do not see the bars."""
    answered, failed = sum(day.answered for day in days), sum(day.failed for day in days)
    if not answered + failed:
        return _("not asked")
    return _(
        "{percent} answered, {n} failed of {m}",
        percent=percent(answered / (answered + failed)),
        n=f"{failed:,}",
        m=f"{answered + failed:,}",
    )


def share(days: Sequence[Day]) -> str:
    """Write the share that was answered."""
    answered, failed = sum(day.answered for day in days), sum(day.failed for day in days)
    return percent(answered / (answered + failed)) if answered + failed else "—"
