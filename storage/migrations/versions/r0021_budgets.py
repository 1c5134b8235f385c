"""Limit what a user, a token or a group may spend in a day, a week or a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.budget_tables import BUDGET_TABLES
from storage.migrations.shape import ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in BUDGET_TABLES:
        ensure_table(step, table)
