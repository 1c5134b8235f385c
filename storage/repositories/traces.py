"""Traces: when the steps of a relay happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.records import TraceRow
from storage.repositories.rows import one, query
from storage.tables import traces

if TYPE_CHECKING:
    from sqlalchemy import Connection


def by_trace_id(conn: Connection, trace_id: str) -> TraceRow | None:
    """Return one trace."""
    return one(conn, TraceRow, query(traces, TraceRow).where(traces.c.trace_id == trace_id))
