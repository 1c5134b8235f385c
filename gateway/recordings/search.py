"""Finding words in recorded messages: from the newest on, as far as a moment's work reaches.

What is recorded is compressed and perhaps sealed, so it is opened and looked through piece by piece, and how far that
went is told. Who looks through other people's messages is written down, once a minute at most, without the words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from gateway.accounts.clock import now_ms
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.recordings.packing import unpacked
from storage.records import Role
from storage.repositories import audit, messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.repositories.messages import StoredMessages

MOST_LOOKED: Final = 1_000
"""Recordings that are opened for one search."""
MOST_BYTES: Final = 48 << 20
"""Characters of them that are looked through: under half a second."""
MOST_FOUND: Final = 300
_AT_ONCE: Final = 50
_NOTED_EVERY_MS: Final = 60_000
# Pictures and sound hold every short word.
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/=_-]{200,}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to."""

    request_ids: Sequence[str]
    """Of requests whose messages hold the words, the newest first."""
    looked: int
    """How many recordings were looked through."""
    is_all: bool
    """Whether there are no more of that time."""


async def find(
    services: Services, author: Author, text: str, *, user_id: int | None = None, since: int = 0, until: int = 0
) -> Found:
    """Return requests in whose messages `text` is said, among those that the author may read.

    `user_id`: of one person only. Times in Unix seconds, 0: any.
    """
    reads_others = author.role >= Role.ROOT or (
        author.role >= Role.ADMIN and services.registry.current.options.flag("MessagesForAdministrators")
    )
    whose = user_id if reads_others else author.id
    # Which those are, `access` says of single ones in the same way.
    reader = None if author.role >= Role.ROOT else (author.id, author.role)
    if user_id not in (None, whose):
        return Found(request_ids=(), looked=0, is_all=True)
    search = _Search(needles(text))
    before: tuple[int, str] | None = None
    while not search.is_enough:
        rows = await services.database.read(
            partial(
                messages.newest,
                user_id=whose,
                reader=reader,
                since_ms=since * 1000,
                until_ms=until * 1000,
                before=before,
                limit=_AT_ONCE,
            )
        )
        await trio.to_thread.run_sync(search.look_through, rows)
        search.strangers += sum(row.user_id != author.id for row in rows)
        if len(rows) < _AT_ONCE:
            search.is_all = True
            break
        before = rows[-1].created_at, rows[-1].request_id
    if search.strangers:
        await _noted(services, author, search.strangers)
    return Found(request_ids=search.found, looked=search.looked, is_all=search.is_all)


def needles(text: str) -> frozenset[str]:
    """Return how a text may stand in JSON, in small letters: clients escape what is not ASCII, or do not."""
    escaped = (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))
    return frozenset(one.lower() for one in escaped)


@dataclass(slots=True)
class _Search:
    wanted: frozenset[str]
    found: list[str] = field(default_factory=list)
    looked: int = 0
    size: int = 0
    strangers: int = 0
    """Recordings of other people that were looked through."""
    is_all: bool = False

    @property
    def is_enough(self) -> bool:
        return self.looked >= MOST_LOOKED or self.size >= MOST_BYTES or len(self.found) >= MOST_FOUND

    def look_through(self, rows: Sequence[StoredMessages]) -> None:
        for row in rows:
            content = unpacked(row.content) if row.content else None
            self.looked += 1
            if content is None:
                continue
            for text in (content.request, content.answer):
                self.size += len(text)
                said = _ENCODED.sub("", text).lower()
                if any(needle in said for needle in self.wanted):
                    self.found.append(row.request_id)
                    break


async def _noted(services: Services, author: Author, number: int) -> None:
    def work(conn: Connection) -> None:
        since_ms = now_ms() - _NOTED_EVERY_MS
        if not audit.was_done(conn, author.id, "messages.search", since_ms=since_ms):
            note(conn, author, "messages.search", changes={"looked": ["", number]})

    await commit(services, work)
