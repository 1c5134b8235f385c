"""The JSON lines keep their form."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from gateway.observe.jsonlines import JsonLines
from gateway.observe.records import Event, Relayed, Started, StartUp
from tests.observe.samples import PLAIN, summary


def one(record: Event | Relayed | Started) -> dict[str, object]:
    (line,) = JsonLines().render([record]).splitlines()
    return msgspec.json.decode(line, type=dict[str, object])


def test_relay_line_has_exactly_its_fields() -> None:
    assert one(Relayed(1764000000.0421, PLAIN)) == {
        "time": "2025-11-24T16:00:00.042Z",
        "level": "info",
        "event": "relay",
        "request_id": "202511241200001234567890123456",
        "user": "alice",
        "token_name": "laptop",
        "endpoint": "chat",
        "model": "gpt-4o-mini",
        "channel": "openai#3",
        "status": 200,
        "outcome": "ok",
        "is_stream": True,
        "attempts": 1,
        "first_content_s": 0.4213,
        "duration_s": 3.1,
        "prompt_tokens": 1234,
        "completion_tokens": 310,
        "cached_tokens": 900,
        "units": 2105,
        "cost_usd": 0.00421,
        "error": "",
    }


def test_levels_tell_who_failed() -> None:
    assert one(Relayed(0, summary(status=502, outcome="upstream_failed")))["level"] == "error"
    assert one(Relayed(0, summary(outcome="deadline")))["level"] == "error"
    assert one(Relayed(0, summary(status=429, outcome="refused")))["level"] == "warning"
    assert one(Relayed(0, summary(outcome="drained")))["level"] == "warning"
    assert one(Relayed(0, summary(outcome="client_gone")))["level"] == "info"


def test_event_fields_of_any_type_are_carried() -> None:
    line = one(Event(0, "warning", "channel.suspended", "a\nb", {"channel": 3, "path": Path("/x"), "until": None}))
    assert line["fields"] == {"channel": 3, "path": "/x", "until": None}
    assert line["message"] == "a\nb"


def test_start_is_an_event_with_all_facts() -> None:
    facts = StartUp(version="1.2", addresses=("http://0.0.0.0:3000",), database="one-api.db", warnings=("w",))
    line = one(Started(0, facts))
    assert line["event"] == "server.started"
    assert line["level"] == "warning"
    assert line["fields"]["database"] == "one-api.db"  # type: ignore[index]
    assert line["fields"]["warnings"] == ["w"]  # type: ignore[index]


def test_times_are_rfc_3339_in_utc_across_seconds() -> None:
    rendered = JsonLines().render([Event(at, "info", "x", "", {}) for at in (0.999, 1.0, 1.5, 0.001)])
    times = re.findall(rb'"time":"([^"]+)"', rendered)
    assert times == [
        b"1970-01-01T00:00:00.999Z",
        b"1970-01-01T00:00:01.000Z",
        b"1970-01-01T00:00:01.500Z",
        b"1970-01-01T00:00:00.001Z",
    ]
