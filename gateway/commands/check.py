"""`one-api check`: show the configuration that is in force, and try what it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from sqlalchemy import text

from adapters.pricing.tables import TableError
from adapters.providers.catalogue import FIRST_OWN_ID, CatalogueError, load_catalogue
from gateway.accounts.passwords import verify_password
from gateway.cluster.redis_address import read_address
from gateway.commands.databases import log_database, main_database, missing_file
from gateway.config.process_group import PRIVATE_NETWORKS
from gateway.config.settings import SPECS
from gateway.groups import innermost
from storage.bootstrap import ROOT_NAME, ROOT_PASSWORD
from storage.errors import StorageError
from storage.migrate import pending
from storage.repositories import users

if TYPE_CHECKING:
    from gateway.commands.terminal import Terminal
    from gateway.config.settings import Loaded, Settings
    from storage.database import Database

REDIS_LIMIT_S = 5.0

_BEHIND_NAT = """\
  TRUSTED_PROXIES has its default: X-Forwarded-For and the like are believed when they come from loopback and
  private networks. Behind NAT (published ports of containers, some load balancers) strangers seem to come from such
  an address, too. They could then claim any address, and so pass the subnets of tokens and the limits per address.
  Name the addresses of your reverse proxies, or set TRUSTED_PROXIES= (empty) if there is none."""


def run(loaded: Loaded, terminal: Terminal, *, show_all: bool) -> int:
    """Print the findings; return 1 if something is wrong with them."""
    settings = loaded.settings
    _show(loaded, terminal, show_all=show_all)
    terminal.heading("\nFindings")
    for warning in loaded.warnings:
        terminal.warn(warning)
    is_good = _check_catalogue(settings, terminal)
    is_good = _check_database(settings, terminal) and is_good
    is_good = _check_log_database(settings, terminal) and is_good
    is_good = _check_redis(settings, terminal) and is_good
    is_good = _check_log_dir(settings, terminal) and is_good
    if settings.trusted_proxies == PRIVATE_NETWORKS:
        terminal.say()
        terminal.say(_BEHIND_NAT)
    return 0 if is_good else 1


def _show(loaded: Loaded, terminal: Terminal, *, show_all: bool) -> None:
    specs = [spec for spec in SPECS if show_all or spec.field in loaded.given]
    terminal.heading("All settings" if show_all else "Settings that are given (with defaults: one-api check --all)")
    width = max((len(spec.name) for spec in specs), default=0)
    for spec in specs:
        value = spec.shown(getattr(loaded.settings, spec.field))
        note = "   (no effect)" if spec.variable.no_effect else ""
        terminal.pair(spec.name, f"{value}{note}", width=width)
    if not specs:
        terminal.say("  none: everything has its default")


def _check_catalogue(settings: Settings, terminal: Terminal) -> bool:
    own = Path(settings.providers_dir) if settings.providers_dir else None
    try:
        catalogue = load_catalogue(own=own)
    except (CatalogueError, TableError) as error:
        terminal.bad(f"providers: {error}")
        return False
    mine = [provider.key for provider in catalogue.providers if provider.id >= FIRST_OWN_ID]
    if own is not None:
        terminal.good(f"providers: {len(catalogue.providers)}, of your own: {', '.join(mine) or 'none'}")
    return True


def _check_database(settings: Settings, terminal: Terminal) -> bool:
    with main_database(settings) as database:
        display = database.dsn.display
        if path := missing_file(database):
            return _check_place(path, terminal)
        try:
            version = database.read_sync(
                lambda conn: _version(conn.execute(text(_VERSIONS[database.dialect])).scalar())
            )
            terminal.good(f"database: {display} answers ({version})")
            revisions = pending(database)
        except StorageError as error:
            terminal.bad(f"database: {display}: {error}")
            return False
        for revision in revisions:
            terminal.warn(f"database: pending, applied at the next start or by `one-api migrate`: {revision}")
        if not revisions:
            _check_root(database, terminal)
    return True


_VERSIONS = {
    "sqlite": "SELECT sqlite_version()",
    "postgresql": "SHOW server_version",
    "mysql": "SELECT version()",
}


def _version(value: object) -> str:
    return str(value).split(" ")[0]


def _check_place(path: Path, terminal: Terminal) -> bool:
    folder = path.parent
    if folder.is_dir() and os.access(folder, os.W_OK):
        terminal.good(f"database: {path} is not there yet and will be made at the first start")
        terminal.warn(f"the first start makes the account {ROOT_NAME} with the password {ROOT_PASSWORD}: change it")
        return True
    terminal.bad(f"database: {path} is not there and cannot be made: no folder {folder} that we may write to")
    return False


def _check_root(database: Database, terminal: Terminal) -> None:
    user = database.read_sync(lambda conn: users.by_name(conn, ROOT_NAME))
    if user is not None and verify_password(ROOT_PASSWORD, user.password):
        terminal.warn(f"{ROOT_NAME} still has the password of the first start, which everybody knows: change it")


def _check_log_database(settings: Settings, terminal: Terminal) -> bool:
    with log_database(settings) as database:
        if database is None:
            return True
        display = database.dsn.display
        try:
            database.read_sync(lambda conn: conn.execute(text("SELECT 1")).scalar())
        except StorageError as error:
            terminal.bad(f"database of logs: {display}: {error}")
            return False
        terminal.good(f"database of logs: {display} answers")
        return True


def _check_redis(settings: Settings, terminal: Terminal) -> bool:
    if not settings.uses_redis:
        return True
    try:
        trio.run(_ping_redis, settings)
    except Exception as error:  # noqa: BLE001 - whatever a client library raises is the finding
        # Only the kind: messages of the client may quote the address, and that has the password in it.
        terminal.bad(f"Redis: no answer ({type(innermost(error)).__name__})")
        return False
    terminal.good("Redis: answers")
    return True


async def _ping_redis(settings: Settings) -> None:
    address = read_address(
        settings.redis_conn_string, master_name=settings.redis_master_name, password=settings.redis_password
    )
    with trio.fail_after(REDIS_LIMIT_S):
        async with address.connect() as client:
            await client.ping()


def _check_log_dir(settings: Settings, terminal: Terminal) -> bool:
    if not settings.log_dir:
        return True
    folder = Path(settings.log_dir)
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return True
    terminal.bad(f"LOG_DIR: {folder} is no folder that we may write to")
    return False
