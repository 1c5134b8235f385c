"""Who may call which route: declared beside each view, checked here before any view runs.

Endpoints of the API declare it with the rest of their contract (`gateway.management.contract`), pages by the
decorators here.

A route without a declaration is a mistake that `check_routes` turns into an error when the application is made,
so nothing is ever open by omission.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar, cast

from quart import g, request, session

from gateway.accounts import sessions
from gateway.accounts.refusals import NotAllowed
from gateway.audit.author import Whereabouts, author_of
from gateway.relay.admit import Caller, admit
from gateway.relay.head import read_head
from storage.records import Role, UserStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Quart

    from gateway.audit.author import Author, Via
    from gateway.lifecycle_types import Scope
    from gateway.services import Services
    from storage.records import User

P = ParamSpec("P")
R = TypeVar("R")

_NOBODY = "No permission to perform this operation, not logged in and no access token provided"
_BAD_TOKEN = "No permission to perform this operation, access token is invalid"  # noqa: S105 - a message
_TOO_LOW = "No permission to perform this operation, insufficient permissions"
_BANNED = "User has been banned"
NAMED_BY = "s"
"""Session member: names the row of this session."""
_READING = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a route asks of its callers."""

    kind: Literal["anybody", "user", "key"]
    role: Role = Role.GUEST
    critical: bool = False
    """Counted against `CRITICAL_RATE_LIMIT`: what can be guessed or abused from outside."""
    changes: bool = False
    """Changes something although it is a GET, as some routes of one-api do."""


def for_all(*, critical: bool = False, changes: bool = False) -> Guard:
    """Return what a route asks that everybody may call."""
    return Guard(kind="anybody", critical=critical, changes=changes)


def for_role(role: Role, *, critical: bool = False, changes: bool = False) -> Guard:
    """Return what a route asks that is for people of at least this role, by session or access token."""
    return Guard(kind="user", role=role, critical=critical, changes=changes)


def for_keys() -> Guard:
    """Return what a route asks that is for programs with an API key."""
    return Guard(kind="key")


def anybody(*, critical: bool = False, changes: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare that everybody may call a page."""
    return _declare(for_all(critical=critical, changes=changes))


def needs(role: Role, *, critical: bool = False, changes: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare that a page is for people of at least this role."""
    return _declare(for_role(role, critical=critical, changes=changes))


def guard_of(view: object) -> Guard | None:
    """Return what a view declared."""
    found = getattr(view, "guard", None)
    return found if isinstance(found, Guard) else None


def check_routes(app: Quart) -> None:
    """Raise `TypeError` for a route whose view declares no guard."""
    for rule in app.url_map.iter_rules():
        if guard_of(app.view_functions[rule.endpoint]) is None:
            raise TypeError(f"{rule.rule} does not say who may call it")


def actor() -> User:
    """Return the person who calls; only in views that need one."""
    user: User = g.user
    return user


def author(user: User | None = None) -> Author:
    """Return the person who calls, or `user`, as the author of what the request changes."""
    return author_of(user or actor(), address=g.client.address, via=_via())


def whereabouts() -> Whereabouts:
    """Return from where a request of somebody comes who did not sign in."""
    return Whereabouts(g.client.address, _via())


def _via() -> Via:
    return "api" if request.path.startswith("/api/") else "page"


def key_holder() -> Caller:
    """Return the token that calls, and its owner; only in views that need a key."""
    caller: Caller = g.caller
    return caller


async def enforce(services: Services, guard: Guard, *, address: str) -> None:
    """Let the request pass, or raise: `Refused` for people, `RelayError` for keys."""
    if guard.kind == "key":
        head = read_head(cast("Scope", request.scope), address=address)
        prefix = services.settings.token_key_prefix
        g.caller = await admit(head, accounts=services.accounts, prefix=prefix, now=time.time())
    elif guard.kind == "user":
        g.user = await _identify(services)
        if g.user.role < guard.role:
            raise NotAllowed(_TOO_LOW, status=403)


async def visitor(services: Services) -> User | None:
    """Return who has a valid session, for routes that show more to people they know."""
    user = await _by_cookie(services)
    return user if user is not None and user.status == UserStatus.ENABLED else None


async def tells_channels(services: Services) -> bool:
    """Whether the client at hand may know which channels there are: everybody, unless root wants it otherwise."""
    return services.registry.current.options.flag("ChannelNamesPublic") or await visitor(services) is not None


def changes_state(guard: Guard) -> bool:
    """Whether the request at hand changes something."""
    return guard.changes or request.method not in _READING


async def remember(services: Services, user: User, version: int) -> None:
    """Make the session at hand this account's, a new one whatever it was."""
    agent = request.headers.get("User-Agent", "")
    secret = await sessions.begin(services, user.id, version, address=g.client.address, agent=agent)
    session.clear()
    session["id"] = user.id
    session["v"] = version
    session[NAMED_BY] = secret


def session_secret() -> str | None:
    """Return what names the session at hand; sessions of before there was such a thing have none."""
    secret = session.get(NAMED_BY)
    return secret if isinstance(secret, str) else None


async def _identify(services: Services) -> User:
    user = await _by_cookie(services)
    if user is None:
        presented = request.headers.get("Authorization")
        if not presented:
            raise NotAllowed(_NOBODY, status=401)
        token = presented.removeprefix("Bearer").strip()
        user = await sessions.by_access_token(services, token)
        if user is None:
            raise NotAllowed(_BAD_TOKEN, status=401)
    if user.status != UserStatus.ENABLED:
        session.clear()
        raise NotAllowed(_BANNED, status=403)
    return user


async def _by_cookie(services: Services) -> User | None:
    user_id, version = session.get("id"), session.get("v")
    if not isinstance(user_id, int) or not isinstance(version, int):
        return None
    user = await sessions.by_session(services, user_id, version, session_secret(), address=g.client.address)
    if user is None:
        session.clear()
    return user


def _declare(guard: Guard) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(view: Callable[P, R]) -> Callable[P, R]:
        view.guard = guard  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark
