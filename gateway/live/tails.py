"""The journals of all processes as one, for people who look at them in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gateway.cluster.poll import Poll, readable
from gateway.observe.records import LEVELS, Event, Relayed, Started, record_level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.cluster.types import Bus
    from gateway.observe.records import Record
    from gateway.observe.tail import Tail
    from gateway.observe.types import Level

# Lines that one process sends at a time; a busy gateway says more in a second than anybody reads.
MOST: Final = 200


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a journal. `at_s` is Unix time in seconds."""

    at_s: float
    level: str
    """As in `gateway.observe.types.Level`."""
    event: str
    message: str
    request_id: str
    process: str


class _Answer(msgspec.Struct, frozen=True):
    last: int
    lines: list[Line]


class Tails:
    """Made once for each process. Without a `tail` of its own it has nothing to tell."""

    def __init__(self, tail: Tail | None, *, bus: Bus, process: str, is_alone: bool) -> None:
        self._tail = tail
        self._process = process
        self._poll = Poll(bus, "tail", self._answer, is_alone=is_alone)

    async def after(self, seen: Mapping[str, int]) -> tuple[list[Line], dict[str, int]]:
        """Return the lines that came after `seen`, in order, and what is seen then; begin with an empty mapping."""
        answers = await self._poll.all(msgspec.json.encode(seen).decode())
        found = readable(answers, _Answer)
        lines = sorted((line for answer in found.values() for line in answer.lines), key=lambda line: line.at_s)
        return lines, {**seen, **{process: answer.last for process, answer in found.items()}}

    def _answer(self, question: str) -> str | None:
        if self._tail is None:
            return None
        number = msgspec.json.decode(question, type=dict[str, int]).get(self._poll.process, 0)
        records = self._tail.after(number, most=MOST)
        last = records[-1][0] if records else number
        return msgspec.json.encode(_Answer(last, [_line(record, self._process) for _, record in records])).decode()


def _line(record: Record, process: str) -> Line:
    name, message, request_id = "", "", ""
    if isinstance(record, Event):
        name, message = record.name, record.message
        request_id = str(record.fields.get("request_id", ""))
    elif isinstance(record, Relayed):
        summary = record.summary
        name, request_id = "relay", summary.request_id
        tokens = f"{summary.prompt_tokens} → {summary.completion_tokens}"
        parts = [summary.user, summary.model, summary.channel, str(summary.status), summary.outcome, tokens]
        parts += [f"{summary.duration_s:.1f} s", summary.error]
        message = " · ".join(part for part in parts if part)
    elif isinstance(record, Started):
        name, message = "server.started", f"One API {record.facts.version} serves"
    return Line(
        at_s=record.at_s,
        level=record_level(record),
        event=name,
        message=message,
        request_id=request_id,
        process=process,
    )


def matching(lines: Sequence[Line], *, level: Level = "debug", text: str = "") -> list[Line]:
    """Return the lines that are at least as urgent as `level` and hold every word of `text`."""
    wanted, words = LEVELS[LEVELS.index(level) :], text.lower().split()
    return [line for line in lines if line.level in wanted and all(word in _searched(line) for word in words)]


def _searched(line: Line) -> str:
    return f"{line.event} {line.message} {line.request_id} {line.process}".lower()
