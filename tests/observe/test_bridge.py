"""Libraries speak through the journal, and only while it is installed."""

from __future__ import annotations

import logging

import sqlalchemy
import trio

from gateway.observe.bridge import LibraryLogging, install_logging, statement_logger
from gateway.observe.types import RelaySummary


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, dict[str, object]]] = []

    def relay(self, summary: RelaySummary) -> None:
        raise AssertionError(summary)

    def event(self, level: str, name: str, message: str, **fields: object) -> None:
        self.events.append((level, name, message, fields))


def test_library_records_become_events_until_restored() -> None:
    heard = Heard()
    root = logging.getLogger()
    before = (root.handlers[:], root.level, logging.getLogger("httpx2").level)
    restore = install_logging(heard)
    try:
        logging.getLogger("hypercorn.error").warning("odd %s", "thing")
        logging.getLogger("alembic").info("step")
        logging.getLogger("alembic").debug("detail")
        logging.getLogger("httpx2").info("HTTP Request: GET https://x/?key=1")
        logging.getLogger("broken").info("%d", "not a number")
        try:
            int("inside")
        except ValueError:
            logging.getLogger("lib").exception("it broke")
    finally:
        restore()
    logging.getLogger("late").setLevel(logging.CRITICAL)
    assert [(level, name, message) for level, name, message, _ in heard.events] == [
        ("warning", "log.hypercorn.error", "odd thing"),
        ("info", "log.alembic", "step"),
        ("info", "log.broken", "%d"),
        ("error", "log.lib", "it broke"),
    ]
    assert "ValueError: invalid literal" in str(heard.events[-1][3]["traceback"])
    assert (root.handlers[:], root.level, logging.getLogger("httpx2").level) == before


def test_statements_are_reported_without_their_parameters() -> None:
    heard = Heard()
    engine = sqlalchemy.create_engine("sqlite://")
    sqlalchemy.event.listen(engine, "before_cursor_execute", statement_logger(heard))
    with engine.connect() as conn:
        conn.execute(sqlalchemy.text("SELECT\n   :secret"), {"secret": "hunter2"})
    engine.dispose()
    assert heard.events == [("info", "sql.statement", "SELECT ?", {})]


async def test_libraries_are_heard_while_the_service_runs() -> None:
    heard = Heard()
    before = logging.getLogger().handlers[:]
    async with trio.open_nursery() as nursery:
        await nursery.start(LibraryLogging(heard).run)
        logging.getLogger("lib").warning("during")
        nursery.cancel_scope.cancel()
    logging.getLogger("lib").warning("after")
    assert [event[2] for event in heard.events] == ["during"]
    assert logging.getLogger().handlers == before
