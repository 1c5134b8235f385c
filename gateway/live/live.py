"""What pages for operators know of all processes, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.live.board import Board
from gateway.live.tails import Tails

if TYPE_CHECKING:
    from gateway.observe.tail import Tail
    from gateway.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Made once for each process."""

    board: Board
    tails: Tails

    @classmethod
    def of(
        cls, services: Services, *, process: str = "here/0", tail: Tail | None = None, is_alone: bool = True
    ) -> Live:
        """Make what is needed. `process` is what people call this process; `is_alone`: there are no others."""
        bus = services.bus
        return cls(
            board=Board(
                running=services.running, bus=bus, journal=services.journal, process=process, is_alone=is_alone
            ),
            tails=Tails(tail, bus=bus, process=process, is_alone=is_alone),
        )
