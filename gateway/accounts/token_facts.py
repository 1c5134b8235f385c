"""What pages tell of tokens beside their limits: how much they are used, for how long that lasts, and from where.

The log knows tokens by their owner and name. Where several tokens of a person share a name, figures are of all of
them together, and say so.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.accounts.tokens import reached
from gateway.traffic.facts import read_detail
from storage.repositories import people_facts, token_extras, usage, usage_rolled, users
from storage.repositories.list_figures import LEAST_S, TokenSpans
from storage.repositories.usage import DAY, Buckets, Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Acting
    from gateway.services import Services
    from storage.records import Token, User

RATE_DAYS = 7
"""Over how long spending is averaged for "runs out"; less where a token is younger."""
_LOOKED_AT = 2000
_REQUESTS = 500
_CLIENT_DAYS = 30
_UNNAMED = ""
_NOTHING = people_facts.TokenCharges()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUse:
    """Of one token. `lasts_s`: until it is used up at the rate of the last days, `None` if nothing says so."""

    requests: int = 0
    """In the last 24 hours."""
    units: int = 0
    lasts_s: float | None = None
    is_shared: bool = False
    """Other tokens of its owner have the same name, and are in these figures."""
    owner: str = ""
    owner_role: int = 0
    note: str = ""
    records: bool = False
    """Its messages are to be recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program at an address that a token was used by."""

    program: str
    """Empty: it did not say."""
    agents: Sequence[str]
    """What it said of itself in full, the commonest first."""
    address: str
    requests: int
    failed: int
    units: int
    last_at: float
    first_at: float


@dataclass(slots=True)
class _Tally:
    agents: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    failed: int = 0
    units: int = 0
    last_ms: int = 0
    first_ms: int = 0


async def use_of(services: Services, rows: Sequence[Token]) -> dict[int, TokenUse]:
    """Return how some tokens are used, by their numbers."""
    if not rows:
        return {}
    keys = list({_key(row) for row in rows})
    owners = {row.user_id for row in rows}

    def from_tables(
        conn: Connection,
    ) -> tuple[usage.Cells, TokenSpans, set[tuple[int, str]], dict[int, str], frozenset[int], dict[int, User]]:
        spans = spans_of(services, conn)
        days = usage_rolled.read(
            conn, DAY, kind="token", spans=[(spans.since, spans.stop)], buckets=Buckets(), keys=keys
        )
        return (
            days,
            spans,
            people_facts.same_names(conn, [(row.user_id, row.name) for row in rows]),
            token_extras.notes_of(conn, [row.id for row in rows]),
            token_extras.recorded_among(conn, [row.id for row in rows]),
            {user.id: user for user in users.by_ids(conn, list(owners))},
        )

    days, spans, shared, notes, recorded, people = await services.database.read(from_tables)

    charges = await services.log_database.read(
        lambda conn: people_facts.token_charges(
            conn, list(owners), since=spans.lately, stop=spans.stop, until=spans.now + 1
        )
    )
    found: dict[int, TokenUse] = {}
    for row in rows:
        charged = charges.get((row.user_id, row.name), _NOTHING)
        spent = days.get((0, _key(row)), Sums()).units + charged.units_since_stop
        owner = people.get(row.user_id)
        found[row.id] = TokenUse(
            requests=charged.requests,
            units=charged.units,
            lasts_s=_lasts(row, spent, spans.now - max(spans.since, row.created_time)),
            is_shared=(row.user_id, row.name) in shared,
            owner=owner.username if owner else "",
            owner_role=owner.role if owner else 0,
            note=notes.get(row.id, ""),
            records=row.id in recorded,
        )
    return found


def spans_of(services: Services, conn: Connection) -> TokenSpans:
    """Return over which times the use of tokens is looked at now, for lists and for what these are sorted by."""
    now = int(time.time())
    since = now - now % DAY - (RATE_DAYS - 1) * DAY
    _first, end = usage_rolled.rolled_hours(conn)
    return TokenSpans(
        now=now,
        since=since,
        stop=max(min(end - end % DAY, now), since),
        lately=now - DAY,
        log_is_here=services.log_database is services.database,
    )


async def group_of(services: Services, token: Token) -> str:
    """Return the group of a token's owner, which decides what the token can use."""
    owner = await services.database.read(lambda conn: users.by_id(conn, token.user_id))
    return owner.group if owner is not None else ""


async def note_of(services: Services, actor: Acting, token_id: int) -> str:
    """Return what is noted on a token. Raises `NotFound`."""

    def work(conn: Connection) -> str:
        token = reached(conn, actor, token_id, others=True)
        return token_extras.notes_of(conn, [token.id]).get(token.id, "")

    return await services.database.read(work)


async def clients_of(services: Services, token: Token) -> list[Client]:
    """Return where a token was used from in the last month and by what, most used first.

    Of busy tokens the last few hundred requests are looked at, among the last two thousand of their owner.
    """
    since_ms = int((time.time() - _CLIENT_DAYS * DAY) * 1000)
    found = await services.database.read(
        lambda conn: people_facts.requests_of_token(
            conn, token.user_id, token.name, since_ms=since_ms, looked_at=_LOOKED_AT, limit=_REQUESTS
        )
    )
    tallies: dict[tuple[str, str], _Tally] = {}
    for request in found:
        detail = read_detail(request.detail)
        tally = tallies.setdefault((program_of(detail.agent), detail.address), _Tally(last_ms=request.finished_at))
        tally.agents[detail.agent] += 1
        tally.requests += 1
        tally.failed += request.has_failed
        tally.units += request.units
        tally.first_ms = request.finished_at
    clients = [
        Client(
            program=program,
            agents=[agent for agent, _ in tally.agents.most_common(3) if agent],
            address=address,
            requests=tally.requests,
            failed=tally.failed,
            units=tally.units,
            last_at=tally.last_ms / 1000,
            first_at=tally.first_ms / 1000,
        )
        for (program, address), tally in tallies.items()
    ]
    return sorted(clients, key=lambda client: (-client.requests, client.program, client.address))


def program_of(agent: str) -> str:
    """Return a program's name as its `User-Agent` begins: without version, and without what it is made of."""
    first = agent.strip().partition(" ")[0]
    # "OpenAI/Python 1.2" names itself with a slash; what follows most slashes is a version.
    name, slash, rest = first.partition("/")
    if slash and rest and not rest[0].isdigit() and not rest.lower().startswith(("v", "(")):
        return first[:40]
    return name[:40] or _UNNAMED


def _lasts(token: Token, units: int, seconds: int) -> float | None:
    if token.unlimited_quota or token.remain_quota <= 0 or units <= 0:
        return None
    return token.remain_quota / (units / max(seconds, LEAST_S))


def _key(token: Token) -> str:
    return f"{token.user_id}:{token.name}"
