"""Ways into the journal for code that is not ours: the `logging` of libraries, and SQLAlchemy's statements.

Nothing here acts on import: the composition root installs the handler and takes it away again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.observe.types import Journal, Level

CHATTY = ("httpx2", "httpcore2", "coredis", "hypercorn.access", "quart.serving", "alembic.runtime.plugins")
"""Libraries that report every request; heard from warnings on, unless debugging."""


class JournalHandler(logging.Handler):
    """Turns log records of libraries into events named `log.LOGGER`."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Hand `record` on; never raises, whatever its arguments are."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = str(record.msg)
        fields: dict[str, object] = {}
        if record.exc_info and record.exc_info[0] is not None:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self._journal.event(_level(record.levelno), f"log.{record.name}", message, **fields)


def install_logging(journal: Journal, *, debug: bool = False) -> Callable[[], None]:
    """Route the root logger into `journal`; return the function that restores what was there before.

    Existing handlers are set aside, so that nothing is said twice. A second gateway of the same process that
    installs its own takes over until it is restored: restore in reverse order.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chatty = {name: logging.getLogger(name).level for name in CHATTY}
    own = JournalHandler(journal)
    root.handlers[:] = [own]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    if not debug:
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)

    def restore() -> None:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in chatty.items():
            logging.getLogger(name).setLevel(before)

    return restore


class LibraryLogging:
    """Service: libraries speak through `journal` for as long as it runs."""

    name = "library_logging"

    def __init__(self, journal: Journal, *, debug: bool = False) -> None:
        self._journal = journal
        self._debug = debug

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Install the handler, and restore what was there before once cancelled."""
        restore = install_logging(self._journal, debug=self._debug)
        try:
            task_status.started()
            await trio.sleep_forever()
        finally:
            restore()

    async def aclose(self) -> None:
        """Owe nothing."""


def statement_logger(journal: Journal) -> Callable[..., None]:
    """Return a listener for SQLAlchemy's `before_cursor_execute` that reports statements, never their parameters.

    For `DEBUG_SQL`: `sqlalchemy.event.listen(engine, "before_cursor_execute", statement_logger(journal))`. Reported
    as `info`, since the switch is independent of `DEBUG`.
    """

    def listener(
        _connection: object, _cursor: object, statement: str, _parameters: object, _context: object, many: bool
    ) -> None:
        text = " ".join(statement.split())
        if many:
            journal.event("info", "sql.statement", text, many=True)
        else:
            journal.event("info", "sql.statement", text)

    return listener


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
