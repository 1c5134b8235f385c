"""`one-api migrate`: bring the database's structure up to date."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gateway.commands.databases import log_database, main_database, missing_file
from gateway.observe.progress import migration_progress
from storage.errors import StorageError
from storage.migrate import ensure_logs, migrate, pending

if TYPE_CHECKING:
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded
    from storage.migrations.step import MigrationReport


def run(loaded: Loaded, terminal: Terminal, *, only_look: bool) -> int:
    """Migrate, or with `only_look` list what is pending; return the exit code."""
    try:
        with main_database(loaded.settings) as database, log_database(loaded.settings) as logs:
            if only_look:
                if path := missing_file(database):
                    terminal.say(f"There is no database {path}; it would be made.")
                    return 0
                return _look(pending(database), terminal)
            with migration_progress(sys.stderr, on_terminal=sys.stderr.isatty()) as draw:

                def progress(done: int, total: int, _what: str) -> None:
                    draw("database", done, total)  # one bar, not one for each of many short steps

                report = migrate(database, progress)
                log_report = ensure_logs(logs, progress) if logs else None
    except StorageError as error:
        terminal.complain(f"The migration failed: {error}")
        return 1
    _tell(report, terminal)
    if log_report:
        terminal.say("The database of logs:")
        _tell(log_report, terminal)
    return 0


def _look(revisions: list[str], terminal: Terminal) -> int:
    for revision in revisions:
        terminal.say(f"pending: {revision}")
    if not revisions:
        terminal.say("Nothing is pending.")
    return 0


def _tell(report: MigrationReport, terminal: Terminal) -> None:
    if report.is_adoption:
        terminal.say("A database of one-api was taken over. one-api can still open it.")
    facts = {
        "tables made": ", ".join(report.created_tables),
        "columns added": ", ".join(report.added_columns),
        "indexes added": ", ".join(report.added_indexes),
        "columns widened": ", ".join(report.widened_columns),
        "duplicate cost rows removed": str(report.removed_duplicates or ""),
        "channels whose prices were converted": ", ".join(map(str, report.converted_channels)),
        "accounts whose books were opened": str(report.opened_accounts or ""),
    }
    told = {name: value for name, value in facts.items() if value}
    for name, value in told.items():
        terminal.say(f"{name}: {value}")
    for channel, reason in report.skipped_channels.items():
        terminal.warn(f"the prices of channel {channel} cannot be read and stay as they are: {reason}")
    if not told and report.before == report.after:
        terminal.say("Nothing to do, it is up to date.")
