"""How to copy the database that this gateway uses, as a command for a terminal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.dsn import Dsn


def backup_command(dsn: Dsn) -> str:
    """Return a command that copies the database while the gateway serves; it asks for the password, if any."""
    url = dsn.url
    if dsn.dialect == "sqlite":
        # Not `cp`: what was written last may still be in the journal beside the file.
        return shlex.join(["sqlite3", url.database or "one-api.db", ".backup one-api-backup.db"])
    place = ["--host", url.host or "localhost"]
    if url.port:
        place += ["--port", str(url.port)]
    name = url.database or ""
    if dsn.dialect == "postgresql":
        user = ["--username", url.username] if url.username else []
        return shlex.join(["pg_dump", *place, *user, "--format=custom", "--file=one-api.dump", name])
    user = ["--user", url.username, "--password"] if url.username else []
    words = ["mysqldump", *place, *user, "--single-transaction", "--hex-blob", "--result-file=one-api.sql", name]
    return shlex.join(words)
