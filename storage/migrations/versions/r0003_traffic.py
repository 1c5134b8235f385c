"""Remember how requests ended, which attempts failed, and sums of use, for the pages that show traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.traffic_tables import TRAFFIC_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the tables, which a database that was new to the first revision may have already."""
    for table in TRAFFIC_TABLES:
        ensure_table(step, table)
