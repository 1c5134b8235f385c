"""Remember who changed what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.audit_tables import AUDIT_TABLES
from storage.migrations.shape import ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in AUDIT_TABLES:
        ensure_table(step, table)
