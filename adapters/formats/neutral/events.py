"""What happens in a stream.

A decoder turns each event of a provider into neutral events, an encoder those into events of the client.

    Start  (PartStart  Delta*  PartEnd)*  Finish  UsageUpdate?  End        UsageUpdate and Ping may come anywhere
    ... Failure                                                             instead of End, at any point

Within one choice at most one part is open, and `index` counts the parts of that choice from 0 upwards: decoders put
in order what their format interleaves. `PartStart.part` is the part as far as it is known: empty text, a tool call
without its arguments, or a whole image, to which no deltas follow. `UsageUpdate` holds totals: the last one counts.
After `End` or `Failure` nothing follows.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from adapters.formats.neutral.answers import StopReason
from adapters.formats.neutral.parts import Citation, Part
from adapters.formats.neutral.terms import Format, JsonObject
from adapters.pricing.usage import Usage


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
