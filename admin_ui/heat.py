"""Heat maps as the server draws them: rows of squares whose colour is a share or an amount."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from admin_ui.charts import UNSAFE

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One row. `cells`: each square in words, empty where there is nothing; `levels`: its colour, 0 for nothing."""

    label: str
    words: str
    """All of it in words."""
    cells: Sequence[str]
    levels: Sequence[int]
    link: str = ""
    """Where its requests are."""

    @property
    def paths(self) -> list[tuple[int, str]]:
        """One path for each colour: many squares are few bytes so."""
        found: dict[int, list[str]] = {}
        begin = 0
        for index in range(1, len(self.levels) + 1):
            if index == len(self.levels) or self.levels[index] != self.levels[begin]:
                found.setdefault(self.levels[begin], []).append(f"M{begin} 0h{index - begin}v1H{begin}z")
                begin = index
        return [(level, "".join(parts)) for level, parts in sorted(found.items())]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A heat map. `columns`: names of columns, or of time (`edges`) what tables call them."""

    id: str
    title: str
    scale: str
    """The class of its colours: `health-shares` or `amounts`."""
    rows: Sequence[HeatRow]
    columns: Sequence[str]
    levels: Sequence[tuple[int, str]]
    """What colours mean."""
    none: str
    """What an empty square is."""
    ticks: Sequence[str] = ()
    edges: Sequence[int] = ()
    zone: str = ""
    note: str = ""
    sentence: str = ""
    table_link: str = ""
    export_link: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(any(row.levels) for row in self.rows)

    @property
    def data(self) -> Markup:
        """The JSON that the script reads, safe inside a script element."""
        found: dict[str, object] = {
            "columns": len(self.columns),
            "none": self.none,
            "zone": self.zone,
            "rows": [{"label": row.label, "cells": list(row.cells), "link": row.link} for row in self.rows],
        }
        found |= {"x": list(self.edges)} if self.edges else {"names": list(self.columns)}
        return Markup(json.dumps(found, separators=(",", ":")).translate(UNSAFE))  # noqa: S704 - made safe here
