"""What may be done to an answer in the neutral form on its way from a provider to a client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from adapters.formats.neutral.events import End, PartEnd, PartStart, Ping, ReasoningDelta, SignatureDelta, UsageUpdate
from adapters.formats.neutral.parts import Reasoning

if TYPE_CHECKING:
    from adapters.formats.neutral.answers import Response
    from adapters.formats.neutral.events import StreamEvent
    from adapters.pricing.usage import Usage


class Shaper(Protocol):
    """Changes one answer. Not reusable."""

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """Return what an event of a stream becomes."""

    def whole(self, response: Response) -> Response:
        """Return what a whole answer becomes; may change it in place."""


class KnownUsage:
    """Tells what is paid for where the request alone decides it, and the provider does not say."""

    def __init__(self, usage: Usage) -> None:
        self._usage = replace(usage, is_exact=True)

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """See `Shaper`."""
        return [UsageUpdate(self._usage), event] if isinstance(event, End) else [event]

    def whole(self, response: Response) -> Response:
        """See `Shaper`."""
        response.usage = self._usage
        return response


class WithoutThoughts:
    """Keeps a model's thoughts from clients that did not ask for them; a stream says that it is alive instead."""

    def __init__(self) -> None:
        self._hides = False

    def event(self, event: StreamEvent) -> list[StreamEvent]:
        """See `Shaper`."""
        match event:
            case PartStart(part=Reasoning()):
                self._hides = True
                return [Ping()]
            case ReasoningDelta():
                return [Ping()]
            case SignatureDelta() if self._hides:
                return []
            case PartEnd() if self._hides:
                self._hides = False
                return []
            case PartStart():
                self._hides = False
        return [event]

    def whole(self, response: Response) -> Response:
        """See `Shaper`."""
        for choice in response.choices:
            choice.parts = [part for part in choice.parts if not isinstance(part, Reasoning)]
        return response
