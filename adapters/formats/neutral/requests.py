"""What a client asks."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from adapters.formats.neutral.parts import Part, Text
from adapters.formats.neutral.terms import CacheMark, Format, JsonObject

Role: TypeAlias = Literal["system", "user", "assistant"]
"""`system` only for instructions after the first turn; `developer` is read as `system`."""


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
