"""`one-api config`: the configuration as a file; what it would change; changing it."""

from __future__ import annotations

import getpass
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.pricing.tables import TableError
from adapters.providers.catalogue import CatalogueError, load_catalogue
from gateway.accounts.refusals import Refused
from gateway.audit.author import Author
from gateway.commands.databases import main_database, missing_file
from gateway.site.configuration.apply import apply as apply_document
from gateway.site.configuration.apply import export as export_document
from gateway.site.configuration.document import BadDocument, read_document
from gateway.site.configuration.plan import make_plan
from storage.errors import StorageError
from storage.migrate import pending
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.providers.catalogue import Catalogue
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded
    from gateway.site.configuration.document import Document
    from gateway.site.configuration.plan import Plan, Step
    from storage.database import Database

_SIGNS = {"add": "+", "change": "~", "remove": "-"}


def export(loaded: Loaded, terminal: Terminal, *, file: str) -> int:
    """Write the configuration to a file, or to standard output for `-`."""

    def work(database: Database, catalogue: Catalogue) -> int:
        text = database.read_sync(partial(export_document, catalogue=catalogue), snapshot=True)
        if file == "-":
            sys.stdout.write(text)
        else:
            Path(file).write_text(text, encoding="utf-8")
            terminal.say(f"Written to {file}, without secrets.")
        return 0

    return _with_database(loaded, terminal, work)


def plan(loaded: Loaded, terminal: Terminal, *, file: str, prune: bool) -> int:
    """Print what a file would change; 1 if it cannot be applied."""

    def work(database: Database, catalogue: Catalogue) -> int:
        document = _read(file)
        found = database.read_sync(
            partial(make_plan, document=document, catalogue=catalogue, prune=prune), snapshot=True
        )
        return _tell(found, terminal)

    return _with_database(loaded, terminal, work)


def apply(loaded: Loaded, terminal: Terminal, *, file: str, prune: bool, is_sure: bool) -> int:
    """Print what a file would change, and change it once that is wanted."""

    def work(database: Database, catalogue: Catalogue) -> int:
        document: Document = _read(file)
        found = database.read_sync(
            partial(make_plan, document=document, catalogue=catalogue, prune=prune), snapshot=True
        )
        code = _tell(found, terminal)
        if code or not found.steps:
            return code
        if not is_sure and not _confirmed(terminal, from_stdin=file == "-"):
            terminal.complain("Nothing was applied.")
            return 1
        database.write_sync(
            partial(
                apply_document, author=_author(), document=document, catalogue=catalogue, prune=prune, mark=found.mark
            )
        )
        terminal.say("Applied. Gateways that run follow within SYNC_FREQUENCY.")
        return 0

    return _with_database(loaded, terminal, work)


def _with_database(loaded: Loaded, terminal: Terminal, work: Callable[[Database, Catalogue], int]) -> int:
    settings = loaded.settings
    try:
        catalogue = load_catalogue(own=Path(settings.providers_dir) if settings.providers_dir else None)
    except (CatalogueError, TableError) as error:
        terminal.complain(f"The providers cannot be read: {error}")
        return 1
    with main_database(settings) as database:
        if path := missing_file(database):
            terminal.complain(f"There is no database {path}.")
            return 1
        try:
            if pending(database):
                terminal.complain("The database is not up to date: run `one-api migrate` first.")
                return 1
            return work(database, catalogue)
        except BadDocument as error:
            for fault in error.faults:
                terminal.complain(fault)
        except Refused as error:
            terminal.complain(error.message)
        except (OSError, UnicodeDecodeError) as error:
            terminal.complain(f"The file cannot be read or written: {error}")
        except StorageError as error:
            terminal.complain(f"The database cannot be used: {error}")
    return 1


def _read(file: str) -> Document:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    return read_document(text)


def _tell(found: Plan, terminal: Terminal) -> int:
    if found.faults:
        for fault in found.faults:
            terminal.complain(fault)
        terminal.complain("Nothing can be applied.")
        return 1
    for step in found.steps:
        _tell_step(step, terminal)
    counts = f"{found.count('add')} to add, {found.count('change')} to change, {found.count('remove')} to remove"
    terminal.say(f"Plan: {counts}." if found.steps else "Nothing to change.")
    return 0


def _tell_step(step: Step, terminal: Terminal) -> None:
    note = f"  ({step.note})" if step.note else ""
    terminal.say(f"{_SIGNS[step.doing]} {step.part} {step.name}{note}")
    for difference in step.differences:
        before = f"{difference.before} -> " if step.doing == "change" else ""
        terminal.say(f"    {difference.name}: {before}{difference.after}")


def _confirmed(terminal: Terminal, *, from_stdin: bool) -> bool:
    if from_stdin or not sys.stdin.isatty():
        terminal.complain("Nobody can be asked here: say --yes.")
        return False
    sys.stdout.write("Apply this? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _author() -> Author:
    """Return who is logged in at the machine; whoever may read the database's password may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return Author(id=0, username=name, role=Role.ROOT, via="command")
