"""Rows as CSV that spreadsheets open as it is: quoted, in UTF-8 with a mark, and without formulas."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MARK: Final = "\ufeff"
"""Begins a file, so that spreadsheets do not take it for something older than UTF-8."""
# Cells that begin so are formulas to spreadsheets; what people type must not be run by whoever opens it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as lines; nothing is an empty cell."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
