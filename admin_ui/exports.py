"""Lists as CSV: everything that matches, a part at a time, whatever page is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from quart import Response

from gateway.exports import MARK, csv_lines
from storage.repositories.rows import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

T = TypeVar("T")

_PART = 500


def csv_response(
    name: str,
    columns: Sequence[str],
    read: Callable[[Page], Awaitable[tuple[list[T], int]]],
    cells: Callable[[T], Sequence[object]],
) -> Response:
    """Answer with a file `name`.csv: `read` gives one part of the list, `cells` what a row says.

    Reading goes on while the answer is sent, so `read` must not need the request.
    """

    async def pieces() -> AsyncIterator[str]:
        yield MARK + csv_lines([columns])
        number = 0
        while True:
            rows, _total = await read(Page(number, _PART))
            if rows:
                yield csv_lines([cells(row) for row in rows])
            if len(rows) < _PART:
                return
            number += 1

    response = Response(pieces(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
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
