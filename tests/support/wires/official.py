"""Checks of requests against the types of the providers' own clients: nothing else, and nothing of another shape.

The clients describe requests as `TypedDict`s, which pydantic can check; members that they do not know are refused, as
most providers do.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import anthropic.types.message_create_params
import openai.types.chat.completion_create_params
import openai.types.responses.response_create_params
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tests.support.wires.said import Unacceptable

_STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def check_chat(body: Any) -> None:
    """Refuse a body that is no request for Chat Completions."""
    _check(_adapter("chat"), body)


def check_responses(body: Any) -> None:
    """Refuse a body that is no request for the Responses API."""
    _check(_adapter("responses"), body)


def check_claude(body: Any, *, sampling: bool = True) -> None:
    """Refuse a body that is no request for Messages. Older versions of the API than the client's know sampling."""
    # Of the beta API, which Claude Code asks for.
    known = ("context_management", *(("temperature", "top_p", "top_k") if sampling else ()))
    _check(_adapter("claude"), {name: value for name, value in body.items() if name not in known})


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    _make_strict()
    types: dict[str, Any] = {
        "chat": openai.types.chat.completion_create_params.CompletionCreateParams,
        "responses": openai.types.responses.response_create_params.ResponseCreateParams,
        "claude": anthropic.types.message_create_params.MessageCreateParams,
    }
    return TypeAdapter(types[name])


@cache
def _make_strict() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(("openai.types.", "anthropic.types.")):
            for value in list(vars(module).values()):
                if isinstance(value, type) and hasattr(value, "__required_keys__"):
                    value.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]


def _check(adapter: TypeAdapter[Any], body: Any) -> None:
    try:
        _exhaust(adapter.validate_python(body))
    except ValidationError as error:
        # Of a union every alternative complains; the deepest complaints belong to the one that was meant.
        complaints = sorted(error.errors(), key=lambda item: -len(item["loc"]))[:8]
        told = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in complaints)
        raise Unacceptable(f"unlike the official client's types: {told}") from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:40] for part in location)


def _exhaust(value: Any) -> None:
    """Read what pydantic checks only while it is read."""
    if isinstance(value, dict):
        for inner in value.values():
            _exhaust(inner)
    elif not isinstance(value, str | bytes) and hasattr(value, "__iter__"):
        for inner in value:
            _exhaust(inner)
