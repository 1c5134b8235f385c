"""Tags and notes of channels, the history of their tests, and what it takes to undo a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.channel_tables import CHANNEL_TABLES
from storage.migrations.shape import ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the tables, which a database that was new to the first revision may have already."""
    for table in CHANNEL_TABLES:
        ensure_table(step, table)
