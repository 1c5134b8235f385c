"""The tag and the note of a channel: for people, the relay does not look at them.

They are written together with the rest of a channel (`edits.ChannelEdit`), or alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused
from storage.repositories import channel_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.services import Services
    from storage.repositories.channel_labels import Label

LONGEST_TAG: Final = 50
LONGEST_NOTE: Final = 500


async def read_label(services: Services, channel_id: int) -> Label:
    """Return the tag and the note of a channel."""
    return await services.database.read(lambda conn: channel_labels.of(conn, channel_id))


async def read_labels(services: Services, channel_ids: Sequence[int]) -> dict[int, Label]:
    """Return the tag and the note of each of some channels."""
    return await services.database.read(lambda conn: channel_labels.of_several(conn, channel_ids))


async def read_tags(services: Services) -> dict[str, int]:
    """Return the tags in use, in order, each with the number of its channels."""
    return await services.database.read(channel_labels.tags)


def check_label(tag: str | None, note: str | None) -> None:
    """Refuse what is too long, and a tag of several lines."""
    if len((tag or "").strip()) > LONGEST_TAG:
        raise Refused(f"a tag may have {LONGEST_TAG} characters")
    if tag and not tag.strip().isprintable():
        raise Refused("a tag must be one line of text")
    if len((note or "").strip()) > LONGEST_NOTE:
        raise Refused(f"a note may have {LONGEST_NOTE} characters")


def write_label(conn: Connection, channel_id: int, tag: str | None, note: str | None) -> tuple[Label, Label]:
    """Write on a channel whose row the caller holds, and return what stood there before and what does now.

    `None` keeps what is there; an empty text takes it away.
    """
    before = channel_labels.of(conn, channel_id)
    after = before
    if tag is not None:
        after = replace(after, tag=tag.strip())
    if note is not None:
        after = replace(after, note=note.strip())
    if after != before:
        channel_labels.put(conn, channel_id, after)
    return before, after
