"""The head of a client's request as the relay reads it, and which of its headers may travel on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.lifecycle_types import Scope

# Everything else stays here: credentials, cookies and forwarding headers are not a provider's business.
_UPSTREAM_ALLOWED = frozenset(
    (
        b"accept",
        b"idempotency-key",
        b"traceparent",
        b"tracestate",
        b"baggage",
    )
)
_OPENAI = ("openai_chat", "openai_responses")
_OF_FORMATS = {
    b"anthropic-version": ("anthropic",),
    b"anthropic-beta": ("anthropic",),
    b"openai-beta": _OPENAI,
}
"""What only providers of some formats know, whatever the client's format is."""
_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_PRIVATE = frozenset(
    (
        b"host",
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"cookie",
        b"forwarded",
        b"via",
        b"x-real-ip",
        b"true-client-ip",
        b"cf-connecting-ip",
        b"content-length",
        b"accept-encoding",
        b"expect",
    )
)
_CLIENT_ALLOWED = (b"content-type", b"retry-after")
_CLIENT_ALLOWED_PREFIXES = (b"x-ratelimit-", b"openai-", b"anthropic-")
# They name the operator's account, which is nobody's business who only has a token.
_OPERATORS = frozenset((b"openai-organization", b"openai-project", b"anthropic-organization-id"))

_MOST_PARAMETERS = 100
_PRIVATE_PARAMETERS = frozenset(
    (
        *("key", "api_key", "api-key", "apikey", "token", "access_token", "authorization", "secret", "signature"),
        *("alt", "$alt", "fields", "prettyprint", "quotauser"),
    )
)

_ON = ("1", "true", "yes", "on")

Headers = tuple[tuple[bytes, bytes], ...]
ReasoningFormat: TypeAlias = Literal["reasoning_content", "reasoning", "thinking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """Method, path and headers of one request. Header names are lower case; of repeated ones the first counts."""

    method: str
    path: str
    raw_path: str
    """Path and query as they came, for the proxy and the trace."""
    query: bytes
    headers: Mapping[bytes, bytes]
    address: str
    """The client's address, after trusted proxies were believed."""

    def parameter(self, name: str) -> str:
        """Return a parameter of the query, the first of several, empty when it is not there."""
        return next((value for known, value in self._pairs() if known == name), "")

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters of the query that a provider may see: no credentials, and nothing of Google's own."""
        return [(name, value) for name, value in self._pairs() if name.lower() not in _PRIVATE_PARAMETERS]

    def _pairs(self) -> list[tuple[str, str]]:
        try:
            return parse_qsl(self.query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            # Nobody names so many.
            return []

    def flag(self, name: str) -> bool:
        """Whether a parameter of the query is switched on."""
        return self.parameter(name).lower() in _ON

    def reasoning_format(self, default: ReasoningFormat = "reasoning") -> ReasoningFormat:
        """Return the member that chat clients want thoughts in (`?reasoning_format=`)."""
        match self.parameter("reasoning_format").lower():
            case "reasoning_content":
                return "reasoning_content"
            case "thinking":
                return "thinking"
            case "reasoning":
                return "reasoning"
        return default

    def header(self, name: bytes) -> str:
        """Return a header's value, empty when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")


def read_head(scope: Scope, *, address: str) -> RequestHead:
    """Read an ASGI HTTP scope."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, value)
    query: bytes = scope.get("query_string", b"")
    raw_path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    if query:
        raw_path = raw_path + b"?" + query
    return RequestHead(
        # Websockets have none; they are opened by GET.
        method=scope.get("method", "GET"),
        path=scope["path"],
        raw_path=raw_path.decode("latin-1"),
        query=query,
        headers=headers,
        address=address,
    )


def for_upstream(
    head: RequestHead, *, extra: Iterable[str], streams: bool, spoken: str = "openai_chat"
) -> list[tuple[bytes, bytes]]:
    """Return the client's headers that a provider may see, by allow list.

    `extra`: `FORWARD_HEADERS`, lower case; `spoken`: the format in which the provider is asked.
    """
    found = [
        (name, value)
        for name, value in head.headers.items()
        if name in _UPSTREAM_ALLOWED or spoken in _OF_FORMATS.get(name, ())
    ]
    named = {name for name, _ in found}
    found += [
        (name, head.headers[name])
        for name in (word.encode("latin-1") for word in extra)
        if name in head.headers and name not in named and name not in _PRIVATE and name not in _HOP_BY_HOP
    ]
    if streams and b"accept" not in head.headers:
        found.append((b"accept", b"text/event-stream"))
    return found


def for_proxy(head: RequestHead) -> list[tuple[bytes, bytes]]:
    """Return all of the client's headers but Host, hop-by-hop ones, credentials, cookies and forwarding headers."""
    named = {word.strip().lower() for word in head.headers.get(b"connection", b"").split(b",")}
    return [
        (name, value)
        for name, value in head.headers.items()
        if name not in _HOP_BY_HOP
        and name not in _PRIVATE
        and name not in named
        and not name.startswith(b"x-forwarded-")
    ]


def for_client(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the provider's headers that a client may see; lengths and encodings are never copied."""
    return [
        (name, value)
        for name, value in headers
        if name in _CLIENT_ALLOWED or (name.startswith(_CLIENT_ALLOWED_PREFIXES) and name not in _OPERATORS)
    ]


def from_proxy(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the provider's headers for a proxied answer, without those of the connection and of the account."""
    kept_back = _HOP_BY_HOP | _OPERATORS | {b"content-length", b"set-cookie", b"date", b"server"}
    return [(name, value) for name, value in headers if name not in kept_back]
