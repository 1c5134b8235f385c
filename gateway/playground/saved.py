"""Conversations that people keep: nothing is stored unless they ask for it, and nobody else sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from storage.repositories import conversations
from storage.repositories.conversations import StoredConversation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.services import Services

MOST: Final = 100
LONGEST_TITLE: Final = 80
_LONGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it was shown: who gave it, what it said, and how it went."""

    name: str
    text: str
    facts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was asked and answered. `values` are the fields of the form, `turns` pairs of role and text."""

    values: Mapping[str, str] = field(default_factory=dict)
    formats: Sequence[str] = ()
    turns: Sequence[tuple[str, str]] = ()
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """One conversation in the list. `at` in Unix seconds."""

    id: int
    title: str
    at: float


async def list_kept(services: Services, user_id: int) -> list[Title]:
    """Return somebody's conversations, the newest first."""
    rows = await services.database.read(lambda conn: conversations.titles(conn, user_id, MOST))
    return [Title(id=number, title=title, at=at / 1000) for number, title, at in rows]


async def read_kept(services: Services, user_id: int, number: int) -> tuple[str, Kept]:
    """Return one of somebody's conversations with its title. Raises `NotFound`."""
    found = await services.database.read(lambda conn: conversations.own(conn, user_id, number))
    if found is None:
        raise NotFound("there is no such conversation")
    return found.title, _read(found.content)


async def keep(services: Services, user_id: int, title: str, kept: Kept) -> int:
    """Store a conversation, and return its number. Raises `Refused`."""
    content = json.dumps(
        {
            "values": dict(kept.values),
            "formats": list(kept.formats),
            "turns": [list(turn) for turn in kept.turns],
            "answers": [{"name": one.name, "text": one.text, "facts": one.facts} for one in kept.answers],
        },
        ensure_ascii=False,
    )
    if len(content) > _LONGEST:
        raise Refused("this conversation is too long to be kept")
    row = StoredConversation(
        user_id=user_id, created_at=now_ms(), title=title.strip()[:LONGEST_TITLE], content=content
    )

    def work(conn: Connection) -> int:
        if conversations.count(conn, user_id) >= MOST:
            raise Refused(f"you keep {MOST} conversations already; delete one first")
        return conversations.add(conn, row)

    return await services.database.write(work)


async def forget(services: Services, user_id: int, number: int) -> None:
    """Delete one of somebody's conversations. Raises `NotFound`."""
    if not await services.database.write(lambda conn: conversations.remove(conn, user_id, number)):
        raise NotFound("there is no such conversation")


def _read(content: str) -> Kept:
    try:
        found = json.loads(content)
    except ValueError:
        return Kept()
    if not isinstance(found, dict):
        return Kept()
    return Kept(
        values={name: value for name, value in found.get("values", {}).items() if isinstance(value, str)},
        formats=[name for name in found.get("formats", []) if isinstance(name, str)],
        turns=[(str(turn[0]), str(turn[1])) for turn in found.get("turns", []) if len(turn) == 2],
        answers=[Answer(name=one["name"], text=one["text"], facts=one["facts"]) for one in found.get("answers", [])],
    )
