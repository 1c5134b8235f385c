"""Ask every process of the installation the same question, and gather what they answer.

For people who look, not for relays: nobody keeps a picture of the others, so what nobody looks at costs nothing,
and what is shown is as old as the answer. A process that is dead or stuck is missing from the answers and holds
nobody up: the asker waits for those that it knows, and never longer than a limit.
"""

from __future__ import annotations

import math
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.cluster.types import Bus

# Seconds. Within a machine an answer takes about a millisecond, over Redis a few.
GATHER_S: Final = 0.25
# A process that did not answer for so long is not waited for.
KNOWN_S: Final = 10.0


class _Ask(msgspec.Struct, frozen=True, array_like=True):
    asker: str
    number: int
    question: str


class _Answer(msgspec.Struct, frozen=True, array_like=True):
    asker: str
    number: int
    process: str
    text: str


T = TypeVar("T")


def readable(answers: Mapping[str, str], kind: type[T]) -> dict[str, T]:
    """Return JSON answers of `kind` by process. A process of another version may say what nobody here can read."""
    found: dict[str, T] = {}
    for process, text in answers.items():
        with suppress(msgspec.DecodeError):
            found[process] = msgspec.json.decode(text, type=kind)
    return found


class _Round:
    """One question that waits for its answers."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.changed = trio.Event()

    def take(self, answer: _Answer) -> None:
        self.answers[answer.process] = answer.text
        self.changed.set()
        self.changed = trio.Event()


class Poll:
    """One kind of question. `answer` is called in every process, on the event loop, and must not wait.

    It returns `None` where a process has nothing to say. `is_alone` says that there are no other processes.
    """

    def __init__(self, bus: Bus, name: str, answer: Callable[[str], str | None], *, is_alone: bool) -> None:
        self._bus = bus
        self._answer = answer
        self._is_alone = is_alone
        self._topic, self._reply_topic = f"{name}.ask", f"{name}.answer"
        self.process = token_hex(8)
        """What answers of this process are called."""
        self._number = 0
        self._rounds: dict[int, _Round] = {}
        self._heard_at: dict[str, float] = {}
        self._waited_out_at = -math.inf
        bus.subscribe(self._topic, self._asked)
        bus.subscribe(self._reply_topic, self._answered)

    async def all(self, question: str) -> dict[str, str]:
        """Return the answers by process, within `GATHER_S` seconds."""
        number, gathered = self._begin(question)
        try:
            with trio.move_on_after(GATHER_S) as limit:
                while not self._is_complete(gathered):
                    await gathered.changed.wait()
            if limit.cancelled_caught:
                self._waited_out_at = trio.current_time()
        finally:
            del self._rounds[number]
        return gathered.answers

    async def first(self, question: str, *, limit_s: float) -> str | None:
        """Return the first answer, or `None` when nobody has one within `limit_s` seconds."""
        number, gathered = self._begin(question)
        try:
            with trio.move_on_after(0 if self._is_alone else limit_s):
                while not gathered.answers:
                    await gathered.changed.wait()
        finally:
            del self._rounds[number]
        return next(iter(gathered.answers.values()), None)

    def _begin(self, question: str) -> tuple[int, _Round]:
        self._number += 1
        self._rounds[self._number] = gathered = _Round()
        ask = _Ask(self.process, self._number, question)
        self._bus.publish(self._topic, msgspec.json.encode(ask).decode())
        return self._number, gathered

    def _is_complete(self, gathered: _Round) -> bool:
        if self._is_alone:
            return True
        since = trio.current_time() - KNOWN_S
        self._heard_at = {process: at for process, at in self._heard_at.items() if at > since}
        known = self._heard_at.keys()
        # Nobody can say how many there are; only that the last who waited for all of them found no more.
        return self._waited_out_at > since and known <= gathered.answers.keys()

    def _asked(self, payload: str) -> None:
        ask = msgspec.json.decode(payload, type=_Ask)
        text = self._answer(ask.question)
        if text is not None:
            answer = _Answer(ask.asker, ask.number, self.process, text)
            self._bus.publish(self._reply_topic, msgspec.json.encode(answer).decode())

    def _answered(self, payload: str) -> None:
        answer = msgspec.json.decode(payload, type=_Answer)
        self._heard_at[answer.process] = trio.current_time()
        gathered = self._rounds.get(answer.number) if answer.asker == self.process else None
        if gathered is not None:
            gathered.take(answer)
