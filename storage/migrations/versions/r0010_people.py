"""Remember sessions, recovery codes, notes of tokens, former keys, and when codes expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.people_tables import PEOPLE_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the tables, which a database that was new to the first revision may have already."""
    for table in PEOPLE_TABLES:
        ensure_table(step, table)
