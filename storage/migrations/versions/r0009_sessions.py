"""Remember in which group and session a request was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_indexes, ensure_table
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Add two columns and an index, which a database that was new to the third revision has already."""
    ensure_table(step, gw_requests)
    ensure_indexes(step, gw_requests)
