"""Several providers on one mock, each behind a path of its own: told what to say, and asked what they were asked.

stage = Stage()
mock.responder = stage.answer
stage.will(Said(text=("Hello",)))            # the next request gets this, whichever wire it comes in
...                                          # a channel's base URL: f"{mock.url}/claude"
assert stage.last.turns[0].text == "hi"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from tests.support.provider_answers import Answer
from tests.support.wires import bedrock, chat, claude, converse, gemini, responses
from tests.support.wires.said import Asked, Fails, Said, Unacceptable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.provider_wire import Received

WIRES: Mapping[str, ModuleType] = {
    "chat": chat,
    "responses": responses,
    "claude": claude,
    "gemini": gemini,
    "bedrock": bedrock,
    "converse": converse,
}


@dataclass
class Stage:
    """What all wires of one mock say next, and what they were asked."""

    asked: list[Asked] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why requests were not acceptable."""
    _next: list[Said | Fails] = field(default_factory=list)

    def will(self, *answers: Said | Fails) -> None:
        """Answer the next requests so."""
        self._next += answers

    def clear(self) -> None:
        """Forget everything."""
        self.asked.clear()
        self.refused.clear()
        self._next.clear()

    @property
    def last(self) -> Asked:
        """The latest request."""
        assert self.asked, f"nothing was asked; refused: {self.refused}"
        return self.asked[-1]

    def answer(self, request: Received) -> Answer:
        """Answer one request of any wire."""
        wire = WIRES[request.path.split("/")[1]]
        try:
            asked = wire.read(request.json, request.target)
        except Unacceptable as refusal:
            self.refused.append(str(refusal))
            return Answer(status=400, body=wire.failure(Fails(status=400, message=str(refusal))))
        self.asked.append(asked)
        said = self._next.pop(0)
        if isinstance(said, Fails):
            return Answer(status=said.status, body=wire.failure(said))
        if not asked.is_stream:
            return Answer(body=wire.whole(said, asked))
        events = tuple(wire.stream(said, asked))
        if said.cut == "broken":
            return Answer(events=(*events, b""), headers=wire_headers(wire), cut_after=len(events))
        return Answer(events=events, headers=wire_headers(wire))


def wire_headers(wire: ModuleType) -> tuple[tuple[str, str], ...]:
    """Return the headers that streams of a wire have beyond those of all."""
    kind = getattr(wire, "STREAM_TYPE", "")
    return (("Content-Type", kind),) if kind else ()
