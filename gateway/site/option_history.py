"""Who changed an option last, and when: from the audit, which has an entry for each time that options were saved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from storage.repositories import audit

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.services import Services
    from storage.repositories.audit import AuditRow

# Entries that are looked through: years of settings for most sites.
_LOOKED_AT: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """One option's last change."""

    who: str
    """Empty for the program itself."""
    at_s: float
    entry_id: int


async def last_changes(services: Services, keys: Collection[str]) -> dict[str, LastChange]:
    """Return the last change of each of `keys` that the audit knows of."""
    wanted = audit.AuditFilter(kind="option")
    rows = await services.database.read(lambda conn: audit.all_of(conn, wanted, before_id=0, limit=_LOOKED_AT))
    found: dict[str, LastChange] = {}
    for row in rows:
        for key in _names(row):
            if key in keys and key not in found:
                found[key] = LastChange(who=row.actor, at_s=row.created_at / 1000, entry_id=row.id)
        if len(found) == len(keys):
            break
    return found


def _names(row: AuditRow) -> list[str]:
    try:
        changes = json.loads(row.changes)
    except ValueError:
        return []
    return list(changes) if isinstance(changes, dict) else []
