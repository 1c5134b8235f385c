"""What the journal keeps in its buffers: small values, made on the caller's side, rendered elsewhere.

`at_s` is Unix time in seconds, taken when the thing happened, not when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.observe.types import Level, RelaySummary

UNITS_PER_USD = 500_000
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUp:
    """What an operator wants to know of a gateway that has just begun to serve."""

    version: str
    addresses: tuple[str, ...]
    database: str
    """A DSN or a path; passwords in it are masked before anything is written."""
    log_database: str = ""
    """Empty when the logs are in the main database."""
    shared_state: str = "this process"
    """Where limits and suspensions live: a Redis address, the parent process, or this process."""
    replica: str = ""
    workers: int = 1
    channels: int = 0
    models: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relayed:
    """A relay ended."""

    at_s: float
    summary: RelaySummary


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else that happened."""

    at_s: float
    level: Level
    name: str
    message: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Started:
    """The gateway began to serve."""

    at_s: float
    facts: StartUp


Record = Relayed | Event | Started


def relay_level(summary: RelaySummary) -> Level:
    """Return how loud a relay is: `error` if the gateway or a provider failed, `warning` if a client was refused."""
    if summary.status >= 500 or summary.outcome in ("upstream_failed", "deadline"):
        return "error"
    if summary.status >= 400 or summary.outcome not in ("ok", "client_gone"):
        return "warning"
    return "info"


def record_level(record: Record) -> Level:
    """Return the level of any record."""
    if isinstance(record, Event):
        return record.level
    return relay_level(record.summary) if isinstance(record, Relayed) else "info"
