"""How a provider's answer becomes the client's: unchanged where both speak the same format.

An exchange is sync and knows nothing of sockets. For every event, and for a whole answer, it says what goes to
the client and what the relay must know of it (content, usage, end, failure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from adapters.formats import gemini
from adapters.formats.errors import FormatError
from adapters.formats.openai_chat.counts import with_all_counts
from gateway.relay.errors import UpstreamCut, UpstreamFailed
from gateway.relay.failures import failure_in_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.formats.codec import Passing
    from adapters.formats.neutral.events import Failure
    from adapters.formats.piece import Piece
    from adapters.pricing.usage import Usage
    from adapters.sse import Event


class Unfetched(NamedTuple):
    """A whole answer that still lacks pictures, which lie somewhere else."""

    urls: tuple[str, ...]
    write: Callable[[Mapping[str, bytes]], bytes]
    """Return the answer with what could be had, by URL."""
    as_png: bool = False
    """The client wants PNG, whatever the provider made."""


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
    """Writes a whole answer, or the end of a stream, with tokens that we counted, where the provider told none."""
    unfetched: Unfetched | None = None
    """What is to be fetched before a whole answer can be written; `raw` is empty then."""


class Exchange(Protocol):
    """One provider's answer on its way to one client. Not reusable."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """What the client's format could not carry so far, in the provider's words."""

    @property
    def trails(self) -> bool:
        """Whether something may follow what ends the answer: some servers send `[DONE]` in every format."""

    @property
    def trailer(self) -> bytes:
        """What goes out after the end, unless the provider sent such a last word itself."""

    def failed(self, failure: Failure) -> bytes | None:
        """Return what ends the stream badly after what went out; `None`: nothing that depends on it."""

    def whole(self, body: bytes) -> Passed:
        """Read a whole answer. Raises `UpstreamFailed` when it is damaged or tells of an error."""

    def event(self, event: Event) -> Passed:
        """Read one event of a stream."""

    def end(self) -> Passed:
        """The provider closed its stream properly: `done` with what the client still lacks, or a failure."""


class PassThrough:
    """Client and provider speak the same format: bytes pass, and are only read."""

    __slots__ = ("_finished", "_format", "_last", "_reader", "_request_id")

    dropped: tuple[str, ...] = ()
    """Nothing is lost where nothing is converted."""

    @property
    def trails(self) -> bool:
        """See `Exchange`."""
        return self._format.missing_end is None

    @property
    def trailer(self) -> bytes:
        """See `Exchange`."""
        return self._format.trailer

    def __init__(self, passing: Passing, *, request_id: str = "") -> None:
        """`request_id` goes into words of our own."""
        self._format = passing
        self._reader = passing.reader()
        self._finished = False
        self._last = b""
        self._request_id = request_id

    def failed(self, failure: Failure) -> bytes | None:
        """See `Exchange`."""
        write = self._format.fail
        return None if write is None else write(failure, self._last, self._request_id)

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
        self._last = data
        try:
            piece = self._reader.read(data, event.event)
        except FormatError:
            return Passed(event.raw, done=ends)
        if piece.error is not None:
            failure = failure_in_answer(piece.error, self._format.read_error)
            if piece.is_odd:
                return Passed(failure=failure)
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


class PassCounted(PassThrough):
    """The same for providers whose answers leave out counts that clients of OpenAI's may insist on."""

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        passed = super().whole(body)
        return passed._replace(raw=with_all_counts(passed.raw))


class PassArray(PassThrough):
    """The same for a client of Gemini's that asked for no events: each becomes an element of one JSON array."""

    __slots__ = ("_opening",)

    def __init__(self, passing: Passing, *, request_id: str = "") -> None:
        super().__init__(passing, request_id=request_id)
        self._opening = b"["

    def event(self, event: Event) -> Passed:
        """See `Exchange`. Comments have no place in an array."""
        passed = super().event(event)
        if not passed.raw:
            return passed
        return passed._replace(raw=b"" if passed.is_comment else self._element(event.data))

    def end(self) -> Passed:
        """See `Exchange`."""
        passed = super().end()
        return passed._replace(raw=b"]") if passed.done else passed

    def failed(self, failure: Failure) -> bytes | None:
        """See `Exchange`."""
        error = gemini.error_body(
            status=failure.status,
            message=failure.message,
            type=failure.type,
            code=failure.code,
            param=failure.param,
            request_id=self._request_id,
        )
        return self._element(error) + b"]"

    def _element(self, data: bytes) -> bytes:
        opening, self._opening = self._opening, b",\r\n"
        return opening + data
