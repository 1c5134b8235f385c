"""The panel that greets an operator."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console as RichConsole
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.observe.records import StartUp

WIDEST = 100


def startup_panel(facts: StartUp, *, width: int, colour: bool, encoding: str) -> str:
    """Return the panel as text that ends with a line feed, at most `width` cells wide."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(facts):
        table.add_row(name, Text(value))
    for warning in facts.warnings:
        table.add_row(Text("warning", style="bold yellow"), Text(f"! {warning}", style="yellow"))
    unicode = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
    panel = Panel(
        table,
        title=Text(f"One API {facts.version}", style="bold"),
        title_align="left",
        border_style="yellow" if facts.warnings else "green",
        box=box.ROUNDED if unicode else box.ASCII,
        width=min(width, WIDEST),
    )
    out = io.StringIO()
    RichConsole(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        legacy_windows=False,
    ).print(panel)
    return out.getvalue()


def _rows(facts: StartUp) -> Iterator[tuple[str, str]]:
    yield "address", "  ".join(facts.addresses)
    yield "database", facts.database
    if facts.log_database:
        yield "logs", facts.log_database
    yield "shared state", facts.shared_state
    workers = f"{facts.workers} worker{'s' if facts.workers != 1 else ''}"
    yield "replica", f"{facts.replica}, {workers}" if facts.replica else workers
    yield "serves", f"{facts.channels} channels, {facts.models} models"
