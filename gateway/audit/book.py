"""Reading who changed what. For administrators; nobody changes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.exports import MARK, csv_lines
from storage.repositories import audit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gateway.services import Services
    from storage.repositories.audit import AuditFilter, AuditRow
    from storage.repositories.rows import Page

KINDS: Final = ("channel", "user", "token", "option", "code", "log", "relay")
_BATCH = 1000
_COLUMNS = ("time", "who", "account", "address", "via", "action", "object", "number", "changes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field, before and after, as text."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as people read it."""

    row: AuditRow
    changes: Sequence[Change]


async def read_page(services: Services, wanted: AuditFilter, page: Page) -> tuple[list[Entry], int]:
    """Return one page of entries, newest first, and their number."""
    rows, total = await services.database.read(lambda conn: audit.page(conn, wanted, page))
    return [Entry(row=row, changes=changes_of(row)) for row in rows], total


async def export_csv(services: Services, wanted: AuditFilter) -> AsyncIterator[str]:
    """Give all entries that fit as CSV, a piece at a time, newest first."""
    yield MARK + csv_lines([_COLUMNS])
    before = 0
    while True:
        rows = await services.database.read(
            lambda conn: audit.all_of(conn, wanted, before_id=before, limit=_BATCH)  # noqa: B023 - awaited here
        )
        if not rows:
            return
        before = rows[-1].id
        yield csv_lines([_cells(row) for row in rows])


def changes_of(row: AuditRow) -> list[Change]:
    """Return what an entry says was changed."""
    try:
        found = json.loads(row.changes)
    except ValueError:
        return []
    if not isinstance(found, dict):
        return []
    pairs = [(name, pair) for name, pair in found.items() if isinstance(pair, list) and len(pair) == 2]
    return [Change(field=name, before=_text(pair[0]), after=_text(pair[1])) for name, pair in pairs]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cells(row: AuditRow) -> list[str]:
    moment = datetime.fromtimestamp(row.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    number = str(row.object_id or "")
    cells = [moment, row.actor, str(row.actor_id or ""), row.address, row.via, row.action, row.object_name, number]
    return [*cells, row.changes]
