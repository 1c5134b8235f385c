"""What is done to several things at once is one entry of the audit, and what became of each a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.audit_tables import AUDIT_TABLES
from storage.migrations.shape import ensure_indexes, ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Add two columns and their indexes. Entries that are there stand for themselves, as they always did."""
    for table in AUDIT_TABLES:
        ensure_table(step, table)
        ensure_indexes(step, table)
