"""The switch of a token that has what is said with it recorded, if the site permits that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed, Refused
from storage.records import Role
from storage.repositories import token_extras

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from gateway.audit.author import Acting
    from gateway.audit.trail import Changes
    from gateway.services import Services
    from storage.records import Token


class RecordingOff(Refused):
    """Root does not permit that messages are recorded here."""

    code = "recording_off"

    def __init__(self) -> None:
        super().__init__("this site does not permit recording messages")


def write_switch(
    services: Services, conn: Connection, actor: Acting, token: Token, wanted: bool | None
) -> Changes | None:
    """Switch recording on or off; return what that changed. Raises `RecordingOff` and `NotAllowed`.

    Only the owner and root may switch it on: it is the owner who is listened to. Off is open to whoever may edit.
    """
    was = bool(token_extras.recorded_among(conn, [token.id]))
    if wanted is None or wanted == was:
        return None
    if wanted and not services.registry.current.options.flag("MessageRecordingEnabled"):
        raise RecordingOff
    if wanted and actor.id != token.user_id and actor.role < Role.ROOT:
        raise NotAllowed("only the owner of a token and root may have its messages recorded")
    token_extras.set_records(conn, token.id, wanted)
    return {"record_messages": [was, wanted]}


async def recorded_among(services: Services, rows: Iterable[Token]) -> frozenset[int]:
    """Return the numbers of those tokens whose switch is on."""
    numbers = [row.id for row in rows]
    return await services.database.read(lambda conn: token_extras.recorded_among(conn, numbers))
