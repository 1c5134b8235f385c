"""What encoders are told beside what they encode, and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from adapters.formats.neutral.requests import Effort, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

ReasoningStyle: TypeAlias = Literal["effort", "object", "switch", "switch_and_effort", "budget"]
"""Chat: `reasoning_effort`; OpenRouter's `reasoning`; `thinking` with a type, alone or with `reasoning_effort`;
`enable_thinking` with `thinking_budget`."""


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
