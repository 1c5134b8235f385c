"""Remember how people like their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.preference_tables import PREFERENCE_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in PREFERENCE_TABLES:
        ensure_table(step, table)
