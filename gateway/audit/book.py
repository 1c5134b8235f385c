"""Reading who changed what. For administrators; nobody changes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import NotFound
from storage.repositories import audit
from storage.repositories.rows import Sort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.repositories.audit import AuditFilter, AuditRow
    from storage.repositories.rows import Page

KINDS: Final = (
    "channel", "user", "token", "option", "code", "log", "relay", "config", "alert", "messages", "budget", "shadow",
    "charge",
)  # fmt: skip
VERBS: Final = (
    "create", "update", "set", "delete", "restore", "enable", "disable", "auto-disable", "resume", "test", "balance",
    "prices", "register", "topup", "promote", "demote", "sign-out", "session-end", "reset-mail", "password-reset",
    "access-token", "2fa-on", "2fa-off", "recovery-codes", "recovery-code-used", "reveal", "renew", "end-keys",
    "clear", "end", "apply", "read", "search", "keys-add", "key-remove", "key-clear", "key-refused", "key-works",
    "write-again",
)  # fmt: skip
"""What is done to things, as the second half of an action."""
NEWEST_FIRST: Final = Sort()
_BATCH = 1000
# Things of which a line about several names some.
_NAMED: Final = 3
COLUMNS: Final = ("time", "who", "account", "address", "via", "action", "object", "number", "changes", "things")


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
    things: int = 1
    """How many things were changed at once; of a part: with it."""
    named: Sequence[AuditRow] = ()
    """Of an entry about several, its first parts."""


async def read_page(
    services: Services, wanted: AuditFilter, page: Page, sort: Sort = NEWEST_FIRST
) -> tuple[list[Entry], int]:
    """Return one page of entries and their number: newest first, only the parts of one entry in their order.

    `sort` counts as far as `storage.repositories.audit.page` can.
    """

    def work(conn: Connection) -> tuple[list[Entry], int]:
        rows, total = audit.page(conn, wanted, page, sort)
        counts = audit.count_parts(conn, {row.id if row.batch else row.part_of for row in rows} - {0})
        entries = [
            Entry(
                row=row,
                changes=changes_of(row),
                things=counts.get(row.id if row.batch else row.part_of, 1),
                named=audit.parts(conn, row.id, after_id=0, limit=_NAMED) if row.batch else (),
            )
            for row in rows
        ]
        return entries, total

    return await services.database.read(work)


async def read_whole(services: Services, entry_id: int) -> AuditRow:
    """Return an entry about several things. Raises `NotFound`."""
    row = await services.database.read(lambda conn: audit.by_id(conn, entry_id)) if entry_id else None
    if row is None or not row.batch:
        raise NotFound(f"entry {entry_id} was not found")
    return row


async def export(services: Services, wanted: AuditFilter) -> AsyncIterator[list[list[object]]]:
    """Give the cells (`COLUMNS`) of all entries that fit, some at a time, newest first.

    The changes of an entry about several things are a list of these, each with number, name and its own changes.
    """
    before = 0
    while True:
        rows = await services.database.read(
            lambda conn: audit.all_of(conn, wanted, before_id=before, limit=_BATCH)  # noqa: B023 - awaited here
        )
        if not rows:
            return
        before = rows[-1].id
        cells: list[list[object]] = []
        held = 0
        for row in rows:
            things = await _things(services, row.id) if row.batch else []
            cells.append(_cells(row, things))
            held += len(things)
            # Few entries may stand for very much.
            if held >= _BATCH:
                yield cells
                cells, held = [], 0
        yield cells


async def _things(services: Services, entry_id: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    after = 0
    while True:
        rows = await services.database.read(
            lambda conn: audit.parts(conn, entry_id, after_id=after, limit=_BATCH)  # noqa: B023 - awaited here
        )
        if not rows:
            return found
        after = rows[-1].id
        found += ({"number": row.object_id, "name": row.object_name, "changes": _read(row)} for row in rows)


def doings(verb: str) -> list[str]:
    """Return the actions that end in a verb: `update` of a channel, an account …"""
    return [f"{kind}.{verb}" for kind in KINDS]


def changes_of(row: AuditRow) -> list[Change]:
    """Return what an entry says was changed."""
    pairs = [(name, pair) for name, pair in _read(row).items() if isinstance(pair, list) and len(pair) == 2]
    return [Change(field=name, before=_text(pair[0]), after=_text(pair[1])) for name, pair in pairs]


def _read(row: AuditRow) -> dict[str, object]:
    try:
        found = json.loads(row.changes)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cells(row: AuditRow, things: Sequence[Mapping[str, object]]) -> list[object]:
    moment = datetime.fromtimestamp(row.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    number, account = row.object_id or None, row.actor_id or None
    changes = json.dumps(things, ensure_ascii=False) if row.batch else row.changes
    count = len(things) if row.batch else 1
    return [moment, row.actor, account, row.address, row.via, row.action, row.object_name, number, changes, count]
