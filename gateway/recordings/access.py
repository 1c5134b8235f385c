"""Who may see what was recorded, and who may delete it.

Their owners and root see it. Administrators see what people of lower roles said only if root permits it for the site.
Whoever looks at somebody else's messages is written down, in the transaction that reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed, NotFound
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.recordings.packing import Content, unpacked
from storage.records import Role
from storage.repositories import messages, tokens, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Acting, Author
    from gateway.services import Services
    from storage.repositories.messages import Kept, StoredMessages

_NOTHING = "there are no recorded messages of this request"
_SEALED = "these messages are encrypted, and no secret in ENCRYPTION_KEYS opens them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded of a request."""

    row: StoredMessages
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """That there is a recording, and what somebody may do with it."""

    kept: Kept
    is_own: bool
    may_read: bool
    may_delete: bool


def permitted(services: Services) -> bool:
    """Return whether messages may be recorded at all here."""
    return services.registry.current.options.flag("MessageRecordingEnabled")


async def standing(services: Services, actor: Acting, request_id: str) -> Standing | None:
    """Return whether there is a recording of a request and what the actor may do with it.

    `None` where there is none, or where the actor may not even know.
    """

    def work(conn: Connection) -> Standing | None:
        kept = messages.about(conn, request_id)
        return None if kept is None else _standing(services, conn, actor, kept)

    return await services.database.read(work)


async def read_messages(services: Services, author: Author, request_id: str) -> Recorded:
    """Return what was recorded of a request. That it was looked at is written down where it is somebody else's.

    Raises `NotFound`, and `NotAllowed` for administrators who may only delete it.
    """

    def work(conn: Connection) -> StoredMessages:
        row = messages.of_request(conn, request_id)
        kept = messages.about(conn, request_id)
        found = _standing(services, conn, author, kept) if kept is not None else None
        if row is None or found is None:
            raise NotFound(_NOTHING, status=404)
        if not found.may_read:
            raise NotAllowed("only their owner and root may read these messages")
        if not found.is_own:
            _noted(conn, author, "messages.read", found.kept)
        return row

    # A transaction that writes only where something is written down.
    own = await standing(services, author, request_id)
    is_own = own is not None and own.is_own
    row = await (services.database.read(work) if is_own else commit(services, work))
    content = unpacked(row.content) if row.content else None
    if content is None:
        raise NotFound(_SEALED if not row.content else "these messages cannot be read", status=404)
    return Recorded(row=row, content=content)


async def delete_messages(services: Services, author: Author, request_id: str) -> None:
    """Delete what was recorded of a request, which is written down. Raises `NotFound`."""

    def work(conn: Connection) -> None:
        kept = messages.about(conn, request_id)
        found = _standing(services, conn, author, kept) if kept is not None else None
        if found is None or not found.may_delete or not messages.remove(conn, request_id):
            raise NotFound(_NOTHING, status=404)
        _noted(conn, author, "messages.delete", found.kept)

    await commit(services, work)


def _standing(services: Services, conn: Connection, actor: Acting, kept: Kept) -> Standing | None:
    is_own, is_root = kept.user_id == actor.id, actor.role >= Role.ROOT
    reaches = is_root
    if not is_own and not is_root and actor.role >= Role.ADMIN:
        owner = users.by_id(conn, kept.user_id)
        # Of an account that is gone nobody knows the role any more.
        reaches = owner is not None and owner.role < actor.role
    if not is_own and not reaches:
        return None
    allowed = services.registry.current.options.flag("MessagesForAdministrators")
    return Standing(
        kept=kept, is_own=is_own, may_read=is_own or is_root or (reaches and allowed), may_delete=is_own or reaches
    )


def _noted(conn: Connection, author: Author, action: str, kept: Kept) -> None:
    token = tokens.by_id(conn, kept.token_id)
    name = token.name if token is not None else f"#{kept.token_id}"
    changes: dict[str, list[object]] = {"request": ["", kept.request_id], "token": ["", name]}
    note(conn, author, action, object_id=kept.user_id, name=kept.request_id, changes=changes)
