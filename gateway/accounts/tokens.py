"""API tokens, as their owners manage them.

Nobody sees the key of another person's token, root included. Over their pages administrators may see and change the
rest of what people of lower roles have; they say so with `others`, which scripts cannot.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.entries import write_entry
from gateway.accounts.people import MOST_UNITS, new_key
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.token_recording import write_switch
from gateway.accounts.transactions import commit
from gateway.audit.trail import Changes, differences, note
from storage.records import LogRow, LogType, Role, TokenStatus
from storage.repositories import ledger, token_extras, tokens, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Acting, Author
    from gateway.services import Services
    from storage.records import Token, User
    from storage.repositories.rows import Page, Sort

LONGEST_NAME_BYTES = 30
_NOTED = ("name", "status", "expired_time", "remain_quota", "unlimited_quota", "models", "subnet")
_SWITCHED: dict[int | None, str] = {TokenStatus.ENABLED: "token.enable", TokenStatus.DISABLED: "token.disable"}
NEVER = -1
_LATEST = 253_402_300_799  # the last second of the year 9999
_LONGEST_LIST = 60_000
_LONGEST_REASON = 190

_EXPIRED = (
    "The token has expired and cannot be enabled. "
    "Please modify the expiration time of the token, or set it to never expire."
)
_EXHAUSTED = (
    "The available quota of the token has been used up and cannot be enabled. "
    "Please modify the remaining quota of the token, or set it to unlimited quota"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEdit:
    """What an owner writes to a token; `None` keeps what is there."""

    name: str | None = None
    status: int | None = None
    expired_time: int | None = None
    remain_quota: int | None = None
    quota_change: int = 0
    """How much is added to what remains, whatever that is by then; wins over `remain_quota`."""
    unlimited_quota: bool | None = None
    models: str | None = None
    subnet: str | None = None
    note: str | None = None
    """For people; the original program has no place for it."""
    record_messages: bool | None = None
    """What is said with it is kept for a while; the original program does not record."""


async def list_tokens(
    services: Services, actor: User, keyword: str, sort: Sort, page: Page
) -> tuple[list[Token], int]:
    """Return one page of the actor's tokens whose names begin with `keyword`, and their number."""
    return await services.database.read(lambda conn: tokens.page(conn, actor.id, keyword, sort, page))


async def read_token(services: Services, actor: Acting, token_id: int, *, others: bool = False) -> Token:
    """Return one of the actor's tokens."""
    return await services.database.read(lambda conn: reached(conn, actor, token_id, others=others))


def reached(conn: Connection, actor: Acting, token_id: int, *, others: bool, lock: bool = False) -> Token:
    """Return one of the actor's tokens or, with `others`, one of somebody whom the actor may administer.

    With `lock` its row is held until the transaction ends. Raises `NotFound`, whether it is not there or not theirs.
    """
    token = tokens.anybody_s(conn, token_id, lock=lock) if token_id else None
    if token is not None and token.user_id != actor.id:
        owner = users.by_id(conn, token.user_id) if others and actor.role >= Role.ADMIN else None
        if owner is None or not (actor.role == Role.ROOT or owner.role < actor.role):
            token = None
    if token is None:
        raise NotFound(f"token {token_id} was not found")
    return token


async def create_token(services: Services, actor: Author, new: TokenEdit) -> Token:
    """Make a token with a key of its own."""
    if not (new.name or "").strip():
        raise Refused("Token name is required")
    _check(new, prefix="invalid token: ")
    key = new_key()
    moment = now_ms()
    remaining = new.remain_quota or 0
    values: dict[str, object] = {
        "user_id": actor.id,
        "key": key,
        "status": TokenStatus.ENABLED,
        "name": new.name,
        "created_time": now_s(),
        "accessed_time": now_s(),
        "expired_time": new.expired_time or NEVER,
        "remain_quota": remaining,
        "unlimited_quota": bool(new.unlimited_quota),
        "used_quota": 0,
        "models": new.models,
        "subnet": new.subnet or "",
        "created_at": moment,
        "updated_at": moment,
    }

    def work(conn: Connection) -> Token:
        token_id = tokens.add(conn, values)
        ledger.post(
            conn, kind=ledger.OPENING, at_ms=moment, token_id=token_id, token_units=remaining, note="new token"
        )
        if new.note:
            token_extras.set_note(conn, token_id, new.note)
        made = _found(tokens.own(conn, actor.id, token_id), token_id)
        more: Changes = {"note": ["", new.note]} if new.note else {}
        more |= write_switch(services, conn, actor, made, new.record_messages) or {}
        _noted(conn, actor, "token.create", None, made, more)
        return made

    return await commit(services, work)


async def reveal_key(services: Services, actor: Author, token_id: int) -> Token:
    """Return one of the actor's tokens to show its key, which is written down."""

    def work(conn: Connection) -> Token:
        token = _found(tokens.own(conn, actor.id, token_id), token_id)
        note(conn, actor, "token.reveal", object_id=token.id, name=token.name)
        return token

    return await commit(services, work)


async def update_token(
    services: Services,
    actor: Author,
    token_id: int,
    edit: TokenEdit,
    *,
    status_only: bool = False,
    others: bool = False,
) -> Token:
    """Write a token, or only its state. A state that only time or use had caused goes when its cause goes."""
    _check(edit, prefix="invalid token: ")
    if token_id == 0:
        raise Refused(f"invalid parameters: id={token_id}, userId={actor.id}")
    if not status_only and not (edit.name or "").strip():
        raise Refused("Token name cannot be empty")

    def work(conn: Connection) -> Token:
        token = reached(conn, actor, token_id, others=others, lock=True)
        _check_wake_up(token, edit)
        moved: Changes | None = None
        action = "token.update"
        if status_only:
            action = _SWITCHED.get(edit.status, action)
            tokens.change(conn, token_id, {"status": _known(edit.status), "updated_at": now_ms()})
        else:
            _write(conn, token, edit)
            moved = _write_note(conn, token, edit.note) or {}
            moved |= write_switch(services, conn, actor, token, edit.record_messages) or {}
        changed = _found(tokens.own(conn, token.user_id, token_id), token_id)
        _noted(conn, actor, action, token, changed, moved)
        return changed

    changed = await commit(services, work)
    services.accounts.forget_token(token_id)
    return changed


def _remaining(token: Token, edit: TokenEdit) -> int:
    if edit.quota_change:
        return token.remain_quota + edit.quota_change
    return token.remain_quota if edit.remain_quota is None else edit.remain_quota


def _write(conn: Connection, token: Token, edit: TokenEdit) -> None:
    expires = token.expired_time if edit.expired_time is None else edit.expired_time or NEVER
    remaining = _remaining(token, edit)
    unlimited = token.unlimited_quota if edit.unlimited_quota is None else edit.unlimited_quota
    status = token.status if edit.status is None else _known(edit.status)
    is_over: dict[int, bool] = {
        TokenStatus.EXPIRED: expires == NEVER or expires > now_s(),
        TokenStatus.EXHAUSTED: unlimited or remaining > 0,
    }
    if is_over.get(status, False):
        status = TokenStatus.ENABLED
    moved = remaining - token.remain_quota
    values: dict[str, object] = {
        "name": edit.name,
        "status": status,
        "expired_time": expires,
        "unlimited_quota": unlimited,
        "updated_at": now_ms(),
    }
    for name in ("models", "subnet"):
        value = getattr(edit, name)
        # A limit stays until it is taken away in so many words; an empty one that is not named becomes NULL.
        values[name] = value if value is not None else getattr(token, name) or None
    tokens.change(conn, token.id, values, add_units=moved)
    if moved:
        ledger.post(conn, kind="token", at_ms=now_ms(), token_id=token.id, token_units=moved, note="edited")


def _write_note(conn: Connection, token: Token, text: str | None) -> Changes | None:
    before = token_extras.notes_of(conn, [token.id]).get(token.id, "")
    if text is None or text == before:
        return None
    token_extras.set_note(conn, token.id, text)
    return {"note": [before, text]}


def _check_wake_up(token: Token, edit: TokenEdit) -> None:
    if edit.status != TokenStatus.ENABLED:
        return
    expires = edit.expired_time or token.expired_time
    if token.status == TokenStatus.EXPIRED and expires != NEVER and expires <= now_s():
        raise Refused(_EXPIRED)
    remaining = _remaining(token, edit)
    unlimited = token.unlimited_quota if edit.unlimited_quota is None else edit.unlimited_quota
    if token.status == TokenStatus.EXHAUSTED and remaining <= 0 and not unlimited:
        raise Refused(_EXHAUSTED)


async def delete_token(services: Services, actor: Author, token_id: int) -> None:
    """Delete one of the actor's tokens for good; what it had left goes from the books."""

    def work(conn: Connection) -> None:
        token = reached(conn, actor, token_id, others=False, lock=True)
        tokens.remove(conn, token.user_id, token_id)
        _noted(conn, actor, "token.delete", token, None)
        if token.remain_quota:
            ledger.post(
                conn,
                kind="token",
                at_ms=now_ms(),
                token_id=token.id,
                token_units=-token.remain_quota,
                note="deleted",
            )

    await commit(services, work)
    services.accounts.forget_token(token_id)


async def consume(
    services: Services, token: Token, owner: User, *, units: int, reason: str, request_id: str
) -> Token:
    """Charge a token for something that did not come through here. The owner's balance stays as it is."""
    if units <= 0:
        raise Refused("add_used_quota must be greater than 0")
    if not reason:
        raise Refused("add_reason cannot be empty")
    if units > MOST_UNITS:
        raise Refused("Insufficient remaining quota")
    options = services.registry.current.options
    reason = reason[:_LONGEST_REASON]
    entry = LogRow(
        user_id=owner.id,
        created_at=now_s(),
        updated_at=now_ms(),
        type=LogType.CONSUME,
        content=f"External ({reason}) consumed {options.money(units)}",
        username=owner.username,
        token_name=token.name,
        model_name=reason,
        quota=units,
        request_id=request_id,
    )

    def work(conn: Connection) -> Token:
        if not tokens.consume(conn, token.id, units, now_s=now_s(), now_ms=now_ms()):
            raise Refused("Insufficient remaining quota")
        changed = _found(tokens.by_id(conn, token.id), token.id)
        ledger.post(
            conn,
            kind="consume",
            at_ms=now_ms(),
            token_id=token.id,
            token_units=0 if changed.unlimited_quota else -units,
            request_id=request_id,
            note=reason,
        )
        if options.flag("LogConsumeEnabled"):
            write_entry(services, conn, entry)
        return changed

    changed = await commit(services, work)
    services.accounts.forget_token(token.id)
    return changed


def _noted(
    conn: Connection,
    author: Author,
    action: str,
    before: Token | None,
    after: Token | None,
    more: Changes | None = None,
) -> None:
    token = after or before
    assert token is not None  # noqa: S101 - callers have at least one
    facts = [{} if t is None else {name: getattr(t, name) for name in _NOTED} for t in (before, after)]
    note(conn, author, action, object_id=token.id, name=token.name, changes=differences(*facts) | (more or {}))


def _check(edit: TokenEdit, *, prefix: str) -> None:
    if len((edit.name or "").encode()) > LONGEST_NAME_BYTES:
        raise Refused(f"{prefix}Token name is too long")
    for network in (edit.subnet or "").split(","):
        if not network.strip():
            continue
        if not _is_network(network.strip()):
            raise Refused(f"{prefix}invalid network segment: {network.strip()[:60]}")
    if len(edit.models or "") > _LONGEST_LIST or len(edit.subnet or "") > _LONGEST_LIST:
        raise Refused(f"{prefix}a list is too long")
    if len(edit.note or "") > token_extras.LONGEST_NOTE:
        raise Refused(f"{prefix}the note is too long")
    if edit.expired_time is not None and not NEVER <= edit.expired_time <= _LATEST:
        raise Refused(f"{prefix}the expiration time must be a time in seconds, or -1 for never")
    if edit.remain_quota is not None and not edit.unlimited_quota and not 0 <= edit.remain_quota <= MOST_UNITS:
        raise Refused(f"{prefix}the remaining quota must be between 0 and {MOST_UNITS}")
    if edit.remain_quota is not None and abs(edit.remain_quota) > MOST_UNITS:
        raise Refused(f"{prefix}the remaining quota is out of range")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    # A bare address is a network to Python, yet never was one here.
    return "/" in text


def _known(status: int | None) -> int:
    try:
        return TokenStatus(status or 0)
    except ValueError:
        raise Refused("the status must be 1 (enabled), 2 (disabled), 3 (expired) or 4 (exhausted)") from None


def _found(token: Token | None, token_id: int) -> Token:
    if token is None:
        raise NotFound(f"token {token_id} was not found")
    return token
