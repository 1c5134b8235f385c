"""`docs/console.md` describes exactly what is printed."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.observe.console import COLUMNS
from gateway.observe.jsonlines import EventLine, RelayLine

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text()


def first_cells(heading: str, *, table: int = 0) -> list[str]:
    """Return the first cells of a table under `heading`, without its head."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return re.findall(r"^\| `([^`]+)`", tables[table], re.MULTILINE)


def test_every_column_is_described_in_order() -> None:
    assert first_cells("On a terminal") == list(COLUMNS)


def test_every_field_of_a_relay_is_described_in_order() -> None:
    assert first_cells("JSON lines") == list(RelayLine.__struct_fields__)


def test_every_field_of_an_event_is_described_in_order() -> None:
    assert first_cells("JSON lines", table=1) == list(EventLine.__struct_fields__)
