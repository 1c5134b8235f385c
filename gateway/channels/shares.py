"""How much of a model's requests a channel would get, before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services import Services

MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Of a group's requests to a model: `share` from 0 to 1 of the first attempts, and who else is there."""

    group: str
    model: str
    share: float
    before: int
    """Channels of higher priority, which are tried first."""
    beside: int
    """Channels of equal priority."""


def would_get(
    services: Services, *, channel_id: int, models: Sequence[str], groups: Sequence[str], priority: int, weight: int
) -> list[Share]:
    """Return shares for the first pairs of group and model; `channel_id` is 0 for a channel that is new."""
    snapshot = services.registry.current
    found = []
    for group in groups:
        for model in models:
            others = [c for c in snapshot.candidates(group, model) if c.id != channel_id]
            beside = [c for c in others if c.priority == priority]
            before = sum(c.priority > priority for c in others)
            mine = max(weight, 1)
            whole = mine + sum(max(c.weight, 1) for c in beside)
            share = 0.0 if before else mine / whole
            found.append(Share(group=group, model=model, share=share, before=before, beside=len(beside)))
            if len(found) == MOST:
                return found
    return found
