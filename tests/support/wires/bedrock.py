"""Claude on Amazon Bedrock: Messages without a model, in frames."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.frames import EVENT_STREAM, chunk
from tests.support.wires import claude
from tests.support.wires.said import Asked, Fails, Said, require

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM_TYPE = EVENT_STREAM
_VERSION = "bedrock-2023-05-31"
_OPERATIONS = {"invoke": False, "invoke-with-response-stream": True}
_NOT_HERE = ("model", "stream")


def read(body: dict[str, Any], target: str) -> Asked:
    """Return what a request asks. Raises `Unacceptable`."""
    _, wire, kind, model, operation = target.split("/")
    require((wire, kind) == ("bedrock", "model") and operation in _OPERATIONS, f"no such path: {target}")
    require(model.startswith("anthropic.claude-"), f"The provided model identifier is invalid: {model}")
    require(body.get("anthropic_version") == _VERSION, "anthropic_version: Field required")
    for name in _NOT_HERE:
        require(name not in body, f"{name}: Extra inputs are not permitted")
    plain = {name: value for name, value in body.items() if name not in ("anthropic_version", "anthropic_beta")}
    streams = _OPERATIONS[operation]
    asked = claude.read(plain | {"model": "claude", "stream": streams}, "/v1/messages")
    asked.raw = body
    asked.model = model
    return asked


def whole(said: Said, asked: Asked) -> dict[str, Any]:
    """Return the answer as one body."""
    return claude.whole(said, asked) | {"model": "claude-opus-4-5"}


def stream(said: Said, asked: Asked) -> Iterator[bytes]:
    """Give the answer as frames."""
    asked.model = "claude-opus-4-5"
    for event in claude.stream(said, asked):
        yield chunk(json.loads(event.split(b"data: ", 1)[1]))


def failure(fails: Fails) -> dict[str, Any]:
    """Return an error's body."""
    return {"message": fails.message}
