"""Tell people of events over services of their choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.alert_tables import ALERT_TABLES
from storage.migrations.shape import ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in ALERT_TABLES:
        ensure_table(step, table)
