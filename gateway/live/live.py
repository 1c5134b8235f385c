"""What pages for operators know of all processes, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.live.board import EVERYBODY, Board
from gateway.live.facts import Roll, Surroundings
from gateway.live.tails import Tails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.audit.author import Author
    from gateway.observe.tail import Tail
    from gateway.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Made once for each process."""

    services: Services
    board: Board
    tails: Tails
    roll: Roll

    @classmethod
    def of(
        cls,
        services: Services,
        *,
        around: Surroundings | None = None,
        tail: Tail | None = None,
        is_alone: bool = True,
    ) -> Live:
        """Make what is needed. `around` tells of this process; `is_alone`: there are no others."""
        bus, around = services.bus, around or Surroundings()
        process = around.process
        return cls(
            services=services,
            board=Board(
                running=services.running, bus=bus, journal=services.journal, process=process, is_alone=is_alone
            ),
            tails=Tails(tail, bus=bus, process=process, is_alone=is_alone),
            roll=Roll(services, around, is_alone=is_alone),
        )

    async def end(self, author: Author, request_ids: Sequence[str], *, user_id: int = EVERYBODY) -> int:
        """End relays, only those of `user_id` where one is named, write it down, and return how many there were.

        They have ended whether or not it can be written down: a relay is no row that a transaction holds.
        """
        if len(request_ids) == 1:
            ended = int(await self.board.end(request_ids[0], by=author.username, user_id=user_id))
        else:
            ended = await self.board.end_all(request_ids, by=author.username, user_id=user_id)
        if ended:
            name = request_ids[0] if len(request_ids) == 1 else ""
            await commit(
                self.services, lambda conn: note(conn, author, "relay.end", name=name, changes={"ended": ["", ended]})
            )
        return ended
