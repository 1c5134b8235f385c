"""Lists of channels as pages show them, with what the relay thinks of each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.repositories import filtered

if TYPE_CHECKING:
    from gateway.services import Services
    from storage.records import Channel
    from storage.repositories.filtered import Wanted
    from storage.repositories.rows import Page, Sort


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How many of a channel's pairs of group and model are left alone just now, and how long for (s)."""

    suspended: int = 0
    pairs: int = 0
    shortest_s: float = 0.0
    models: tuple[str, ...] = ()


async def list_channels(services: Services, wanted: Wanted, sort: Sort, page: Page) -> tuple[list[Channel], int]:
    """Return one page of channels, and their number."""
    return await services.database.read(lambda conn: filtered.channel_page(conn, wanted, sort, page))


async def count_by_state(services: Services) -> dict[int, int]:
    """Return how many channels there are by state."""
    return await services.database.read(filtered.channel_counts)


async def count_tested_since(services: Services, seconds: int) -> int:
    """Return how many channels were tested at or after a moment (Unix seconds)."""
    return await services.database.read(lambda conn: filtered.tested_since(conn, seconds))


def health(services: Services, channel: Channel) -> Health:
    """Return a channel's suspensions, as this process knows them."""
    suspensions, now = services.registry.suspensions, time.time()
    groups = [name.strip() for name in channel.group.split(",") if name.strip()]
    models = [name.strip() for name in channel.models.split(",") if name.strip()]
    waits: dict[str, float] = {}
    suspended = 0
    for model in models:
        for group in groups:
            left = suspensions.until(group, model, channel.id) - now
            if left > 0:
                suspended += 1
                waits[model] = min(left, waits.get(model, left))
    return Health(
        suspended=suspended,
        pairs=len(models) * len(groups),
        shortest_s=min(waits.values(), default=0.0),
        models=tuple(waits),
    )


def only_here(services: Services, channel: Channel) -> list[str]:
    """Return the models that no other enabled channel serves to any group."""
    serving = services.registry.current.serving
    elsewhere = {model for (_group, model), views in serving.items() if any(view.id != channel.id for view in views)}
    mine = {model for (_group, model), views in serving.items() if any(view.id == channel.id for view in views)}
    return sorted(mine - elsewhere)
