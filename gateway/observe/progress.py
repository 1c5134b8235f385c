"""What keeps an operator company while a migration runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO


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
    # A quarter of a second on a small machine, which is spent only where somebody looks on.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("migrating"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        tasks = {}

        def draw(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total or None)
            progress.update(tasks[step], completed=done, total=total or None)

        yield draw
