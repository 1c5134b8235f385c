"""Lists as files, CSV or JSON Lines: everything that matches, a part at a time, whatever page is looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from quart import Response
from werkzeug.exceptions import NotFound

from gateway.exports import MARK, csv_lines
from storage.repositories.rows import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

T = TypeVar("T")

KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}
_PART = 500


def file_response(
    name: str,
    kind: str,
    columns: Sequence[str],
    read: Callable[[Page], Awaitable[tuple[list[T], int]]],
    cells: Callable[[T], Sequence[object]],
) -> Response:
    """Answer with a file `name`.`kind`: `read` gives one part of the list, `cells` what a row says.

    Reading goes on while the answer is sent, so `read` must not need the request. Raises `NotFound` for a kind that
    is not in `KINDS`.
    """

    async def rows() -> AsyncIterator[Sequence[Sequence[object]]]:
        number = 0
        while True:
            found, _total = await read(Page(number, _PART))
            yield [cells(row) for row in found]
            if len(found) < _PART:
                return
            number += 1

    return streamed(name, kind, columns, rows())


def streamed(
    name: str, kind: str, columns: Sequence[str], parts: AsyncIterator[Sequence[Sequence[object]]]
) -> Response:
    """Answer with a file of the rows that `parts` yields, some at a time."""
    if kind not in KINDS:
        raise NotFound

    async def pieces() -> AsyncIterator[str]:
        if kind == "csv":
            yield MARK + csv_lines([columns])
        async for rows in parts:
            if rows and kind == "csv":
                yield csv_lines(rows)
            elif rows:
                yield "".join(
                    json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str) + "\n"
                    for row in rows
                )

    response = Response(pieces(), content_type=KINDS[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # As long as it takes: each reading has the database's limit, each write the server's.
    response.timeout = None
    return response


def instant(seconds: float) -> str:
    """Write a time for other programs; 0 and never are empty."""
    if seconds <= 0:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
