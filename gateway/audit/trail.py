"""Writing down a change, in the transaction that makes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.accounts.clock import now_ms
from storage.repositories import audit
from storage.repositories.audit import AuditRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author

MASK: Final = "•••"
# Characters of one value that are kept: a model list is worth reading, a page of HTML is not.
LONGEST: Final = 2000

Changes = dict[str, list[object]]


def note(
    conn: Connection,
    author: Author,
    action: str,
    *,
    object_id: int = 0,
    name: str = "",
    changes: Mapping[str, Sequence[object]] | None = None,
) -> None:
    """Write down that `author` did `action` (`kind.verb`) to an object, with what `differences` found.

    While they do something to several objects (`author.at_once`), it becomes a part of the one entry about these.
    """
    row = AuditRow(
        created_at=now_ms(),
        actor_id=author.id,
        actor=author.username,
        address=author.address,
        via=author.via,
        action=action,
        kind=_kind(action),
        object_id=object_id,
        object_name=name,
        changes=json.dumps(changes or {}, ensure_ascii=False, default=str),
    )
    together = author.together
    if together is not None:
        whole = replace(
            row,
            action=together.action,
            kind=_kind(together.action),
            object_id=0,
            object_name="",
            changes="{}",
            batch=together.batch,
        )
        row = replace(row, part_of=audit.whole(conn, whole))
    audit.add(conn, row)


def differences(
    before: Mapping[str, object], after: Mapping[str, object], *, secrets: Collection[str] = ()
) -> Changes:
    """Return the fields that differ, each with both values; of a secret only whether there was and is one."""
    changes: Changes = {}
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if _plain(old) == _plain(new):
            continue
        if name in secrets:
            changes[name] = [MASK if old else "", MASK if new else ""]
        else:
            changes[name] = [_shortened(old), _shortened(new)]
    return changes


def _kind(action: str) -> str:
    return action.partition(".")[0]


def _plain(value: object) -> object:
    """NULL and empty are the same to people."""
    return "" if value is None else value


def _shortened(value: object) -> object:
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}…"
    return value
