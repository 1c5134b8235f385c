"""What is charged: what the provider reports, and what it leaves out counted."""

from __future__ import annotations

import pytest
import trio

from adapters.formats.piece import Piece
from adapters.pricing.usage import Usage
from gateway.relay.meter import Meter
from tests.relay.harness import Counter


class Stuck(Counter):
    """Counts once `free` is set."""

    def __init__(self) -> None:
        self.free = trio.Event()

    async def count_text(self, model: str, text: str, *, approximate: bool = False) -> int:
        await self.free.wait()
        return await super().count_text(model, text, approximate=approximate)


def meter(*pieces: Piece) -> Meter:
    made = Meter(Counter(), "m")  # type: ignore[arg-type]
    for piece in pieces:
        made.add(piece)
    return made


TEXT = Piece(text="one two three ", has_content=True)
END = Piece(finishes=True)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # whole reports are believed, whatever was delivered
        ([TEXT, Piece(usage=Usage(input=9, output=1), finishes=True)], Usage(input=9, output=1)),
        ([Piece(usage=Usage(cached_read=9, reasoning=5), finishes=True)], Usage(cached_read=9, reasoning=5)),
        # nothing is reported
        ([TEXT, END], Usage(input=20, output=3)),
        ([TEXT, TEXT], Usage(input=20, output=6)),
        ([TEXT, Piece(usage=Usage(), finishes=True)], Usage(input=20, output=3)),
        # one side is reported
        ([TEXT, Piece(usage=Usage(output=7), finishes=True)], Usage(input=20, output=7)),
        ([TEXT, Piece(usage=Usage(input=9), finishes=True)], Usage(input=9, output=3)),
        ([Piece(usage=Usage(input=9), finishes=True)], Usage(input=9)),
        # the answer was interrupted after a first report
        ([Piece(usage=Usage(input=9, output=1)), TEXT, TEXT], Usage(input=9, output=6)),
        ([Piece(usage=Usage(input=9, output=8)), TEXT], Usage(input=9, output=8)),
        ([Piece(usage=Usage(input=9, reasoning=2)), TEXT], Usage(input=9, reasoning=2, output=1)),
        # what is known is known
        ([TEXT, Piece(usage=Usage(input=9, is_exact=True))], Usage(input=9, is_exact=True)),
        ([TEXT, Piece(usage=Usage(is_exact=True), finishes=True)], Usage(is_exact=True)),
        # searches are counted apart
        ([Piece(usage=Usage(calls=3), finishes=True)], Usage(input=20, calls=3)),
    ],
)
async def test_what_is_left_out_is_counted(pieces: list[Piece], expected: Usage) -> None:
    assert await meter(*pieces).usage(20) == expected


async def test_what_was_being_counted_when_a_relay_ended_is_charged(autojump_clock: trio.testing.MockClock) -> None:
    counter = Stuck()
    made = Meter(counter, "m")  # type: ignore[arg-type]
    made.add(TEXT)
    with trio.move_on_after(1):
        await made.fold()
    counter.free.set()
    assert await made.usage(20) == Usage(input=20, output=3)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([Piece(text="four" * 30, has_content=True)], Usage(input=20, output=30)),
        (
            [Piece(usage=Usage(input=9, output=1)), Piece(text="four" * 30, has_content=True)],
            Usage(input=9, output=30),
        ),
        ([TEXT, Piece(usage=Usage(input=9, output=40))], Usage(input=9, output=40)),
    ],
)
def test_what_nobody_can_count_is_charged_by_length(pieces: list[Piece], expected: Usage) -> None:
    assert meter(*pieces).about(20) == expected
