"""How somebody likes the pages: their looks, which columns a list shows, and views of it that they saved.

One value for the looks, and one for each list. It is no business of the site's, so no audit tells of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from gateway.accounts.refusals import Refused
from storage.repositories import preferences

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateway.mail.letters import Language
    from gateway.services import Services

MOST_VIEWS = 20
LONGEST_NAME = 40
_LONGEST_QUERY = 1500
_LOOKS = "looks"
_MOST_COLUMNS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Liking:
    """One person's wishes for one list. Only what differs from how the list comes is kept."""

    shown: frozenset[str] = frozenset()
    """Columns that the list comes without."""
    hidden: frozenset[str] = frozenset()
    """Columns that it comes with."""
    views: Mapping[str, str] = field(default_factory=dict)
    """Names of saved views, each with the query of its address."""


async def read_liking(services: Services, user_id: int, name: str) -> Liking:
    """Return what somebody wants of the list `name`."""
    key = _key(name)
    found = await services.database.read(lambda conn: preferences.read(conn, user_id, [key]))
    return _read(found.get(key, ""))


async def choose_columns(
    services: Services,
    user_id: int,
    name: str,
    *,
    chosen: frozenset[str],
    usual: frozenset[str],
    known: frozenset[str],
) -> None:
    """Show the columns `chosen` from now on; `usual` are those that the list comes with, of all `known`."""
    if len(known) > _MOST_COLUMNS:
        raise Refused("too many columns")
    liking = await read_liking(services, user_id, name)
    shown, hidden = (chosen & known) - usual, (usual & known) - chosen
    await _put(services, user_id, name, Liking(shown=shown, hidden=hidden, views=liking.views))


async def show_column(services: Services, user_id: int, name: str, column: str) -> bool:
    """Show one more column of a list that comes without it from now on, and return whether it was hidden."""
    liking = await read_liking(services, user_id, name)
    if column in liking.shown:
        return False
    await _put(services, user_id, name, replace(liking, shown=liking.shown | {column}))
    return True


async def save_view(services: Services, user_id: int, name: str, *, title: str, query: str) -> None:
    """Keep `query` under `title`, in place of one of that name. Raises `Refused` for what cannot be kept."""
    title = title.replace("\x00", "").strip()
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise Refused(f"a name of 1 to {LONGEST_NAME} characters is needed")
    if len(query) > _LONGEST_QUERY:
        raise Refused("this search is too long to be kept")
    liking = await read_liking(services, user_id, name)
    views = {**liking.views, title: query}
    if len(views) > MOST_VIEWS:
        raise Refused(f"at most {MOST_VIEWS} views can be kept for a list")
    await _put(services, user_id, name, Liking(shown=liking.shown, hidden=liking.hidden, views=views))


async def drop_view(services: Services, user_id: int, name: str, *, title: str) -> None:
    """Forget a saved view; nothing happens where there is none of that name."""
    liking = await read_liking(services, user_id, name)
    views = {known: query for known, query in liking.views.items() if known != title}
    await _put(services, user_id, name, Liking(shown=liking.shown, hidden=liking.hidden, views=views))


async def read_looks(services: Services, user_id: int) -> dict[str, str]:
    """Return language, theme and whatever else somebody chose, by name; what they left alone is missing."""
    found = await services.database.read(lambda conn: preferences.read(conn, user_id, [_LOOKS]))
    return _looks(found.get(_LOOKS, "{}"))


async def mail_languages(
    services: Services, user_ids: Collection[int], *, default: Language | None = None
) -> dict[int, Language]:
    """Return the language that each of some people is written to in.

    It is what they chose; who chose none gets `default`, without which it is the site's.
    """
    usual = default or as_language(services.registry.current.options.text("DefaultLanguage"))
    stored = await services.database.read(lambda conn: preferences.of_people(conn, user_ids, _LOOKS))
    return {number: as_language(_looks(stored.get(number, "")).get("lang", ""), usual) for number in user_ids}


def as_language(name: str, default: Language = "en") -> Language:
    """Return a language that mails are written in, by its name."""
    return "zh" if name == "zh" else "en" if name == "en" else default


async def choose_looks(services: Services, user_id: int, chosen: Mapping[str, str]) -> None:
    """Keep what somebody chose beside what they chose before, for every browser they sign in with."""
    if not chosen:
        return
    value = json.dumps({**await read_looks(services, user_id), **chosen}, ensure_ascii=False)
    await services.database.write(partial(preferences.put, user_id=user_id, name=_LOOKS, value=value))


async def _put(services: Services, user_id: int, name: str, liking: Liking) -> None:
    value = ""
    if liking != Liking():
        value = json.dumps(
            {"shown": sorted(liking.shown), "hidden": sorted(liking.hidden), "views": dict(liking.views)},
            ensure_ascii=False,
        )
    await services.database.write(partial(preferences.put, user_id=user_id, name=_key(name), value=value))


def _key(name: str) -> str:
    if not (name.isascii() and name.replace("-", "").isalnum() and len(name) <= 32):
        raise Refused("there is no such list")
    return f"list.{name}"


def _looks(text: str) -> dict[str, str]:
    try:
        return {str(name): str(value) for name, value in json.loads(text or "{}").items()}
    except (ValueError, AttributeError):
        return {}


def _read(text: str) -> Liking:
    """Read what was stored, by whatever version of ours."""
    try:
        table = json.loads(text or "{}")
        return Liking(
            shown=frozenset(map(str, table.get("shown", ()))),
            hidden=frozenset(map(str, table.get("hidden", ()))),
            views={str(title): str(query) for title, query in table.get("views", {}).items()},
        )
    except (ValueError, AttributeError, TypeError):
        return Liking()
