"""What pages for operators know of all processes, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.live.board import EVERYBODY, Board, Vitals
from gateway.live.facts import Roll, Surroundings
from gateway.live.flow import Flow
from gateway.live.inside import Insides
from gateway.live.tails import Tails

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.audit.author import Author
    from gateway.observe.tail import Tail
    from gateway.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Made once for each process."""

    services: Services
    board: Board
    flow: Flow
    tails: Tails
    roll: Roll
    insides: Insides
    around: Surroundings

    @property
    def is_degraded(self) -> bool:
        """Whether shared limits are answered by this process alone at the moment."""
        return self.around.is_degraded()

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
                running=services.running,
                bus=bus,
                journal=services.journal,
                process=process,
                is_alone=is_alone,
                vitals=Vitals(
                    connections=lambda: services.phase.connections, backlog=lambda: services.ledger.backlog
                ),
            ),
            flow=Flow(running=services.running, bus=bus, process=process, is_alone=is_alone),
            tails=Tails(tail, bus=bus, process=process, is_alone=is_alone),
            roll=Roll(services, around, is_alone=is_alone),
            around=around,
            insides=Insides(services, around, is_alone=is_alone),
        )

    async def end(self, author: Author, request_ids: Sequence[str], *, user_id: int = EVERYBODY) -> int:
        """End relays, only those of `user_id` where one is named, write it down, and return how many there were.

        Written are whose they were, what they asked, and what they had cost by then. They have ended whether or not
        it can be written down: a relay is no row that a transaction holds.
        """
        wanted = frozenset(request_ids)
        known = [row for row in (await self.board.look(user_id)).rows if row.request_id in wanted]
        if len(request_ids) == 1:
            ended = int(await self.board.end(request_ids[0], by=author.username, user_id=user_id))
        else:
            ended = await self.board.end_all(request_ids, by=author.username, user_id=user_id)
        if ended:
            name = request_ids[0] if len(request_ids) == 1 else ""
            changes: dict[str, list[object]] = {
                "ended": ["", ended],
                "users": ["", _listed(row.user for row in known)],
                "models": ["", _listed(row.model for row in known)],
                "units": ["", sum(row.units for row in known)],
            }
            await commit(self.services, lambda conn: note(conn, author, "relay.end", name=name, changes=changes))
        return ended


def _listed(names: Iterable[str]) -> str:
    """Return each name once."""
    return ", ".join(dict.fromkeys(name for name in names if name))
