"""What happens to whole tokens: thrown away and taken out again, given a new key while the old one works on.

A token that is thrown away stops at once and is shown to nobody; it is deleted for good a moment later
(`gateway.ledger.retention` does that), so that a slip of the hand can be taken back as it was.

Renewing keeps the token: name, limits, what it may still spend and its log stay one. Only the key is new, and the
former one, of which a hash is kept, opens the same token until its time is over. So there is nothing to be divided
between two keys, and nothing that could be spent twice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.people import new_key
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.tokens import reached
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.ledger.retention import TRASH_MS
from storage.repositories import token_extras, tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Acting, Author
    from gateway.services import Services
    from storage.records import Token
    from storage.repositories.token_extras import FormerKey

LONGEST_OVERLAP_H = 24 * 30
_TIDIED_AT_ONCE = 50


async def throw_away(services: Services, author: Author, token_id: int) -> Token:
    """Switch a token off and put it into the bin. Raises `NotFound`."""

    def work(conn: Connection) -> Token:
        token = reached(conn, author, token_id, others=True, lock=True)
        token_extras.trash(conn, token.id, status=token.status, now_ms=now_ms())
        note(conn, author, "token.delete", object_id=token.id, name=token.name)
        # Whatever lies there for longer goes now: the service that does it comes by once an hour only.
        token_extras.empty_trash(conn, before_ms=now_ms() - TRASH_MS, now_ms=now_ms(), limit=_TIDIED_AT_ONCE)
        return token

    token = await commit(services, work)
    services.accounts.forget_token(token.id)
    return token


async def take_back(services: Services, author: Author, token_id: int) -> Token:
    """Take a token out of the bin, as it was. Raises `Refused` when it is gone for good."""

    def work(conn: Connection) -> Token:
        if not token_extras.restore(conn, token_id, now_ms=now_ms()):
            raise Refused("the token was deleted for good already")
        # Whether they may: what was done so far is undone by what this raises.
        token = reached(conn, author, token_id, others=True)
        note(conn, author, "token.restore", object_id=token.id, name=token.name)
        return token

    token = await commit(services, work)
    services.accounts.forget_token(token.id)
    return token


async def renew_key(services: Services, author: Author, token_id: int, *, overlap_h: int) -> Token:
    """Give one of one's own tokens a new key. The old one works for `overlap_h` hours more, 0 ends it now.

    Former keys that work already go on until their own time. Raises `Refused`.
    """
    if not 0 <= overlap_h <= LONGEST_OVERLAP_H:
        raise Refused(f"the old key can go on working for at most {LONGEST_OVERLAP_H} hours")

    def work(conn: Connection) -> Token:
        token = reached(conn, author, token_id, others=False, lock=True)
        if overlap_h:
            token_extras.keep_key(conn, token.id, token.key, until=now_s() + overlap_h * 3600)
        tokens.change(conn, token.id, {"key": new_key(), "updated_at": now_ms()})
        changes = {"overlap_hours": [None, overlap_h]}
        note(conn, author, "token.renew", object_id=token.id, name=token.name, changes=changes)
        renewed = tokens.own(conn, author.id, token.id)
        if renewed is None:
            raise NotFound(f"token {token_id} was not found")
        return renewed

    renewed = await commit(services, work)
    services.accounts.forget_token(token_id)
    return renewed


async def end_former_keys(services: Services, author: Author, token_id: int) -> int:
    """End all former keys of a token now; return how many there were."""

    def work(conn: Connection) -> int:
        token = reached(conn, author, token_id, others=True, lock=True)
        count = token_extras.drop_keys(conn, token.id)
        if count:
            note(conn, author, "token.end-keys", object_id=token.id, name=token.name)
        return count

    count = await commit(services, work)
    services.accounts.forget_token(token_id)
    return count


async def former_keys(services: Services, actor: Acting, token_id: int) -> list[FormerKey]:
    """Return the former keys of a token that still work. Raises `NotFound`."""

    def work(conn: Connection) -> list[FormerKey]:
        token = reached(conn, actor, token_id, others=True)
        return token_extras.former_keys(conn, token.id, now_s=int(time.time()))

    return await services.database.read(work)
