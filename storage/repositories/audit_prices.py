"""Entries of the audit that may have changed what models cost: prices of channels, and ratios of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_

from storage.audit_tables import gw_audit as audit
from storage.repositories.audit import AuditRow
from storage.repositories.rows import contains, many, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_OWN: Final = '"model_configs"'
_RATIOS: Final = '"GroupRatio"'


def price_changes(conn: Connection, channel_ids: Sequence[int], *, limit: int) -> list[AuditRow]:
    """Return the newest entries about prices of some channels or about ratios of groups, newest first."""
    of_channels = and_(
        audit.c.kind == "channel", audit.c.object_id.in_(list(channel_ids)), contains(audit.c.changes, _OWN)
    )
    of_groups = and_(audit.c.kind == "option", audit.c.object_id == 0, contains(audit.c.changes, _RATIOS))
    wanted = query(audit, AuditRow).where(or_(of_channels, of_groups)).order_by(audit.c.id.desc()).limit(limit)
    return many(conn, AuditRow, wanted)
