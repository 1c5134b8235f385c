"""The tree of tasks of this process: what each is called, and at which line of which function it waits.

Only names and places are told, never values. Equal tasks of one parent are one row with their number, since a busy
gateway has thousands of connections that all wait for the same thing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio.lowlevel import Task

MOST: Final = 250
"""Rows that one process tells of."""
# Tasks that are looked at; beyond it the tree is cut, so that looking never holds up the loop for long.
_MOST_VISITED: Final = 5000
_LONGEST_NAME: Final = 120
_OURS: Final = ("gateway", "admin_ui", "adapters", "storage")


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """One task, or several that are alike."""

    depth: int
    name: str
    count: int
    state: str
    """`running`: the one that asks; `waiting`; `ready`: has not begun yet."""
    where: str
    """Our own innermost line: `gateway/ledger/writer.py:170 run`; empty if none of our functions waits."""
    waits: str
    """What is waited in, at the very end of the chain: `Event.wait`."""


class _Group:
    def __init__(self, row: TaskRow) -> None:
        self.row = row
        self.children: list[Task] = []
        self.count = 0


def task_rows(root: Task | None = None, *, most: int = MOST) -> tuple[list[TaskRow], int]:
    """Return the tree in the order of a reading, and how many rows were left out. Called on the event loop."""
    root = root or trio.lowlevel.current_root_task()
    if root is None:
        return [], 0
    rows: list[TaskRow] = []
    left = 0
    for visited, row in enumerate(_walk([root], 0)):
        if visited >= _MOST_VISITED:
            break
        if len(rows) < most:
            rows.append(row)
        else:
            left += 1
    return rows, left


def _walk(tasks: list[Task], depth: int) -> Iterator[TaskRow]:
    """Give the rows of tasks that have one parent, each followed by those below it; alike ones as one."""
    groups: dict[tuple[str, str, str, str], _Group] = {}
    for task in tasks:
        row = _row(task, depth)
        group = groups.setdefault((row.name, row.state, row.where, row.waits), _Group(row))
        group.count += 1
        group.children += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    for group in groups.values():
        yield msgspec.structs.replace(group.row, count=group.count)
        if group.children:
            yield from _walk(group.children, depth + 1)


def _row(task: Task, depth: int) -> TaskRow:
    where, waits, has_frames = "", "", False
    for frame, line in task.iter_await_frames():
        code, has_frames = frame.f_code, True
        place = _place(code.co_filename)
        if place:
            where = f"{place}:{line} {code.co_name}"
        if not _is_machinery(code.co_filename):
            waits = code.co_qualname
    is_running = task is trio.lowlevel.current_task()
    return TaskRow(
        depth=depth,
        name=task.name[:_LONGEST_NAME],
        count=1,
        state="running" if is_running else "waiting" if has_frames else "ready",
        where=where,
        waits="" if is_running else waits[:_LONGEST_NAME],
    )


def _is_machinery(file: str) -> bool:
    """Whether a function belongs to the scheduler: every wait ends there, so that says nothing."""
    parts = Path(file).parts[-3:]
    return parts[:2] == ("trio", "_core")


def _place(file: str) -> str:
    parts = Path(file).parts
    for number in range(len(parts) - 1, -1, -1):
        if parts[number] in _OURS:
            return "/".join(parts[number:])
    return ""
