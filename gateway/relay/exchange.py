"""How a provider's answer becomes the client's: unchanged where both speak the same format.

An exchange is sync and knows nothing of sockets. For every event, and for a whole answer, it says what goes to
the client and what the relay must know of it (content, usage, end, failure).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from adapters.formats import openai_chat
from gateway.relay.errors import UpstreamCut, UpstreamFailed
from gateway.relay.failures import failure_in_answer

if TYPE_CHECKING:
    from adapters.formats.openai_chat import Piece
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


class Exchange(Protocol):
    """One provider's answer on its way to one client. Not reusable."""

    def whole(self, body: bytes) -> Passed:
        """Read a whole answer. Raises `UpstreamFailed` when it is damaged or tells of an error."""

    def event(self, event: Event) -> Passed:
        """Read one event of a stream."""

    def end(self) -> Passed:
        """The provider closed its stream properly: `done` with what the client still lacks, or a failure."""


class ChatPassThrough:
    """Chat completions, and the other formats of OpenAI that are framed like it, to clients of the same."""

    __slots__ = ("_finished",)

    def __init__(self) -> None:
        self._finished = False

    def whole(self, body: bytes) -> Passed:
        """See `Exchange`."""
        try:
            piece = openai_chat.read_piece(body)
        except openai_chat.FormatError:
            raise UpstreamFailed(
                "the provider's answer cannot be read", upstream_code="unmarshal_response_body_failed"
            ) from None
        if piece.error is not None:
            raise failure_in_answer(piece.error)
        return Passed(body, piece, done=True)

    def event(self, event: Event) -> Passed:
        """See `Exchange`."""
        data = event.data
        if not data:
            return Passed(event.raw, is_comment=True)
        if data == openai_chat.DONE:
            return Passed(event.raw, done=True)
        try:
            piece = openai_chat.read_piece(data)
        except openai_chat.FormatError:
            return Passed(event.raw)
        if piece.error is not None:
            return Passed(failure=failure_in_answer(piece.error))
        if piece.is_empty:
            return Passed()
        self._finished = self._finished or piece.finishes
        return Passed(event.raw, piece)

    def end(self) -> Passed:
        """See `Exchange`. Some servers leave the terminal event out; clients wait for it."""
        if self._finished:
            return Passed(openai_chat.DONE_EVENT, done=True)
        return Passed(failure=UpstreamCut("the provider ended its stream before the answer was over"))
