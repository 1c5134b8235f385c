"""Traces: when the steps of a relay happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from storage.records import TraceRow
from storage.repositories.ledger_rows import trace_values
from storage.repositories.rows import many, one, query
from storage.tables import traces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection


def by_trace_id(conn: Connection, trace_id: str) -> TraceRow | None:
    """Return one trace."""
    return one(conn, TraceRow, query(traces, TraceRow).where(traces.c.trace_id == trace_id))


def by_trace_ids(conn: Connection, trace_ids: Sequence[str]) -> dict[str, TraceRow]:
    """Return some traces, by their ids."""
    wanted = [trace_id for trace_id in trace_ids if trace_id]
    if not wanted:
        return {}
    rows = many(conn, TraceRow, query(traces, TraceRow).where(traces.c.trace_id.in_(wanted)))
    return {row.trace_id: row for row in rows}


def add(conn: Connection, trace: TraceRow) -> None:
    """Store a trace that no settlement brings along."""
    conn.execute(insert(traces).values(trace_values(trace)))
