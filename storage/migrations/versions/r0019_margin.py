"""Keep what the same use costs at the provider's list price; of what was charged before it is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.traffic_tables import gw_requests, gw_tallies, gw_usage

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Add the columns, which a database that was new to the first revision has already."""
    for table in (gw_requests, gw_usage, gw_tallies):
        ensure_table(step, table)
