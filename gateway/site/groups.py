"""Groups, and who is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.repositories import groups

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.services import Services


@dataclass(frozen=True, slots=True)
class Members:
    """How many belong to one group."""

    users: int = 0
    channels: int = 0

    @property
    def any(self) -> bool:
        """Whether the group is in use."""
        return bool(self.users or self.channels)


async def group_members(services: Services) -> dict[str, Members]:
    """Return what belongs to each group that anything belongs to, configured or not."""

    def work(conn: Connection) -> dict[str, Members]:
        people, channels = groups.users_by_group(conn), groups.channels_by_group(conn)
        return {name: Members(people.get(name, 0), channels.get(name, 0)) for name in {*people, *channels}}

    return await services.database.read(work)
