"""`one-api secrets`: encrypt what channels keep secret, or store it in plain text again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.commands.databases import main_database, missing_file
from storage.errors import StorageError
from storage.migrate import pending
from storage.repositories import channel_secrets
from storage.sealing import Sealer

if TYPE_CHECKING:
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded


def run(loaded: Loaded, terminal: Terminal, *, seal: bool) -> int:
    """Rewrite all channels and say how many; 1 if some could not be read."""
    secrets = loaded.settings.encryption_keys
    if not secrets:
        terminal.complain("ENCRYPTION_KEYS is not set: there is nothing to encrypt or read with.")
        return 1
    with main_database(loaded.settings) as database:
        if path := missing_file(database):
            terminal.complain(f"There is no database {path}.")
            return 1
        try:
            if pending(database):
                terminal.complain("The database is not up to date: run `one-api migrate` first.")
                return 1
            work = partial(channel_secrets.rewrite, sealer=Sealer(secrets), seal=seal)
            written, locked = database.write_sync(work)
        except StorageError as error:
            terminal.complain(f"The channels cannot be rewritten: {error}")
            return 1
    terminal.say(f"{written} channels {'encrypted' if seal else 'stored in plain text'}")
    if locked:
        numbers = ", ".join(map(str, locked))
        terminal.complain(f"No secret in ENCRYPTION_KEYS opens these channels, which stay as they are: {numbers}")
        return 1
    return 0
