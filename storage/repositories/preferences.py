"""How one person likes their pages, as texts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from storage.preference_tables import gw_preferences as preferences

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection


def read(conn: Connection, user_id: int, names: Sequence[str]) -> dict[str, str]:
    """Return what is stored under `names`; what is not stored is missing."""
    query = select(preferences.c.name, preferences.c.value)
    found = conn.execute(query.where(preferences.c.user_id == user_id, preferences.c.name.in_(names)))
    return {row.name: row.value for row in found}


def of_people(conn: Connection, user_ids: Collection[int], name: str) -> dict[int, str]:
    """Return what some people have stored under `name`, by their numbers."""
    c = preferences.c
    query = select(c.user_id, c.value).where(c.user_id.in_(list(user_ids)), c.name == name)
    return {int(row.user_id): row.value for row in conn.execute(query)}


def put(conn: Connection, user_id: int, name: str, value: str) -> None:
    """Store `value` in place of what was there; an empty one only deletes."""
    is_it = (preferences.c.user_id == user_id) & (preferences.c.name == name)
    conn.execute(delete(preferences).where(is_it))
    if value:
        conn.execute(insert(preferences), [{"user_id": user_id, "name": name, "value": value}])
