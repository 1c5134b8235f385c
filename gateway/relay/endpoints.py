"""What we serve on the relay plane, as data: paths, methods, and what a request of each kind must hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from adapters.pricing.charge import Mode

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import Format
    from gateway.relay.body import RequestBody
    from gateway.relay.head import RequestHead


class Kind(StrEnum):
    """What an endpoint asks a provider for; the word is also the endpoint's name in the catalogue."""

    CHAT = "chat_completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GENERATE = "generate_content"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"
    RERANK = "rerank"
    IMAGES = "images_generations"
    IMAGE_EDITS = "images_edits"
    TRANSCRIPTIONS = "audio_transcriptions"
    TRANSLATIONS = "audio_translations"
    SPEECH = "audio_speech"
    REALTIME = "realtime"


class Delivery(StrEnum):
    """How an answer reaches the client."""

    AS_ASKED = "as_asked"
    """As a stream if the client asked for one; a provider that does otherwise has failed."""
    AS_IT_COMES = "as_it_comes"
    """As a stream if the provider sends one: some of its models take the wish for one, others overlook it."""
    BYTES = "bytes"
    """As bytes that are passed on as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One thing a client can ask for. `required` is the member without which the request makes no sense."""

    kind: Kind
    required: str
    streams: bool
    default_model: str = ""
    has_output: bool = True
    """Whether the answer has tokens of its own, so that a client's output limit is part of the estimate."""
    format: Format | None = None
    """The client's format, where it can be converted into another; `None` where answers only pass through."""
    envelope: Format | None = None
    """Whose client it is that reads errors and vectors, where that is no chat."""
    output_limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    """Members that bound the answer; of several the last counts."""
    passing: str = "openai_chat"
    """How answers are read that only pass through, by name in `adapters.formats.table`."""
    passes_at: str = ""
    """The catalogue's name of the endpoint that takes requests of this form as they are, if it is not `kind`."""
    delivery: Delivery = Delivery.AS_ASKED
    has_prompt: bool = True
    """Whether what is asked is counted in tokens."""
    mode: Mode = Mode.TEXT
    invalid_code: str = "invalid_text_request"


CHAT = Endpoint(kind=Kind.CHAT, required="messages", streams=True, format="openai_chat")
RESPONSES = Endpoint(
    kind=Kind.RESPONSES,
    required="input",
    streams=True,
    format="openai_responses",
    output_limits=("max_output_tokens",),
    mode=Mode.RESPONSES,
    invalid_code="invalid_response_api_request",
)
MESSAGES = Endpoint(
    kind=Kind.MESSAGES,
    required="messages",
    streams=True,
    format="anthropic",
    output_limits=("max_tokens",),
    mode=Mode.CLAUDE,
    invalid_code="invalid_claude_messages_request",
)
GENERATE = Endpoint(
    kind=Kind.GENERATE,
    required="contents",
    streams=True,
    format="gemini",
    output_limits=(),
    invalid_code="invalid_gemini_request",
)
COMPLETIONS = Endpoint(kind=Kind.COMPLETIONS, required="prompt", streams=True)
EMBEDDINGS = Endpoint(kind=Kind.EMBEDDINGS, required="input", streams=False, has_output=False)
GEMINI_EMBEDDING = replace(
    EMBEDDINGS,
    required="content",
    passing="gemini_vectors",
    passes_at="embed_content",
    envelope="gemini",
    invalid_code="invalid_gemini_request",
)
GEMINI_EMBEDDINGS = replace(GEMINI_EMBEDDING, required="requests", passes_at="")
MODERATIONS = Endpoint(
    kind=Kind.MODERATIONS,
    required="input",
    streams=False,
    default_model="text-moderation-stable",
    has_output=False,
)

RERANK = Endpoint(kind=Kind.RERANK, required="query", streams=False, has_output=False, passing="ranks")
IMAGES = Endpoint(
    kind=Kind.IMAGES,
    required="prompt",
    streams=False,
    default_model="dall-e-2",
    output_limits=(),
    passing="images",
    delivery=Delivery.AS_IT_COMES,
    has_prompt=False,
    invalid_code="invalid_image_request",
)
IMAGE_EDITS = replace(IMAGES, kind=Kind.IMAGE_EDITS)
TRANSCRIPTIONS = Endpoint(
    kind=Kind.TRANSCRIPTIONS,
    required="",
    streams=False,
    default_model="whisper-1",
    output_limits=(),
    passing="sound",
    delivery=Delivery.AS_IT_COMES,
    has_prompt=False,
)
TRANSLATIONS = replace(TRANSCRIPTIONS, kind=Kind.TRANSLATIONS)
SPEECH = Endpoint(
    kind=Kind.SPEECH,
    required="input",
    streams=False,
    output_limits=(),
    passing="sound",
    delivery=Delivery.BYTES,
    has_prompt=False,
)
MAX_SPEECH_CHARACTERS = 4096
REALTIME = Endpoint(kind=Kind.REALTIME, required="", streams=False, output_limits=(), has_prompt=False)

# Claude Code puts its own prefix in front of a base URL that has one already; all of these mean the same.
MESSAGES_PREFIXES = (
    "/v1/messages",
    "/v1/v1/messages",
    "/openai/v1/messages",
    "/openai/v1/v1/messages",
    "/api/v1/v1/messages",
)
GEMINI_PREFIXES = ("/v1beta/models/", "/v1/models/", "/v1alpha/models/")
_GEMINI_ONLY = ("/v1beta/", "/v1alpha/")
_GEMINI_ACTIONS = {
    "generateContent": GENERATE,
    "streamGenerateContent": GENERATE,
    "countTokens": GENERATE,
    "embedContent": GEMINI_EMBEDDING,
    "batchEmbedContents": GEMINI_EMBEDDINGS,
}
RESPONSES_PATH = "/v1/responses"
_COUNTS = (
    *((f"{prefix}/count_tokens", MESSAGES) for prefix in MESSAGES_PREFIXES),
    (f"{RESPONSES_PATH}/input_tokens", RESPONSES),
)

# Matched as prefixes, as the original does; longer paths stand before shorter ones.
_POST = (
    ("/v1/chat/completions", CHAT),
    ("/v1/completions", COMPLETIONS),
    ("/v1/embeddings", EMBEDDINGS),
    ("/v1/moderations", MODERATIONS),
    ("/v1/rerank", RERANK),
    ("/v1/images/generations", IMAGES),
    ("/v1/images/edits", IMAGE_EDITS),
    ("/v1/audio/transcriptions", TRANSCRIPTIONS),
    ("/v1/audio/translations", TRANSLATIONS),
    ("/v1/audio/speech", SPEECH),
    *((prefix, MESSAGES) for prefix in MESSAGES_PREFIXES),
)

# Known names of the providers' APIs that no one serves here: an honest 501 instead of a 404.
UNSERVED_PREFIXES = (
    "/v1/files",
    "/v1/fine_tuning/jobs",
    "/v1/assistants",
    "/v1/threads",
    "/v1/images/variations",
    "/v1/batches",
    "/v1/uploads",
    "/v1/vector_stores",
    "/v1/conversations",
    "/v1/containers",
    "/v1/evals",
    "/v1/edits",
    "/v1/videos",
    "/v1/realtime/",
    *(f"{prefix}/batches" for prefix in MESSAGES_PREFIXES),
    "/v1beta/files",
    "/v1beta/cachedContents",
    "/v1beta/batches",
    "/v1beta/tunedModels",
    "/v1beta/fileSearchStores",
    "/v1beta/interactions",
)

MODELS_PATH = "/v1/models"
GEMINI_MODEL_PATHS = ("/v1beta/models", "/v1alpha/models")
MODEL_LISTS = (MODELS_PATH, *GEMINI_MODEL_PATHS)
REALTIME_PATH = "/v1/realtime"
PROXY_PREFIX = "/v1/oneapi/proxy/"
# What the plane looks at; the rest goes on unseen.
PREFIXES = ("/v1/", "/v1beta/", "/v1alpha/", "/openai/v1/", "/api/v1/v1/")


@dataclass(frozen=True, slots=True)
class Found:
    """The endpoint that serves a path, with what the path itself says."""

    endpoint: Endpoint
    model: str = ""
    streams: bool | None = None
    """Gemini says it in the path; `None`: the body does."""
    counts: bool = False
    """Only the number of the prompt's tokens is asked for."""


def wants_array(found: Found, head: RequestHead) -> bool:
    """Whether the answer is to be Gemini's JSON array: streams are events only for who says so."""
    return found.endpoint is GENERATE and found.streams is True and head.parameter("alt") != "sse"


def spoken_at(path: str, found: Found | None) -> Format:
    """Return the format in which a client that asked for `path` reads errors."""
    if found is not None:
        return found.endpoint.format or found.endpoint.envelope or "openai_chat"
    if path.startswith(_GEMINI_ONLY) or (":" in path and path.startswith(GEMINI_PREFIXES)):
        return "gemini"
    return "anthropic" if path.startswith(MESSAGES_PREFIXES) else "openai_chat"


def asked_model(found: Found, body: RequestBody) -> str:
    """Return the model that is asked for, by the client's name. Gemini says it in the path and repeats it at will."""
    if "gemini" in (found.endpoint.format, found.endpoint.envelope):
        return found.model
    return body.value("model", str) or found.model or found.endpoint.default_model


def find(path: str) -> Found | None:
    """Return what serves a POST to `path`, or `None`."""
    if ":" in path and path.startswith(GEMINI_PREFIXES):
        model, _, action = path.partition("/models/")[2].rpartition(":")
        asked = _GEMINI_ACTIONS.get(action)
        if asked is None:
            return None
        streams = action == "streamGenerateContent" if asked is GENERATE else None
        return Found(asked, model, streams=streams, counts=action == "countTokens")
    for known, endpoint in _COUNTS:
        if path == known:
            return Found(endpoint, counts=True)
    if path.startswith(UNSERVED_PREFIXES):
        return None
    if path.rstrip("/") == RESPONSES_PATH:
        return Found(RESPONSES)
    for prefix, endpoint in _POST:
        if path.startswith(prefix):
            return Found(endpoint)
    if path.startswith("/v1/engines/") and path.endswith("/embeddings"):
        return Found(EMBEDDINGS, path.removeprefix("/v1/engines/").removesuffix("/embeddings"))
    return None


def addresses() -> dict[str, Found]:
    """Return every address that a POST is served at, with `{model}` where the path names one, and what serves it."""
    known = [path for path, _ in (*_POST, *_COUNTS)]
    known += [f"{prefix}{{model}}:{action}" for prefix in GEMINI_PREFIXES for action in _GEMINI_ACTIONS]
    found = {path: find(path) for path in (*known, RESPONSES_PATH, "/v1/engines/{model}/embeddings")}
    return {path: served for path, served in found.items() if served is not None}
