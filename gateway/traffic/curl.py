"""A request that is in the log as a command for a terminal: what is kept of it, and places for what is not.

Neither the key nor what was said is kept, so both are to be filled in.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from gateway.playground.conversation import KEY_HEADERS
from gateway.playground.snippets import KEY

if TYPE_CHECKING:
    from gateway.traffic.request import RequestPage

_PLACE = "…"
_SAID: dict[str, dict[str, Any]] = {
    "chat_completions": {"messages": [{"role": "user", "content": _PLACE}]},
    "messages": {"messages": [{"role": "user", "content": _PLACE}]},
    "responses": {"input": _PLACE},
    "generate_content": {"contents": [{"role": "user", "parts": [{"text": _PLACE}]}]},
    "completions": {"prompt": _PLACE},
    "embeddings": {"input": _PLACE},
    "moderations": {"input": _PLACE},
    "rerank": {"query": _PLACE, "documents": [_PLACE]},
    "images_generations": {"prompt": _PLACE},
    "audio_speech": {"input": _PLACE},
}
"""What is said at each endpoint that takes JSON."""
_LIMIT = 1024
# What the format demands.
_DEMANDED = {"messages": {"max_tokens": _LIMIT}}


def as_curl(page: RequestPage, base_url: str) -> str:
    """Return the command, empty where the endpoint or its path is not known, or takes no JSON."""
    entry, detail = page.entry, page.detail
    if entry.endpoint not in _SAID or not page.path.startswith("/"):
        return ""
    body: dict[str, Any] = {"model": entry.asked_model or entry.model} if entry.endpoint != "generate_content" else {}
    body |= _DEMANDED.get(entry.endpoint, {})
    if detail is not None:
        body |= detail.params
    if entry.is_stream and entry.endpoint != "generate_content":
        body["stream"] = True
    body |= _SAID[entry.endpoint]
    header, pattern = KEY_HEADERS.get(entry.format, KEY_HEADERS["openai_chat"])
    url = base_url.rstrip("/") + page.path
    if entry.endpoint == "generate_content" and entry.is_stream:
        url += "?alt=sse"
    key = f"{header}: {pattern.format(key=KEY)}"
    more = "  -H 'anthropic-version: 2023-06-01' \\\n" if entry.format == "anthropic" else ""
    return (
        f"curl {shlex.quote(url)} \\\n  -H {json.dumps(key)} \\\n{more}"
        f"  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )
