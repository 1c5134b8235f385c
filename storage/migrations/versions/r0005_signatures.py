"""Keep signed thoughts by the tool call behind them, for clients that have no room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.signature_tables import SIGNATURE_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in SIGNATURE_TABLES:
        ensure_table(step, table)
