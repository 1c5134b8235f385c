"""How a provider's answer becomes the client's: unchanged where both speak the same format.

An exchange is sync and knows nothing of sockets. For every event, and for a whole answer, it says what goes to
the client and what the relay must know of it (content, usage, end, failure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from adapters.formats.errors import FormatError
from gateway.relay.errors import UpstreamCut, UpstreamFailed
from gateway.relay.failures import failure_in_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.formats.codec import Passing
    from adapters.formats.piece import Piece
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


class Passed(NamedTuple):
    """What became of one event, or of a whole answer."""

    raw: bytes = b""
    """For the client; empty when nothing goes out."""
    piece: Piece | None = None
    """What the relay reads in it; `None` for what could not be read but was passed, and for comments."""
    done: bool = False
    """The answer is over, and well: nothing follows."""
    failure: UpstreamFailed | None = None
    """The answer is over, and not well."""
    is_comment: bool = False
    """Keeps the client awake, but is nothing to commit to."""
    with_usage: Callable[[Usage], bytes] | None = None
    """Writes a whole answer with tokens that we counted, where the provider told none."""


class Exchange(Protocol):
    """One provider's answer on its way to one client. Not reusable."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the client's format could not carry so far, in the provider's words."""

    @property
    def trails(self) -> bool:
        """Whether something may follow what ends the answer: some servers send `[DONE]` in every format."""

    def whole(self, body: bytes) -> Passed:
        """Read a whole answer. Raises `UpstreamFailed` when it is damaged or tells of an error."""

    def event(self, event: Event) -> Passed:
        """Read one event of a stream."""

    def end(self) -> Passed:
        """The provider closed its stream properly: `done` with what the client still lacks, or a failure."""


class PassThrough:
    """Client and provider speak the same format: bytes pass, and are only read."""

    __slots__ = ("_finished", "_format", "_reader")

    dropped: tuple[str, ...] = ()
    """Nothing is lost where nothing is converted."""

    @property
    def trails(self) -> bool:
        """See `Exchange`."""
        return self._format.missing_end is None

    def __init__(self, passing: Passing) -> None:
        self._format = passing
        self._reader = passing.reader()
        self._finished = False

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        try:
            piece = self._reader.read(body)
        except FormatError:
            raise UpstreamFailed(
                "the provider's answer cannot be read", upstream_code="unmarshal_response_body_failed"
            ) from None
        if piece.error is not None:
            raise failure_in_answer(piece.error, self._format.read_error)
        return Passed(body, piece, done=True)

    def event(self, event: Event) -> Passed:
        """See `Exchange`."""
        data = event.data
        if not data:
            return Passed(event.raw, is_comment=True)
        ends = self._format.ends(event)
        try:
            piece = self._reader.read(data, event.event)
        except FormatError:
            return Passed(event.raw, done=ends)
        if piece.error is not None:
            failure = failure_in_answer(piece.error, self._format.read_error)
            # The provider's own event is the terminal one of the client's format.
            failure.was_passed = True
            return Passed(event.raw, failure=failure)
        if ends:
            return Passed(event.raw, piece, done=True)
        if piece.is_empty:
            return Passed()
        self._finished = self._finished or piece.finishes
        return Passed(event.raw, piece)

    def end(self) -> Passed:
        """See `Exchange`. Some servers leave the terminal event out; clients wait for it."""
        if self._finished and self._format.missing_end is not None:
            return Passed(self._format.missing_end, done=True)
        return Passed(failure=UpstreamCut("the provider ended its stream before the answer was over"))
