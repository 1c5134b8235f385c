"""What can go wrong in storage, split by what the caller can do about it.

StorageError
 x DsnError               the address of a database cannot be read: correct it (start-up only)
 x DatabaseUnavailable    no connection, or it broke: wait, answer 503
    x TooSlow             the database gave up on a statement at its time limit
 x Retryable              deadlock, serialisation failure, lock not granted: repeat the whole transaction
 x Conflict               a unique key exists already: tell the user
 x Rejected               the database refuses these values or this statement: repeating is of no use

No message carries text of a driver, since that quotes values; the driver's error is the `__cause__`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from sqlalchemy import exc

if TYPE_CHECKING:
    from storage.dsn import Dialect


class StorageError(Exception):
    """Base: the database did not do what was asked, and the transaction is rolled back."""

    code = "storage"


class DsnError(StorageError, ValueError):
    """A database address is wrong. The message says what was expected and never shows a password."""

    code = "dsn"


class DatabaseUnavailable(StorageError):
    """The database cannot be reached, or went away.

    `in_doubt` is true when that happened during COMMIT: the transaction may have been stored all the same.
    """

    code = "database_unavailable"

    def __init__(self, reason: str = "the database cannot be reached", *, in_doubt: bool = False) -> None:
        super().__init__(reason)
        self.in_doubt = in_doubt


class TooSlow(DatabaseUnavailable):
    """A statement ran into the time limit of its lane."""

    code = "database_too_slow"


class Retryable(StorageError):
    """Another transaction was in the way; nothing was stored, and the same transaction may work now."""

    code = "database_busy"


class Conflict(StorageError):
    """A unique key exists already. `where` names it as far as the engine tells, for example `users.username`."""

    code = "conflict"

    def __init__(self, where: str = "") -> None:
        super().__init__(f"{where or 'the value'} exists already")
        self.where = where


class Rejected(StorageError):
    """The database refuses the values (too long, missing, out of range) or the statement."""

    code = "database_rejected"


# Error numbers: https://mariadb.com/kb/en/mariadb-error-codes/ and MySQL's "Server Error Message Reference".
_MYSQL_BUSY = {1205, 1213, 3572}
_MYSQL_SLOW = {1969, 3024}
_MYSQL_GONE = {
    *(0, 1040, 1041, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226),
    *(1290, 1836, 1927, 2002, 2003, 2005, 2006, 2013, 2026, 2055, 4031),
}
_POSTGRES_BUSY = {"40001", "40P01", "55P03"}
_POSTGRES_GONE = {"25006", "3D000"}
_POSTGRES_GONE_CLASSES = {"08", "28", "53", "57", "58", "XX"}
_SQLITE_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_SQLITE_REFUSES = {"SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_TOOBIG", "SQLITE_MISMATCH", "SQLITE_RANGE"}


def translate(error: exc.SQLAlchemyError, dialect: Dialect, *, committing: bool = False) -> StorageError:
    """Return the `StorageError` that stands for what the driver or SQLAlchemy raised.

    `committing` says that the error came from COMMIT, whose outcome a broken connection leaves open.
    """
    if not isinstance(error, exc.DBAPIError):
        if isinstance(error, exc.TimeoutError):
            return DatabaseUnavailable("no free connection")
        return Rejected(f"the statement cannot be run ({type(error).__name__})")
    if dialect == "sqlite":
        found = _sqlite(error)
    elif dialect == "postgresql":
        found = _postgres(error)
    else:
        found = _mysql(error)
    if isinstance(found, DatabaseUnavailable):
        found.in_doubt = committing
    return found


def _sqlite(error: exc.DBAPIError) -> StorageError:
    name = cast("str", getattr(error.orig, "sqlite_errorname", "SQLITE_ERROR"))
    if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}:
        return Conflict(_after(r"failed: ([\w.]+)", error))
    main = "_".join(name.split("_")[:2])
    if main in _SQLITE_BUSY:
        return Retryable("the database is busy")
    if main in _SQLITE_REFUSES or isinstance(error, exc.DataError | exc.ProgrammingError):
        return Rejected(f"the database refuses this ({name})")
    return DatabaseUnavailable(f"the database file cannot be used ({name})")


def _postgres(error: exc.DBAPIError) -> StorageError:
    state = cast("str | None", getattr(error.orig, "sqlstate", None))
    if state is None:
        # No answer of the server: a connection that could not be made or broke.
        if error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError):
            return DatabaseUnavailable()
        return Rejected(f"the statement cannot be run ({type(error.orig).__name__})")
    if state == "23505":
        diagnosis = getattr(error.orig, "diag", None)
        return Conflict(str(getattr(diagnosis, "constraint_name", None) or ""))
    if state in _POSTGRES_BUSY:
        return Retryable(f"another transaction is in the way (SQLSTATE {state})")
    if state == "57014":
        return TooSlow("a statement took longer than its limit")
    if state in _POSTGRES_GONE or state[:2] in _POSTGRES_GONE_CLASSES:
        return DatabaseUnavailable(f"the database cannot serve (SQLSTATE {state})")
    return Rejected(f"the database refuses this (SQLSTATE {state})")


def _mysql(error: exc.DBAPIError) -> StorageError:
    arguments = error.orig.args if error.orig is not None else ()
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    if number in {1062, 1169, 1586}:
        return Conflict(_after(r"for key '([^']+)'", error))
    if number in _MYSQL_BUSY:
        return Retryable(f"another transaction is in the way (error {number})")
    if number in _MYSQL_SLOW:
        return TooSlow("a statement took longer than its limit")
    if number in _MYSQL_GONE or error.connection_invalidated:
        return DatabaseUnavailable(f"the database cannot serve (error {number})")
    return Rejected(f"the database refuses this (error {number})")


def _after(pattern: str, error: exc.DBAPIError) -> str:
    """Return the name of a key out of a driver's message, without the value that the message quotes."""
    found = re.search(pattern, str(error.orig))
    return found.group(1) if found else ""
