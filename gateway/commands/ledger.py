"""`one-api ledger verify`: whether every balance is explained by the books."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from gateway.commands.databases import main_database, missing_file
from gateway.ledger.verify import accept_differences, difference_table
from gateway.ledger.verify import verify as find_differences
from storage.errors import StorageError
from storage.migrate import pending

if TYPE_CHECKING:
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded


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
