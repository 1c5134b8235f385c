"""What single requests cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.records import RequestCost
from storage.repositories.rows import one, query
from storage.tables import user_request_costs as costs

if TYPE_CHECKING:
    from sqlalchemy import Connection


def by_request_id(conn: Connection, request_id: str) -> RequestCost | None:
    """Return the cost of one request."""
    return one(conn, RequestCost, query(costs, RequestCost).where(costs.c.request_id == request_id))
