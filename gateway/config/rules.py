"""What single values cannot tell: settings that contradict each other, and those that deserve a word of warning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from storage.dsn import parse_dsn
from storage.errors import DsnError

if TYPE_CHECKING:
    from gateway.config.settings import Settings

_HOST_PORT = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:,\[\]]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Fault:
    """A field whose value cannot be used.

    `expected` is empty when the field's own words say it, or when `reason`, which tells what is wrong, says it.
    """

    field: str
    expected: str = ""
    reason: str = ""


@dataclass(slots=True)
class Found:
    """All that was noticed."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def contradictions(settings: Settings) -> Found:
    """Look at the settings together."""
    found = Found()
    _databases(settings, found)
    _redis(settings, found)
    _first_accounts(settings, found)
    _sessions(settings, found)
    if settings.frontend_base_url and settings.is_master:
        found.warnings.append("FRONTEND_BASE_URL has no effect on a master; it needs NODE_TYPE=slave")
    if settings.debug:
        found.warnings.append("DEBUG is on: every rate limit is off")
    if settings.fetch_allow_private:
        found.warnings.append("FETCH_ALLOW_PRIVATE is on: users can have addresses of your network fetched")
    return found


def _databases(settings: Settings, found: Found) -> None:
    for name in ("sql_dsn", "log_sql_dsn"):
        text: str = getattr(settings, name)
        # An empty SQL_DSN makes it the path that may be wrong.
        blamed = name if text or name == "log_sql_dsn" else "sqlite_path"
        if name == "log_sql_dsn" and not text:
            continue
        try:
            parse_dsn(text, sqlite_path=settings.sqlite_path)
        except DsnError as error:
            found.faults.append(Fault(blamed, reason=str(error)))


def _redis(settings: Settings, found: Found) -> None:
    text = settings.redis_conn_string
    if not text:
        if settings.redis_master_name:
            found.warnings.append("REDIS_MASTER_NAME has no effect without REDIS_CONN_STRING")
        return
    if settings.sync_frequency == 0:
        found.warnings.append("SYNC_FREQUENCY is 0, so REDIS_CONN_STRING has no effect")
    if settings.redis_master_name:
        if not all(_HOST_PORT.fullmatch(part.strip()) for part in text.split(",")):
            found.faults.append(Fault("redis_conn_string", "sentinels as host:port,host:port"))
    elif not _is_redis_url(text):
        found.faults.append(Fault("redis_conn_string"))


def _is_redis_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number
    except ValueError:
        return False
    if parts.scheme == "unix":
        return bool(parts.path)
    number = parts.path.strip("/")
    return parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and (not number or number.isdigit())


def _first_accounts(settings: Settings, found: Found) -> None:
    for name, longest in (("initial_root_token", 48), ("initial_root_access_token", 32)):
        text: str = getattr(settings, name)
        if len(text) > longest or any(character.isspace() for character in text):
            found.faults.append(Fault(name))
    if "-" in settings.initial_root_token:
        found.warnings.append("INITIAL_ROOT_TOKEN holds a '-', at which API keys end: nobody can use it")


def _sessions(settings: Settings, found: Found) -> None:
    secret = settings.session_secret
    if secret == "random_string":  # noqa: S105 - the very text that is warned of
        found.warnings.append("SESSION_SECRET is the example from a manual; anybody can forge sessions with it")
    elif not secret and (settings.uses_redis or not settings.is_master):
        found.warnings.append("SESSION_SECRET is not set: sessions work on one machine only and end when it restarts")
