"""What keys of figures are called: users, channels and tokens are counted by number, and shown by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.repositories import users
from storage.repositories.rows import as_id
from storage.repositories.tallied import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.services import Services


def channels_of(services: Services, provider: str) -> frozenset[int]:
    """Return the channels of a provider."""
    return frozenset(
        number for number, view in services.registry.current.channels.items() if view.provider.name == provider
    )


def channels_called(services: Services, text: str) -> frozenset[int]:
    """Return the channel of that number, which may be gone by now, or else all those of that name."""
    number = as_id(text)
    if number is not None:
        return frozenset({number})
    wanted = text.casefold()
    return frozenset(
        number for number, view in services.registry.current.channels.items() if view.name.casefold() == wanted
    )


async def find_user(services: Services, name: str) -> int:
    """Return the number of the account of that name, 0 when there is none."""
    found = await services.database.read(lambda conn: users.by_name(conn, name))
    return found.id if found is not None else 0


async def labels(services: Services, by: str, keys: Iterable[str]) -> dict[str, str]:
    """Return what each key is called. What is gone keeps its number."""
    wanted = list(keys)
    if "+" in by:
        return await _pairs(services, by.split("+"), wanted)
    if by == "channel":
        views = services.registry.current.channels
        numbers = {key: as_id(key) or 0 for key in wanted}
        return {
            key: views[number].name if number in views and views[number].name else f"#{key}"
            for key, number in numbers.items()
        }
    if by == "provider":
        known = {str(view.type): view.provider.name for view in services.registry.current.channels.values()}
        return {key: known.get(key, "") for key in wanted}
    if by not in ("user", "token"):
        return {key: key for key in wanted}
    owners = {key: as_id(key.partition(":")[0]) or 0 for key in wanted}
    names = await services.database.read(lambda conn: users.names_of(conn, sorted(set(owners.values()))))
    found: dict[str, str] = {}
    for key, owner in owners.items():
        person = names.get(owner) or f"#{owner}"
        found[key] = person if by == "user" else f"{person} / {key.partition(':')[2] or '—'}"
    return found


async def _pairs(services: Services, kinds: list[str], keys: list[str]) -> dict[str, str]:
    """Name keys of two kinds: both, with the separator of the keys between them."""
    parts = [key.split(SEPARATOR) for key in keys]
    names = [await labels(services, kind, {part[place] for part in parts}) for place, kind in enumerate(kinds)]
    return {
        key: SEPARATOR.join(names[place][text] for place, text in enumerate(part))
        for key, part in zip(keys, parts, strict=True)
    }
