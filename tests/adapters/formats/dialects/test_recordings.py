"""What each wire is sent, and what its answers say, held to exchanges with the providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.formats.assembly import assemble
from adapters.formats.dialects.table import DIALECTS
from adapters.formats.errors import ProviderFailure
from adapters.formats.neutral.answers import Response
from adapters.formats.neutral.encoding import Encoded, RequestOptions
from adapters.formats.neutral.events import Failure
from adapters.formats.neutral.parts import Text, ToolCall
from adapters.formats.table import CLIENTS, PROVIDERS
from adapters.sse import EventScanner
from adapters.wires.framing import event_of

if TYPE_CHECKING:
    from adapters.formats.codec import ProviderSide

DATA = Path(__file__).with_name("data")
RECORDED = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(DATA.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]


def encoded(name: str, case: dict[str, Any]) -> Encoded:
    request = CLIENTS[case["client"]].decode_request(json.dumps(case["asked"]).encode())
    options = RequestOptions(settings=case.get("settings", {}))
    return PROVIDERS[name].encode_request(request, case["model"], options)


def outcome(side: ProviderSide, case: dict[str, Any]) -> dict[str, Any]:
    """Return what the answer says, or how it fails."""
    if not case["asked"].get("stream", False):
        body = {"frames": case["frames"]} if "frames" in case else case["body"]
        try:
            return told(side.decode_response(json.dumps(body).encode()))
        except ProviderFailure as failure:
            return {"message": failure.error.message, "status": failure.status, "code": failure.error.code}
    raw = case.get("stream", "").encode()
    for item in case.get("lines") or case.get("frames") or ([case["body"]] if "body" in case else []):
        raw += event_of(json.dumps(item).encode())
    decoder = side.stream_decoder()
    events = [said for event in EventScanner().feed(raw) for said in decoder.feed(event)] + decoder.close()
    for said in events:
        if isinstance(said, Failure):
            return {"message": said.message, "status": said.status, "code": said.code}
    return told(assemble(events))


def told(response: Response) -> dict[str, Any]:
    (choice,) = response.choices
    said: dict[str, Any] = {
        "text": "".join(part.text for part in choice.parts if isinstance(part, Text)),
        "ends": choice.stop_reason.value,
    }
    if calls := [[part.name, part.arguments] for part in choice.parts if isinstance(part, ToolCall)]:
        said["calls"] = calls
    if response.usage is not None:
        said["tokens"] = [response.usage.prompt_total, response.usage.completion_total]
    return said


@pytest.mark.parametrize(("name", "case"), RECORDED)
def test_requests_are_written_as_the_provider_takes_them(name: str, case: dict[str, Any]) -> None:
    found = encoded(name, case)
    assert json.loads(found.body) == case["sent"]
    assert list(found.dropped) == case.get("dropped", [])


@pytest.mark.parametrize(("name", "case"), RECORDED)
def test_answers_say_what_the_provider_said(name: str, case: dict[str, Any]) -> None:
    side = PROVIDERS[name]
    if "refusal" in case:
        error = side.read_error(json.dumps(case["refusal"]).encode(), case["status"])
        got = {"message": error.message, "type": error.type, "code": error.code, "param": error.param}
        assert got == case["error"]
    else:
        assert outcome(side, case) == (case.get("told") or case["failure"])


def test_every_dialect_is_held_to_an_exchange() -> None:
    assert {path.stem for path in DATA.glob("*.json")} >= set(DIALECTS) - {"converse"}
