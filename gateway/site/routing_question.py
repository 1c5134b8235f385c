"""Who asks, in a question about routing: a group, an account, or a token; and what was recorded of a real request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused
from gateway.accounts.users import search_users
from gateway.audit.book import changes_of
from gateway.relay.admit import check_model
from gateway.relay.errors import Refused as RelayRefused
from gateway.relay.supervisor import CHANNEL_WINDOW_S
from gateway.traffic.request import key_of, read_request
from storage.records import TokenStatus, UserStatus
from storage.repositories import audit_since, tokens, users
from storage.repositories.rows import Sort, as_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from gateway.audit.book import Change
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.services import Services
    from gateway.traffic.facts import LeftOut, TryFacts
    from storage.records import Token, User
    from storage.repositories.audit import AuditRow

_MOST_CHANGES: Final = 20
_MOST_CHANNELS: Final = 200
# What a change of these does to routing, people see in the list of reasons.
_MATTERS: Final = ("status", "models", "group", "priority", "weight", "ratelimit", "model_mapping", "type", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose request it is. `refusals` says why a request with this token or account would not even be looked at."""

    user: User
    token: Token | None = None
    refusals: Sequence[str] = ()


async def asker_named(services: Services, text: str) -> Asker | None:
    """Return the account of this name or number, `None` when there is none."""
    try:
        found, _total = await search_users(services, text, Sort(), None)
    except Refused:
        return None
    named = [user for user in found if text in (user.username, str(user.id))]
    return Asker(user=named[0], refusals=_of_user(named[0])) if named else None


async def asker_with(services: Services, text: str, model: str) -> Asker | None:
    """Return the token of this number and its owner, `None` when there is none."""
    number = as_id(text.removeprefix("#"))
    if number is None:
        return None

    def work(conn: Connection) -> tuple[Token | None, User | None]:
        token = tokens.by_id(conn, number)
        return token, users.by_id(conn, token.user_id) if token is not None else None

    token, user = await services.database.read(work)
    if token is None or user is None:
        return None
    return Asker(user=user, token=token, refusals=[*_of_token(token, model), *_of_user(user)])


async def exhausted_limits(services: Services, token: Token, channels: Iterable[ChannelView]) -> frozenset[int]:
    """Return the channels at which the token has used up its requests of three minutes: there it would be refused."""
    settings = services.settings
    if not settings.global_channel_rate_limit or settings.debug:
        return frozenset()
    found = set()
    for channel in channels:
        key = f"channel:{channel.id}:token:{token.id}"
        limit = channel.ratelimit
        if limit > 0 and not await services.windows.has_room(key, limit=limit, window_s=CHANNEL_WINDOW_S):
            found.add(channel.id)
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A change of a channel since then. `at` in Unix seconds."""

    row: AuditRow
    at: float
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What was recorded of a request that was made. `candidates`: channels that served the model to its group."""

    request_id: str
    key: str
    at: float
    group: str
    model: str
    endpoint: str
    candidates: int
    left_out: Sequence[tuple[str, LeftOut]]
    """Those that could not be chosen at first, with their names."""
    tries: Sequence[TryFacts]
    altered: Sequence[Altered]


async def recorded(services: Services, actor: User, request_id: str) -> Then | None:
    """Return what is kept of the choice for a request, and what was changed since. `None` when nothing is."""
    key = await key_of(services, request_id)
    if not key:
        return None
    page = await read_request(services, actor, key)
    entry, detail = page.entry, page.detail
    if detail is None:
        return None
    model = entry.asked_model or entry.model
    snapshot = services.registry.current
    concerned = {tried.channel_id for tried in detail.tries if tried.channel_id}
    concerned.update(channel.id for channel in snapshot.channels.values() if model in channel.models)
    since_ms = detail.received_at or round(entry.at * 1000)
    rows = await services.database.read(
        lambda conn: audit_since.channel_changes(
            conn, sorted(concerned)[:_MOST_CHANNELS], since_ms=since_ms, limit=_MOST_CHANGES
        )
    )
    return Then(
        request_id=request_id,
        key=key,
        at=since_ms / 1000,
        group=detail.group,
        model=model,
        endpoint=entry.endpoint,
        candidates=detail.candidates,
        left_out=[(_name_of(snapshot, one.channel_id), one) for one in detail.left_out],
        tries=detail.tries,
        altered=[
            Altered(
                row=row,
                at=row.created_at / 1000,
                changes=[change for change in changes_of(row) if change.field in _MATTERS],
            )
            for row in rows
        ],
    )


def _name_of(snapshot: Snapshot, number: int) -> str:
    view = snapshot.channels.get(number)
    return view.name if view is not None and view.name else f"#{number}"


def _of_user(user: User) -> list[str]:
    return ["the account is disabled"] if user.status != UserStatus.ENABLED else []


def _of_token(token: Token, model: str) -> list[str]:
    found = []
    if token.status == TokenStatus.DISABLED:
        found.append("the token is disabled")
    if token.status == TokenStatus.EXPIRED or 0 < token.expired_time < time.time():
        found.append("the token has expired")
    if token.status == TokenStatus.EXHAUSTED or (not token.unlimited_quota and token.remain_quota <= 0):
        found.append("the token is used up")
    try:
        check_model(token, model)
    except RelayRefused:
        if model:
            found.append("the token may not ask for this model")
    return found
