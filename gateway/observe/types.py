"""What the program tells its operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySummary:
    """One relay, for the console line, the JSON line and the metrics. Times in seconds, cost in quota units."""

    request_id: str
    user: str
    token_name: str
    endpoint: str
    model: str
    channel: str
    """`name#id` of the last channel tried, empty when none was."""
    status: int
    outcome: str
    """`ok`, `client_gone`, `upstream_failed`, `refused`, `deadline`, `drained`, `quota`."""
    is_stream: bool
    attempts: int
    first_content_s: float | None
    duration_s: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    units: int
    error: str = ""


class Journal(Protocol):
    """Where events go. Calls never wait and never raise; what does not fit its buffer is dropped and counted."""

    def relay(self, summary: RelaySummary) -> None:
        """Report a relay that ended."""

    def event(self, level: Level, name: str, message: str, **fields: object) -> None:
        """Report anything else. `name` is a stable dotted word (`channel.suspended`), `message` is for people."""
