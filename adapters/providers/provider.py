"""One kind of provider, as a row of data.

`format` names the wire it speaks, `prices` its price table, `endpoints` what clients may ask of it. A URL is
the format's default (see `urls.py`) unless the row says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from adapters.formats.neutral.encoding import ReasoningStyle  # noqa: TC001 - rows are checked against them
from adapters.formats.neutral.requests import Effort  # noqa: TC001 - rows are checked against them

SPOKEN_FORMATS = frozenset(
    {
        "openai_chat",
        "anthropic",
        "gemini",
        "aiproxy_library",
        "baidu",
        "cohere",
        "converse",
        "coze",
        "dashscope",
        "deepl",
        "ollama",
        "palm",
        "replicate",
        "tencent",
        "xunfei",
        "zhipu",
    }
)
"""Formats that there is a codec for; rows of other formats are known, offered to nobody."""

SIGNED = "signed"
"""Credential of providers whose requests are signed, or whose key is exchanged for a token, by their `wire`."""

ENDPOINTS = (
    "chat_completions",
    "completions",
    "embeddings",
    "moderations",
    "images_generations",
    "images_edits",
    "audio_speech",
    "audio_transcriptions",
    "audio_translations",
    "rerank",
    "responses",
    "messages",
    "realtime",
    "videos",
    "ocr",
    "rich_chat",
    "count_tokens",
    "embed_content",
)
"""`rich_chat` takes chats with more than texts, where a provider has an address of its own for them; `count_tokens`
tells how long a prompt is, asked in the format in which the provider is spoken to; `embed_content` takes Google's
requests for a single embedding."""

MAX_COMPLETION_TOKENS = "max_completion_tokens"
"""Quirk: reasoning models are refused with `max_tokens`."""
NO_STREAM_OPTIONS = "no_stream_options"
"""Quirk: unknown members are refused, `stream_options` among them; usage comes unasked."""
NATIVE_RESPONSES = "native_responses"
"""Quirk: speaks the Responses API itself; for others, clients of that API are served over chat."""
NO_IMAGE_SHAPE = "no_image_shape"
"""Quirk: requests for images may not name size and quality."""
SAMPLES_TO_ONE = "samples_to_one"
"""Quirk: a temperature above 1 is refused."""
PROFILES = "inference_profile_arn_map"
"""Setting of a channel, and a column of its own: by model, the profile under which it is asked for."""

ONLY_MAX_TOKENS = "only_max_tokens"
"""Quirk: the newer name of the output limit, `max_completion_tokens`, is refused or overlooked."""
THOUGHTS_ON_DEMAND = "thoughts_on_demand"
"""Quirk: clients of the Messages API are shown thoughts only if they asked for them, as one-api had it."""
ALL_COUNTS = "all_counts"
"""Quirk: whole answers tell all of OpenAI's token counts, zeros among them, as one-api had it."""
ASKED_AT_MESSAGES = "asked_at_messages"
"""Quirk: requests of Messages clients go to the path of that API, in Chat's format, as one-api sent them."""
THOUGHTS_WITH_CALLS = "thoughts_with_calls"
"""Quirk: a message with tool calls is refused without the member for thoughts (`reasoning_history`)."""
CALL_SIGNATURES = "call_signatures"
"""Quirk: calls of earlier turns may carry Gemini's signatures, in `extra_content`."""
QUIRKS = frozenset(
    {
        CALL_SIGNATURES,
        MAX_COMPLETION_TOKENS,
        NO_STREAM_OPTIONS,
        NATIVE_RESPONSES,
        NO_IMAGE_SHAPE,
        SAMPLES_TO_ONE,
        THOUGHTS_WITH_CALLS,
        THOUGHTS_ON_DEMAND,
        ALL_COUNTS,
        ASKED_AT_MESSAGES,
        ONLY_MAX_TOKENS,
    }
)

_REASONING_MODEL = re.compile(r"o\d|gpt-[5-9]")
_O_SERIES = re.compile(r"o\d")


class SignedRequests(Exception):
    """This provider's key is not sent as a header; its own module signs requests."""

    code = "signed_requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A channel type. Frozen: one copy serves every relay."""

    id: int
    key: str
    name: str
    colour: str = ""
    hidden: bool = False
    """Not offered when a channel is made."""
    addition: bool = False
    """A type that one-api of 2025-09 does not know; it would not serve such a channel."""
    format: str
    model_formats: dict[str, str] = field(default_factory=dict)
    """By beginning of the model's name: another format."""
    wire: str = ""
    """Name of what is done beyond plain HTTP (see `adapters.wires`); empty: nothing."""
    vectors: str = ""
    """Name of the form in which it is asked for embeddings (`adapters.formats.embedders`); empty: its format's."""
    pictures: str = ""
    """Name of the form in which it is asked for pictures (see `adapters.formats.pictures`); empty: OpenAI's."""
    prices: str = ""
    """Name of the price table; empty: only the tables that all share."""
    owner: str
    """`owned_by` of its models."""
    lists_as: str = ""
    """Owner that its channels' models are looked for under in a listing, if not `owner`."""
    unlisted: bool = False
    """Its models are listed under those who made them, never under this provider."""
    own_names: bool = False
    """Operators name what they run there: names that nobody else knows are listed, too."""
    base_url: str = ""
    base_url_required: bool = False
    base_url_fixed: bool = False
    url: str = ""
    """Template of the upstream URL; `{path}` is the endpoint's path, other names are settings of the channel."""
    paths: dict[str, str] = field(default_factory=dict)
    """By endpoint: another `{path}`, or a whole template."""
    stream_paths: dict[str, str] = field(default_factory=dict)
    """By endpoint: another `{path}` for streams."""
    model_paths: dict[str, dict[str, str]] = field(default_factory=dict)
    """By beginning of the model's name, then as `paths`."""
    model_names: dict[str, str] = field(default_factory=dict)
    """What models are called in a URL, where that is not their name."""
    lowers_models: bool = False
    """Models without such a name are written in a URL in lower case."""
    escapes_models: bool = False
    """A model's name is one segment of a URL's path: its slashes and colons are escaped."""
    base_urls: dict[str, str] = field(default_factory=dict)
    """By a part of the base URL: another template."""
    base_paths: dict[str, dict[str, str]] = field(default_factory=dict)
    """By a part of the base URL, then as `paths`."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Settings that a channel may leave out. `base_url` may itself name settings."""
    model_defaults: dict[str, dict[str, str]] = field(default_factory=dict)
    """By beginning of the model's name: settings that overrule the channel's."""
    model_settings: dict[str, dict[str, str]] = field(default_factory=dict)
    """By beginning of the model's name, of which the first that fits counts: settings that a channel may leave out,
    and that go before `defaults`."""
    setting_urls: dict[str, dict[str, str]] = field(default_factory=dict)
    """By setting and its value: the base URL of channels that have none."""
    models_url: str = ""
    """Where it lists its models, as a template; empty: at the path `models` of `url`, where that has a `{path}`."""
    credential: str = "Bearer {key}"
    credential_header: str = "Authorization"
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every request, unless the client's request has them."""
    adds: dict[str, bool | str] = field(default_factory=dict)
    """Members added to chat requests, unless the client's request has them."""
    platform: Literal["", "bedrock", "vertex"] = ""
    """Whose machines Claude runs on, where they are not Anthropic's: its bodies differ a little there."""
    betas: frozenset[str] = frozenset()
    """Claude's betas that it knows, where it refuses others; empty: all may be sent."""
    reasoning_history: Literal["", "reasoning_content", "reasoning", "reasoning_details"] = ""
    """Chat: the member of an assistant's message that takes earlier thoughts; empty: there is none."""
    reasoning_style: ReasoningStyle = "effort"
    """Chat: in which members it is asked to think."""
    efforts: tuple[Effort, ...] = ()
    """Chat: the levels of effort that it knows, if they are not OpenAI's."""
    cache_marks: bool = False
    """Chat: parts may carry Claude's `cache_control`."""
    refuses: dict[str, str] = field(default_factory=dict)
    """Parameters that requests are refused with, each with the reason: left out in silence, they would be missed."""
    lacks: str = ""
    """What is not there yet, so that nothing of it is served; empty: nothing is lacking."""
    endpoints: frozenset[str] = frozenset()
    quirks: frozenset[str] = frozenset()
    key_format: str = "KEY"
    key_note: str = ""
    key_settings: tuple[str, ...] = ()
    """What the parts of such a key are, as settings that a channel may leave out: keys made by one-api's pages."""
    config_fields: dict[str, str] = field(default_factory=dict)
    """Settings of a channel of this type, each with what it is."""
    other_setting: str = "api_version"
    """The setting that the channel's column `other` stands for, from before there were settings."""
    models: tuple[str, ...] = ()
    """Offered when a channel is made."""
    former_models: tuple[str, ...] = ()
    """No longer offered, still known: channels of old installations have them."""
    models_of: str = ""
    """Key of the provider whose models this one offers."""

    def serves(self, endpoint: str) -> bool:
        """Say whether clients may ask `endpoint` of it, in a format that we speak."""
        return endpoint in self.endpoints and self.format in SPOKEN_FORMATS and not self.lacks

    def format_of(self, model: str) -> str:
        """Return the format in which `model` is asked."""
        return next((f for beginning, f in self.model_formats.items() if model.startswith(beginning)), self.format)

    @property
    def is_signed(self) -> bool:
        """Whether the key is no header, but something that its wire signs with or exchanges."""
        return self.credential == SIGNED

    def settings_in(self, key: str) -> dict[str, str]:
        """Return the settings that a channel's key holds, where it is made of several."""
        parts = key.split("|")
        return dict(zip(self.key_settings, parts, strict=True)) if len(parts) == len(self.key_settings) else {}

    def auth_header(self, key: str) -> tuple[str, str]:
        """Return name and value of the header that carries a channel's key.

        Raises `SignedRequests` for providers that want more than a header.
        """
        if self.is_signed:
            raise SignedRequests(self.key)
        return self.credential_header, self.credential.replace("{key}", key)

    def wants_max_completion_tokens(self, model: str) -> bool:
        """Say whether `max_tokens` has to be sent under its newer name for `model`."""
        return MAX_COMPLETION_TOKENS in self.quirks and _REASONING_MODEL.match(model) is not None

    @property
    def knows_only_max_tokens(self) -> bool:
        """Whether the output limit has to be sent under its older name."""
        return ONLY_MAX_TOKENS in self.quirks

    def fixes_sampling(self, model: str) -> bool:
        """Say whether `model` takes no temperature but 1 (https://platform.openai.com/docs/guides/reasoning)."""
        return MAX_COMPLETION_TOKENS in self.quirks and _REASONING_MODEL.match(model) is not None

    def thinks_hard(self, model: str) -> bool:
        """Say whether `model` gets a high effort where the client did not say, as one-api's clients are used to."""
        return self.speaks_responses and _O_SERIES.match(model) is not None

    @property
    def speaks_responses(self) -> bool:
        """Whether it has the Responses API itself."""
        return NATIVE_RESPONSES in self.quirks

    @property
    def takes_stream_options(self) -> bool:
        """Whether a stream may ask for usage by `stream_options`."""
        return NO_STREAM_OPTIONS not in self.quirks

    @property
    def samples_to_one(self) -> bool:
        """Whether temperature and top-p may be 1 at most."""
        return SAMPLES_TO_ONE in self.quirks

    @property
    def takes_image_shape(self) -> bool:
        """Whether a request for images may name size and quality."""
        return NO_IMAGE_SHAPE not in self.quirks
