"""The machine's view: one JSON object per line, with field names that stay.

`docs/console.md` describes each field, and a test compares that page with the classes here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gateway.observe.records import UNITS_PER_USD, Event, Relayed, relay_level
from gateway.observe.types import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.observe.records import Record


class RelayLine(msgspec.Struct, frozen=True, kw_only=True):
    """A relay that ended; `event` is always `relay`."""

    time: str
    level: Level
    event: str
    request_id: str
    user: str
    token_name: str
    endpoint: str
    model: str
    channel: str
    status: int
    outcome: str
    is_stream: bool
    attempts: int
    first_content_s: float | None
    duration_s: float
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    units: int
    cost_usd: float
    error: str


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """Anything else; `fields` differ by `event`."""

    time: str
    level: Level
    event: str
    message: str
    fields: Mapping[str, object]


class JsonLines:
    """Renders records. Used by one thread at a time."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=str)
        self._second = -1
        self._second_text = ""

    def render(self, records: Iterable[Record]) -> bytes:
        """Return `records` as lines, each ended by a line feed."""
        encode = self._encoder.encode
        return b"".join([encode(self._line(record)) + b"\n" for record in records])

    def _line(self, record: Record) -> RelayLine | EventLine:
        moment = self._moment(record.at_s)
        if isinstance(record, Relayed):
            s = record.summary
            return RelayLine(
                time=moment,
                level=relay_level(s),
                event="relay",
                request_id=s.request_id,
                user=s.user,
                token_name=s.token_name,
                endpoint=s.endpoint,
                model=s.model,
                channel=s.channel,
                status=s.status,
                outcome=s.outcome,
                is_stream=s.is_stream,
                attempts=s.attempts,
                first_content_s=None if s.first_content_s is None else round(s.first_content_s, 4),
                duration_s=round(s.duration_s, 4),
                prompt_tokens=s.prompt_tokens,
                completion_tokens=s.completion_tokens,
                cached_tokens=s.cached_tokens,
                units=s.units,
                cost_usd=round(s.units / UNITS_PER_USD, 6),
                error=s.error,
            )
        if isinstance(record, Event):
            return EventLine(
                time=moment, level=record.level, event=record.name, message=record.message, fields=record.fields
            )
        f = record.facts
        fields = {name: getattr(f, name) for name in f.__dataclass_fields__}
        return EventLine(
            time=moment,
            level="warning" if f.warnings else "info",
            event="server.started",
            message=f"One API {f.version} serves on {', '.join(f.addresses)}",
            fields=fields,
        )

    def _moment(self, at_s: float) -> str:
        second = int(at_s)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{int((at_s - second) * 1000):03d}Z"
