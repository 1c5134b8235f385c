"""Let a channel use several keys in turn, and remember with which one a response was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.key_tables import KEY_TABLES
from storage.migrations.shape import ensure_table
from storage.response_tables import RESPONSE_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table and add the column, which a database that was new to the first revision has already."""
    for table in (*KEY_TABLES, *RESPONSE_TABLES):
        ensure_table(step, table)
