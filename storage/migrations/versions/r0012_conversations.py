"""Keep conversations of the playground, for those who ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.playground_tables import PLAYGROUND_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in PLAYGROUND_TABLES:
        ensure_table(step, table)
