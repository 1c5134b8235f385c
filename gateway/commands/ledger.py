"""`one-api ledger`: whether every balance is explained by the books, and what waits to be written into them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from gateway.commands.databases import main_database, missing_file
from gateway.ledger.verify import accept_differences, difference_table
from gateway.ledger.verify import verify as find_differences
from storage.errors import StorageError
from storage.migrate import pending
from storage.repositories import ledger_parked

if TYPE_CHECKING:
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded, Settings
    from storage.database import Database


def verify(loaded: Loaded, terminal: Terminal, *, accept: bool) -> int:
    """Print each difference; 1 if there is one, unless `accept` writes it into the books."""
    with main_database(loaded.settings) as database:
        if path := missing_file(database):
            terminal.complain(f"There is no database {path}.")
            return 1
        try:
            if pending(database):
                terminal.complain("The database is not up to date: run `one-api migrate` first.")
                return 1
            if accept:
                differences = database.write_sync(partial(accept_differences, at_ms=time.time_ns() // 1_000_000))
            else:
                # One moment for all balances, since a gateway may be charging meanwhile.
                differences = database.read_sync(find_differences, snapshot=True)
        except StorageError as error:
            terminal.complain(f"The books cannot be read: {error}")
            return 1
    terminal.say(difference_table(differences))
    if accept and differences:
        terminal.say("Accepted: the ledger now explains the balances as they were found.")
    return 1 if differences and not accept else 0


def parked(loaded: Loaded, terminal: Terminal, *, retry: bool) -> int:
    """Print what waits; with `retry`, write it first. 1 if anything still waits."""
    with main_database(loaded.settings) as database:
        if path := missing_file(database):
            terminal.complain(f"There is no database {path}.")
            return 1
        try:
            if pending(database):
                terminal.complain("The database is not up to date: run `one-api migrate` first.")
                return 1
            waiting = database.read_sync(ledger_parked.parked)
            if retry:
                waiting = [item for item in waiting if not _written(database, item, loaded.settings, terminal)]
        except StorageError as error:
            terminal.complain(f"The books cannot be read: {error}")
            return 1
    for item in waiting:
        since = datetime.fromtimestamp(item.created_at / 1000, UTC).isoformat(sep=" ", timespec="seconds")
        terminal.say(f"{since}  {item.request_id}  {item.op.units} units  {item.error}")
    if not waiting:
        terminal.say("Nothing waits.")
    return 1 if waiting else 0


def _written(database: Database, item: ledger_parked.Parked, settings: Settings, terminal: Terminal) -> bool:
    work = partial(
        ledger_parked.retry, item=item, now_ms=time.time_ns() // 1_000_000, outbox=bool(settings.log_sql_dsn)
    )
    try:
        database.write_sync(work)
    except (StorageError, ValueError, OverflowError) as error:
        terminal.complain(f"{item.request_id} was refused again: {error}")
        return False
    terminal.say(f"Written: {item.request_id}, {item.op.units} units")
    return True
