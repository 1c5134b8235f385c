"""The form between the formats: what a request asks, what an answer says, what happens in a stream.

Every codec decodes to it and encodes from it, so that any client format goes over any provider's format. It holds
what at least two formats share, each thing once and in one shape:

- `Request.system` holds the leading instructions; `messages` the turns. Tool results are parts of a *user* message
  (as Claude and Gemini have it): all results of one round of calls stand in one message, in front of other parts.
- `ToolCall.arguments` is JSON text, as it streams; `tools.arguments_of` makes an object of it.
- Signatures belong to the provider that made them: `signature_format` names its format, and an encoder of another
  format leaves the signature out.
- What only one format knows is kept as it came: a block in `Foreign`, a top-level member in `extra` under its own
  name, a member deeper down in `extra` under its dotted path (`messages[2].audio`). An encoder of that same format
  puts blocks and top-level members back (`Request.format == FORMAT`); all others name them in `Encoded.dropped`.
- `None` means that the client did not say; encoders then say nothing either, unless the target demands a value.

Streams: a decoder turns each event of a provider into neutral events, an encoder those into events of the client.

    Start  (PartStart  Delta*  PartEnd)*  Finish  UsageUpdate?  End        UsageUpdate and Ping may come anywhere
    ... Failure                                                             instead of End, at any point

Within one choice at most one part is open, and `index` counts the parts of that choice from 0 upwards: decoders put
in order what their format interleaves. `PartStart.part` is the part as far as it is known: empty text, a tool call
without its arguments, or a whole image, to which no deltas follow. `UsageUpdate` holds totals: the last one counts.
After `End` or `Failure` nothing follows.

All types are msgspec structs: they compare by value, and cost a tenth of a microsecond to make.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from adapters.pricing.usage import Usage

JsonObject: TypeAlias = dict[str, object]
Format: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
Role: TypeAlias = Literal["system", "user", "assistant"]
"""`system` only for instructions after the first turn; `developer` is read as `system`."""


class CacheMark(msgspec.Struct, frozen=True):
    """Up to here the prompt may be cached (Claude's `cache_control`). `ttl` is `5m`, `1h` or empty: the default."""

    ttl: str = ""


# Parts ----------------------------------------------------------------------------------------------------------


class Citation(msgspec.Struct, kw_only=True):
    """A source of a text. `start` and `end` are character positions in that text, or `None` if unknown."""

    url: str = ""
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None
    format: Format | None = None
    value: JsonObject = {}
    """The citation as `format` had it, for what has no member here (encrypted indexes, pages of documents)."""


class Text(msgspec.Struct):
    """What is said."""

    text: str = ""
    cache: CacheMark | None = None
    citations: list[Citation] = []
    signature: str = ""
    """Gemini signs texts, too."""
    signature_format: Format | None = None


class Refusal(msgspec.Struct):
    """The model's words for why it does not answer. Formats without it carry it as text."""

    text: str = ""


class Reasoning(msgspec.Struct, kw_only=True):
    """What the model thought, or a summary of it.

    `signature` proves the thoughts to the provider that made them (Claude's `signature`, Gemini's
    `thoughtSignature`, the `encrypted_content` of Responses). `redacted` is Claude's sealed form of thoughts that
    are not shown; then `text` is empty.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""
    signature_format: Format | None = None
    id: str = ""
    """The item's id in Responses, which its later turns must repeat."""


class Image(msgspec.Struct, kw_only=True):
    """A picture: by `url`, or base64 `data` with its `media_type`, or `file_id` of a file kept by the provider."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    file_id: str = ""
    detail: str = ""
    """OpenAI's `low`, `high` or `auto`; empty if not given."""
    cache: CacheMark | None = None


class Audio(msgspec.Struct, kw_only=True):
    """Sound as base64 `data`. `transcript` and `id` come with spoken answers; a history may hold only the `id`."""

    data: str = ""
    media_type: str = ""
    """`audio/wav`, `audio/mp3` …: OpenAI's short `format` is the part after the slash."""
    id: str = ""
    transcript: str = ""
    expires_at: int = 0


class File(msgspec.Struct, kw_only=True):
    """A document or a film: base64 `data`, plain `text`, `url` or `file_id`; PDF unless `media_type` says else."""

    data: str = ""
    text: str = ""
    url: str = ""
    file_id: str = ""
    media_type: str = ""
    name: str = ""
    context: str = ""
    """What Claude is told about the document, apart from its content."""
    citations: bool = False
    cache: CacheMark | None = None


class ToolCall(msgspec.Struct, kw_only=True):
    """The model wants a tool used. `arguments` is JSON text, or free text when `custom` is set."""

    id: str
    name: str
    arguments: str = ""
    custom: bool = False
    cache: CacheMark | None = None
    signature: str = ""
    """Gemini's `thoughtSignature`."""
    signature_format: Format | None = None
    item_id: str = ""
    """The item's own id in Responses, where it differs from the call's."""


class ToolResult(msgspec.Struct, kw_only=True):
    """What the tool said: `parts` are texts, images and files. `name` is the tool's, if known (Gemini wants it)."""

    call_id: str
    parts: list[Part] = []
    name: str = ""
    is_error: bool = False
    custom: bool = False
    cache: CacheMark | None = None


class Foreign(msgspec.Struct, kw_only=True):
    """A block that only `format` knows, as it came: hosted tools and their results, compactions …"""

    format: Format
    type: str
    value: JsonObject


Part: TypeAlias = Text | Refusal | Reasoning | Image | Audio | File | ToolCall | ToolResult | Foreign


# Requests -------------------------------------------------------------------------------------------------------


class Message(msgspec.Struct):
    """One turn."""

    role: Role
    parts: list[Part]
    name: str = ""
    """Who speaks, in Chat's `name`."""


class Tool(msgspec.Struct, kw_only=True):
    """A tool of the client. `parameters` is a JSON schema; `None` means that it takes none."""

    name: str
    description: str = ""
    parameters: JsonObject | None = None
    strict: bool | None = None
    custom: bool = False
    """Takes free text instead of JSON; `parameters` then holds the `format` member, if any."""
    cache: CacheMark | None = None


class HostedTool(msgspec.Struct, kw_only=True):
    """A tool that the provider runs itself.

    `kind` is `web_search` when the tool is one that every format has, else its type in `format`; `value` is the
    tool as it came. The other members are what web searches have in common.
    """

    kind: str
    format: Format
    value: JsonObject
    allowed_domains: list[str] = []
    blocked_domains: list[str] = []
    user_location: JsonObject | None = None
    """`city`, `region`, `country`, `timezone`."""
    context_size: str = ""
    max_uses: int | None = None


class ToolChoice(msgspec.Struct, kw_only=True):
    """`required` with one name is "call this tool"; with several, "one of these". No name: any tool."""

    mode: Literal["auto", "none", "required"]
    names: list[str] = []


class ResponseFormat(msgspec.Struct, kw_only=True):
    """The shape that the answer must have; `schema` only with `json_schema`."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str = ""
    description: str = ""
    schema: JsonObject | None = None
    strict: bool | None = None


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


ReasoningStyle: TypeAlias = Literal["effort", "object", "switch", "switch_and_effort", "budget"]
"""Chat: `reasoning_effort`; OpenRouter's `reasoning`; `thinking` with a type, alone or with `reasoning_effort`;
`enable_thinking` with `thinking_budget`."""


class ReasoningOptions(msgspec.Struct, kw_only=True):
    """How much the model should think, and how much of it is shown.

    `enabled` is Claude's switch; `False` is also what `effort` none and a budget of 0 mean. `adaptive` leaves the
    amount to the model (Claude's `adaptive`, Gemini's budget of -1).
    """

    enabled: bool | None = None
    adaptive: bool = False
    effort: Effort | None = None
    budget_tokens: int | None = None
    summary: str = ""
    """`auto`, `concise`, `detailed` (Responses)."""
    shown: bool | None = None
    """Gemini's `includeThoughts`, Claude's `display` (`omitted` is false)."""


class Request(msgspec.Struct, kw_only=True):
    """What a client asks."""

    format: Format
    """Where it came from."""
    model: str
    messages: list[Message] = []
    system: list[Text] = []
    tools: list[Tool | HostedTool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    stream: bool = False
    include_usage: bool | None = None
    """Chat's `stream_options.include_usage`: whether the client wants usage in its stream."""
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = []
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    verbosity: str = ""
    reasoning: ReasoningOptions | None = None
    modalities: list[str] = []
    """Lower case: `text`, `image`, `audio`."""
    audio: JsonObject | None = None
    """`voice` and `format` of spoken answers, in Chat's shape."""
    user: str = ""
    metadata: JsonObject | None = None
    service_tier: str = ""
    """In OpenAI's words: `auto`, `default`, `flex`, `priority`. Claude's `standard_only` is `default`."""
    store: bool | None = None
    prompt_cache_key: str = ""
    cache: CacheMark | None = None
    """Cache as far as possible (Claude's top-level `cache_control`)."""
    extra: JsonObject = {}


# Answers --------------------------------------------------------------------------------------------------------


class StopReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    """Its limit of output tokens, or the end of its context window."""
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    """It refused, or somebody's filter did: Claude's `refusal`, Gemini's `SAFETY` and its kin."""
    STOP_SEQUENCE = "stop_sequence"
    """Like `STOP`; known which one."""
    PAUSE = "pause"
    """Claude's `pause_turn`: send the answer back to go on."""
    ERROR = "error"


class Choice(msgspec.Struct, kw_only=True):
    """One answer."""

    parts: list[Part] = []
    stop_reason: StopReason = StopReason.STOP
    stop_sequence: str = ""
    logprobs: JsonObject | None = None
    """In Chat's shape: `content: [{token, logprob, bytes, top_logprobs}]`."""


class Response(msgspec.Struct, kw_only=True):
    """What a provider answered. `created` (Unix s) is 0 and `id` empty where its format has none."""

    format: Format
    id: str = ""
    model: str = ""
    created: int = 0
    choices: list[Choice] = []
    """By index; never empty after decoding."""
    usage: Usage | None = None
    service_tier: str = ""
    extra: JsonObject = {}


# Streams --------------------------------------------------------------------------------------------------------


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The answer begins. `format` is the provider's."""

    format: Format
    id: str = ""
    model: str = ""
    created: int = 0
    service_tier: str = ""


class PartStart(msgspec.Struct, frozen=True):
    """A part begins; whole already if it is none of text, refusal, reasoning, audio and tool call."""

    index: int
    part: Part
    choice: int = 0


class TextDelta(msgspec.Struct, frozen=True):
    """More of a `Text` or a `Refusal`."""

    index: int
    text: str
    choice: int = 0
    logprobs: JsonObject | None = None


class ReasoningDelta(msgspec.Struct, frozen=True):
    """More of a `Reasoning`."""

    index: int
    text: str
    choice: int = 0


class SignatureDelta(msgspec.Struct, frozen=True):
    """The signature of the open part (`Reasoning`, `ToolCall` or `Text`), always whole."""

    index: int
    signature: str
    choice: int = 0
    format: Format | None = None
    """Whose signature; `None`: the provider's that sent it (`Start.format`)."""


class ArgumentsDelta(msgspec.Struct, frozen=True):
    """More of a `ToolCall`'s arguments."""

    index: int
    json: str
    choice: int = 0


class CitationDelta(msgspec.Struct, frozen=True):
    """One more source of the open `Text`."""

    index: int
    citation: Citation
    choice: int = 0


class AudioDelta(msgspec.Struct, frozen=True):
    """More of an `Audio`: base64 `data` that decodes by itself, `transcript`, or both."""

    index: int
    data: str = ""
    transcript: str = ""
    choice: int = 0


class PartEnd(msgspec.Struct, frozen=True):
    """The open part is whole."""

    index: int
    choice: int = 0


class UsageUpdate(msgspec.Struct, frozen=True):
    """The totals so far."""

    usage: Usage


class Finish(msgspec.Struct, frozen=True):
    """This choice is over; all its parts have ended. Usage may still follow."""

    stop_reason: StopReason
    stop_sequence: str = ""
    choice: int = 0


class End(msgspec.Struct, frozen=True):
    """The stream is over, and well."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The stream is over, and not well. `status` is what an answer that failed like this would have had."""

    message: str
    type: str = "upstream_error"
    code: object = None
    param: object = None
    status: int = 502


class Ping(msgspec.Struct, frozen=True):
    """The provider is alive, and says nothing."""


StreamEvent: TypeAlias = (
    Start
    | PartStart
    | TextDelta
    | ReasoningDelta
    | SignatureDelta
    | ArgumentsDelta
    | CitationDelta
    | AudioDelta
    | PartEnd
    | UsageUpdate
    | Finish
    | End
    | Failure
    | Ping
)


# What encoders are told, and what they give ---------------------------------------------------------------------


class RequestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the channel and the URL decide about a request to a provider. Each format uses what concerns it."""

    default_max_tokens: int = 2048
    """`DEFAULT_MAX_TOKEN`: where the target demands a limit and the client gave none."""
    thinking: bool = False
    """URL parameter `thinking`: let the model think, though the request does not say so."""
    platform: Literal["", "bedrock", "vertex"] = ""
    """Claude on other people's machines: no `model` and `stream` members, an `anthropic_version` instead."""
    system_role: Literal["system", "developer"] = "system"
    """Chat: what instructions are called; o-series and later want `developer`."""
    max_tokens_member: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """Chat: OpenAI's and Azure's reasoning models know only the second."""
    include_usage: bool = True
    """Chat: ask for usage in streams."""
    reasoning_history: Literal["", "reasoning_content", "reasoning", "reasoning_details"] = ""
    """Chat: the member of assistant messages that takes earlier thoughts; empty if the provider has none."""
    call_signatures: bool = False
    """Chat: whether earlier calls may carry Gemini's signatures."""
    cache_marks: bool = False
    """Chat: whether the provider understands `cache_control` on parts (OpenRouter does)."""
    thoughts_with_calls: bool = False
    """Chat: a message with tool calls is refused without that member, so that it must be there, whatever it says."""
    reasoning_style: ReasoningStyle = "effort"
    """Chat: in which members the provider is asked to think."""
    efforts: tuple[Effort, ...] = ()
    """Chat: the levels that the provider knows, if not those of OpenAI's model of that name."""
    fixed_sampling: bool = False
    """Responses: the model takes no `temperature` but 1 and no `top_p`, as OpenAI's reasoning models."""
    default_effort: Effort | None = None
    """Responses: how much the model thinks where the client did not say; `None`: as the provider likes."""
    safety_threshold: str = ""
    """Gemini: the threshold for all harm categories, when the client set none."""
    settings: dict[str, str] = {}
    """Settings of the channel that are part of a body, for wires that have such."""


class ResponseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the client's request decides about its answer."""

    model: str = ""
    """The model as the client named it; empty: as the provider names it."""
    request_id: str = ""
    """Ours; makes the answer's id where the provider gave none, and goes into error envelopes."""
    now_s: int = 0
    """Unix time for formats that tell when an answer was made, where the provider did not."""
    reasoning_format: Literal["reasoning_content", "reasoning", "thinking"] = "reasoning"
    """Chat: the member for thoughts (URL parameter `reasoning_format`)."""
    include_usage: bool = True
    """Chat: whether the stream tells usage (in a last chunk of its own)."""
    json_array: bool = False
    """Gemini: the stream is one JSON array instead of server-sent events (no `alt=sse` in the URL)."""
    request: Request | None = None
    """What was asked, for formats whose answers repeat it (Responses)."""


class Encoded(msgspec.Struct, frozen=True):
    """A body, and what of the neutral form it could not carry."""

    body: bytes
    dropped: tuple[str, ...] = ()
    """Member paths in the terms of the format the request or answer came in, each once, in order."""
    endpoint: str = ""
    """A request's: the catalogue's name of the endpoint that takes it, if it is not the format's usual one."""


class Dropped:
    """Collects what a target cannot carry."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        self._names[name] = None

    def update(self, names: Iterable[str]) -> None:
        for name in names:
            self._names[name] = None

    def names(self) -> tuple[str, ...]:
        """Each name once, in the order of their first mention."""
        return tuple(self._names)
