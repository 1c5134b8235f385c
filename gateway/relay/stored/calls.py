"""What clients can ask about a response that is kept (https://platform.openai.com/docs/api-reference/responses)."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE = "/v1/responses"
_PATH = re.compile(rf"{BASE}/(?P<id>[^/]+)(?P<rest>/cancel|/input_items)?/?")
_METHODS = {"": ("GET", "DELETE"), "/cancel": ("POST",), "/input_items": ("GET",)}


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One call about `response_id`; `rest` is what its path adds: nothing, `/cancel` or `/input_items`."""

    method: str
    response_id: str
    rest: str


def addresses() -> list[tuple[str, str]]:
    """Return method and path of every call, with `{response_id}` where the path names the response."""
    return [(method, f"{BASE}/{{response_id}}{rest}") for rest, methods in _METHODS.items() for method in methods]


def stored_call(method: str, path: str) -> StoredCall | None:
    """Return what is asked, or `None` if it is nothing about a kept response."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    rest = found["rest"] or ""
    return StoredCall(method, found["id"], rest) if method in _METHODS[rest] else None
