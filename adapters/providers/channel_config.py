"""The settings of a channel that every type has, read and checked in one place.

`custom_headers`       headers for the provider, by name; they win over all others, and may be secret
`endpoint_urls`        by endpoint of the provider: a URL, or a path below the base URL, in place of the usual one
`supported_endpoints`  what clients may ask the channel for; empty or absent: all that its type has
`api_format`           `response`: an OpenAI channel is asked for chats by the Responses API; `chat_completion`: it is
                       asked by Chat Completions, also for clients of the other; absent: each client in its own

Endpoints have the catalogue's names (`chat_completions`), one-api's (`response_api`, `claude_messages`), or are
written as the path of a client (`/v1/chat/completions`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.providers.provider import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADERS = "custom_headers"
URLS = "endpoint_urls"
SUPPORTED = "supported_endpoints"
API_FORMAT = "api_format"
API_FORMATS = ("", "chat_completion", "response")

GENERATE = "generate_content"
"""What clients of Gemini's API ask; a channel that serves chats serves them, too."""
_CHAT = "chat_completions"
_SYNONYMS = {"response_api": "responses", "claude_messages": "messages"}
"""One-api's names."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_NOT_OURS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers that say how a message is framed, or what its body is: only who writes it knows."""


class ConfigError(ValueError):
    """A channel's settings are wrong. The message names the setting, and never its value."""


def endpoint_name(written: str) -> str:
    """Return the catalogue's name of an endpoint. Raises `ConfigError`."""
    name = _plain(written)
    if name not in ENDPOINTS and name != GENERATE:
        raise ConfigError(f"there is no endpoint {written!r}; known are {', '.join((*ENDPOINTS, GENERATE))}")
    return name


def _plain(written: str) -> str:
    plain = written.strip().strip("/").lower().removeprefix("v1/").replace("/", "_")
    return _SYNONYMS.get(plain, plain)


def check_config(config: Mapping[str, object]) -> None:
    """Raise `ConfigError` for the first setting that could not be honoured."""
    supported = config.get(SUPPORTED)
    if supported is not None:
        if not isinstance(supported, list) or not all(isinstance(name, str) for name in supported):
            raise ConfigError(f"{SUPPORTED} must be a list of endpoints")
        for name in supported:
            endpoint_name(name)
    for name, url in _texts(config, URLS).items():
        endpoint_name(name)
        _check_url(url, name)
    for name, value in _texts(config, HEADERS).items():
        _check_header(name, value)
    if config.get(API_FORMAT) is not None and config[API_FORMAT] not in API_FORMATS:
        raise ConfigError(f"{API_FORMAT} must be chat_completion or response")


def custom_headers(config: Mapping[str, object]) -> dict[str, str]:
    """Return the channel's own headers by their names in lower case; blank ones, and what cannot be sent, not."""
    found = config.get(HEADERS)
    if not isinstance(found, dict):
        return {}
    return {
        name.lower(): value
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, str) and value and _fault_of(name, value) is None
    }


def endpoint_url(config: Mapping[str, object], endpoint: str) -> str:
    """Return the channel's own address for `endpoint`, empty if it has none; `{model}` stands for the model."""
    found = config.get(URLS)
    return _by_endpoint(found.items()).get(endpoint, "") if isinstance(found, dict) else ""


def supports(config: Mapping[str, object], endpoint: str) -> bool:
    """Whether the channel serves `endpoint`, as far as its own list says."""
    found = config.get(SUPPORTED)
    if not isinstance(found, list) or not found:
        return True
    served = _by_endpoint((name, "") for name in found)
    return endpoint in served or (endpoint == GENERATE and _CHAT in served)


def _by_endpoint(items: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Return what is given by endpoint; names that nobody knows (rows of older programs) say nothing."""
    found: dict[str, str] = {}
    for name, value in items:
        if isinstance(name, str) and isinstance(value, str):
            found[_plain(name)] = value
    return found


def _texts(config: Mapping[str, object], name: str) -> dict[str, str]:
    table = config.get(name)
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigError(f"{name} must be an object of texts")
    return table


def _check_url(url: str, name: str) -> None:
    if url.startswith("/") and not url.startswith("//"):
        return
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ConfigError(f"{URLS}: {name} must begin with http:// or https://, or with / for a path")


def _check_header(name: str, value: str) -> None:
    if (fault := _fault_of(name, value)) is not None:
        raise ConfigError(f"{HEADERS}: {fault}")


def _fault_of(name: str, value: str) -> str | None:
    if _HEADER_NAME.fullmatch(name) is None:
        return f"{name!r} is not the name of a header"
    if name.lower() in _NOT_OURS:
        return f"{name} cannot be set"
    if _HEADER_VALUE.fullmatch(value) is None:
        return f"the value of {name} holds characters that headers cannot"
    return None
