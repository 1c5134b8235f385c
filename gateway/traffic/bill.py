"""What a charge was made of, line by line: tokens by their prices, tools, the group's ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adapters.pricing.figures import UNITS_PER_USD

if TYPE_CHECKING:
    from gateway.traffic.facts import Bill
    from gateway.traffic.log import Entry

Kind = Literal["input", "cached", "write_5m", "write_1h", "output", "rest", "tools"]

_PER_MILLION = 1_000_000
# What arithmetic with prices that are kept as floats may be off by.
_ALMOST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. `units` is what it comes to with the group's ratio; `None`: its price is not known."""

    kind: Kind
    tokens: int | None = None
    usd: float | None = None
    """Per million tokens, before the group's ratio."""
    units: float | None = None


def bill_lines(entry: Entry, bill: Bill) -> list[Line]:
    """Return the lines of a charge for tokens; they add up to it if all prices are known.

    What is left after them (`rest`) is rounding, or pictures and sound, whose tokens have prices of their own.
    """
    if bill.text:
        return []
    written = bill.cache_write - bill.cache_write_1h
    plain = max(entry.prompt_tokens - entry.cached_tokens - bill.cache_write, 0)
    parts: list[tuple[Kind, int, float | None]] = [
        ("input", plain, bill.input_usd),
        ("cached", entry.cached_tokens, bill.cached_usd),
        ("write_5m", written, bill.cache_write_usd),
        ("write_1h", bill.cache_write_1h, bill.cache_write_1h_usd),
        ("output", entry.completion_tokens, bill.output_usd),
    ]
    lines = [
        Line(kind=kind, tokens=tokens, usd=usd, units=_units(tokens, usd, bill.group_ratio))
        for kind, tokens, usd in parts
        if tokens or kind in ("input", "output")
    ]
    if bill.tool_units:
        lines.append(Line(kind="tools", units=bill.tool_units))
    known = [line.units for line in lines]
    if None not in known:
        rest = entry.units - sum(units for units in known if units is not None)
        if abs(rest) > _ALMOST:
            lines.append(Line(kind="rest", units=rest))
    return lines


def _units(tokens: int, usd: float | None, ratio: float) -> float | None:
    if not tokens:
        return 0.0
    return None if usd is None else tokens * usd / _PER_MILLION * UNITS_PER_USD * ratio
