"""The panel that greets an operator, and the bar that keeps them company while a migration runs."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console as RichConsole
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

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


@contextmanager
def migration_progress(stream: TextIO, *, on_terminal: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function `report(step, done, total)` that draws a bar, or prints a line per tenth elsewhere.

    For the command line and the time before the event loop runs: it writes to `stream` at once. The bar goes
    away when the block ends. A `total` of 0 means that the length is unknown.
    """
    if not on_terminal:
        last: dict[str, int] = {}

        def say(step: str, done: int, total: int) -> None:
            tenth = done * 10 // total if total else 0
            if last.get(step) != tenth:
                last[step] = tenth
                stream.write(f"migrating: {step} {done}/{total or '?'}\n")
                stream.flush()

        yield say
        return
    columns = (
        TextColumn("migrating"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=RichConsole(file=stream), transient=True) as progress:
        tasks = {}

        def draw(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total or None)
            progress.update(tasks[step], completed=done, total=total or None)

        yield draw
