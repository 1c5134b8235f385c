"""What answers of the Responses API say of the response that they are about: its id, its state, what it used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats import openai_responses
from adapters.formats.errors import FormatError
from gateway.relay.exchange import PassThrough

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import Passing
    from adapters.pricing.usage import Usage
    from adapters.sse import Event
    from gateway.relay.exchange import Passed

_RUNNING = ("queued", "in_progress")


class _Response(msgspec.Struct):
    id: str = ""
    status: str | None = None
    background: bool | None = None
    store: bool | None = None


class _Event(msgspec.Struct):
    response: _Response | None = None


_responses = msgspec.json.Decoder(_Response)
_events = msgspec.json.Decoder(_Event)


class Sighting(msgspec.Struct, frozen=True):
    """What was seen of a response."""

    id: str
    status: str
    background: bool = False
    kept: bool = True
    """The provider keeps it."""

    @property
    def is_running(self) -> bool:
        """Whether it goes on without its client."""
        return self.background and self.status in _RUNNING


def sight(body: bytes) -> Sighting | None:
    """Return what a response object says of itself; `None` if it is none."""
    try:
        return _sighting(_responses.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def used(body: bytes) -> Usage | None:
    """Return what a response object says that it used, if it does."""
    try:
        return openai_responses.read_piece(body).usage
    except FormatError:
        return None


class PassResponses(PassThrough):
    """Answers of the Responses API that pass; `seen` is told of the response that they are about."""

    __slots__ = ("_knows", "_seen")

    def __init__(self, passing: Passing, *, request_id: str, seen: Callable[[Sighting], None]) -> None:
        super().__init__(passing, request_id=request_id)
        self._seen = seen
        self._knows = False

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        passed = super().whole(body)
        self._tell(sight(body))
        return passed

    def event(self, event: Event) -> Passed:
        """See `Exchange`. Only the first event and the last are looked at twice."""
        passed = super().event(event)
        if event.data and (not self._knows or passed.done):
            try:
                told = _events.decode(event.data).response
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                told = None
            if told is not None:
                self._tell(_sighting(told))
        return passed

    def _tell(self, sighting: Sighting | None) -> None:
        if sighting is not None:
            self._knows = True
            self._seen(sighting)


def _sighting(response: _Response) -> Sighting | None:
    if not response.id:
        return None
    return Sighting(
        response.id,
        response.status or "",
        background=response.background is True,
        kept=response.store is not False,
    )
