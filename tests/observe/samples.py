"""Records to render."""

from __future__ import annotations

from dataclasses import replace

from gateway.observe.types import RelaySummary

PLAIN = RelaySummary(
    request_id="202511241200001234567890123456",
    user="alice",
    token_name="laptop",
    endpoint="chat",
    model="gpt-4o-mini",
    channel="openai#3",
    status=200,
    outcome="ok",
    is_stream=True,
    attempts=1,
    first_content_s=0.4213,
    duration_s=3.1,
    prompt_tokens=1234,
    completion_tokens=310,
    cached_tokens=900,
    units=2105,
)


def summary(**changes: object) -> RelaySummary:
    """Return the plain relay with `changes`."""
    return replace(PLAIN, **changes)  # type: ignore[arg-type]
