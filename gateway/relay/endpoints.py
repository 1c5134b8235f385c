"""What we serve on the relay plane, as data: paths, methods, and what a request of each kind must hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an endpoint asks a provider for; the word is also the endpoint's name in the catalogue."""

    CHAT = "chat_completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One thing a client can ask for. `required` is the member without which the request makes no sense."""

    kind: Kind
    required: str
    streams: bool
    default_model: str = ""
    has_output: bool = True
    """Whether the answer has tokens of its own, so that a client's output limit is part of the estimate."""


CHAT = Endpoint(kind=Kind.CHAT, required="messages", streams=True)
COMPLETIONS = Endpoint(kind=Kind.COMPLETIONS, required="prompt", streams=True)
EMBEDDINGS = Endpoint(kind=Kind.EMBEDDINGS, required="input", streams=False, has_output=False)
MODERATIONS = Endpoint(
    kind=Kind.MODERATIONS,
    required="input",
    streams=False,
    default_model="text-moderation-stable",
    has_output=False,
)

# Matched as prefixes, as the original does; longer paths stand before shorter ones.
_POST = (
    ("/v1/chat/completions", CHAT),
    ("/v1/completions", COMPLETIONS),
    ("/v1/embeddings", EMBEDDINGS),
    ("/v1/moderations", MODERATIONS),
)

# Known names of the OpenAI API that no one serves here: an honest 501 instead of a 404.
UNSERVED_PREFIXES = (
    "/v1/files",
    "/v1/fine_tuning/jobs",
    "/v1/assistants",
    "/v1/threads",
    "/v1/images/variations",
)

MODELS_PATH = "/v1/models"
PROXY_PREFIX = "/v1/oneapi/proxy/"


def find(path: str) -> tuple[Endpoint, str] | None:
    """Return the endpoint that serves `path`, and the model that the path itself names (else empty)."""
    for prefix, endpoint in _POST:
        if path.startswith(prefix):
            return endpoint, ""
    if path.startswith("/v1/engines/") and path.endswith("/embeddings"):
        return EMBEDDINGS, path.removeprefix("/v1/engines/").removesuffix("/embeddings")
    return None
