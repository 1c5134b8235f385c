"""What happened: log entries, costs, traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.management.shown.envelope import Shown


class LogEntry(Shown):
    """One line of the log."""

    id: int
    user_id: int
    created_at: int = Field(description="Unix seconds.")
    type: int = Field(description="1 top-up, 2 consumption, 3 management, 4 system, 5 channel test.", examples=[2])
    content: str
    username: str
    token_name: str
    model_name: str = Field(examples=["gpt-4o-mini"])
    quota: int = Field(description="What was charged, in quota units.")
    prompt_tokens: int
    completion_tokens: int
    channel: int = Field(description="The channel's number.")
    request_id: str
    trace_id: str
    updated_at: int = Field(description="Unix milliseconds.")
    elapsed_time: int = Field(description="In milliseconds.")
    is_stream: bool
    system_prompt_reset: bool
    cached_prompt_tokens: int
    cached_completion_tokens: int


class Sum(Shown):
    """What was charged in all."""

    quota: int = Field(description="In quota units.")


class RequestCost(Shown):
    """What one request cost."""

    id: int
    created_time: int = Field(description="Unix seconds.")
    user_id: int | None = Field(None, description="Only for the owner and for administrators who are signed in.")
    request_id: str
    quota: int = Field(description="In quota units.")
    cost_usd: float = Field(description="500,000 quota units are a dollar.")
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")


class Trace(Shown):
    """When what happened to one relayed request."""

    id: int
    trace_id: str
    url: str
    method: str
    body_size: int = Field(description="In bytes.")
    status: int = Field(description="What the client got.")
    timestamps: dict[str, int] = Field(
        description="Unix milliseconds by step: `request_received`, `request_forwarded`, `first_upstream_response`, "
        "`first_client_response`, `upstream_completed`, `request_completed`; those that did not happen are missing."
    )
    created_at: int = Field(description="Unix milliseconds.")
    updated_at: int = Field(description="Unix milliseconds.")


class TracedEntry(Shown):
    """The log entry that a trace belongs to."""

    id: int
    user_id: int
    username: str
    content: str
    type: int


class TraceOfEntry(Trace):
    """A trace, how long its parts took, and the log entry that it belongs to."""

    durations: dict[str, int] = Field(
        description="Milliseconds: `processing_time`, `upstream_response_time`, `response_processing_time`, "
        "`streaming_time`, `total_time`; those that cannot be told are missing."
    )
    log: TracedEntry


class TraceAnswer(Shown):
    """A trace."""

    success: Literal[True]
    data: Trace


class TraceOfEntryAnswer(Shown):
    """The trace behind a log entry."""

    success: Literal[True]
    data: TraceOfEntry
