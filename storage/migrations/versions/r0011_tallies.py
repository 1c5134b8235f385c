"""Keep use by everything at once, and what caches saved; what was summed up before is summed up anew with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from storage.migrations.shape import ensure_table
from storage.traffic_tables import gw_requests, gw_tallies, gw_usage

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Add the table and the columns, which a database that was new to the third revision has already."""
    for table in (gw_requests, gw_usage, gw_tallies):
        ensure_table(step, table)
    # The log is the truth: sums are made again from it, in the background, the newest first.
    step.connection.execute(delete(gw_usage))
