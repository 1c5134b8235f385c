"""How much of a model's requests a channel would get, and what would be lost without it, before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.services import Services

MOST: Final = 8


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
    tier_share: float
    """What part of its own tier's requests it gets, whoever is tried before."""


def would_get(
    services: Services, *, channel_id: int, models: Sequence[str], groups: Sequence[str], priority: int, weight: int
) -> list[Share]:
    """Return shares for the first pairs of group and model; `channel_id` is 0 for a channel that is new."""
    snapshot = services.registry.current
    found = []
    for model in models:
        for group in groups:
            others = [c for c in snapshot.candidates(group, model) if c.id != channel_id]
            beside = [c for c in others if c.priority == priority]
            before = sum(c.priority > priority for c in others)
            mine = max(weight, 1)
            share = mine / (mine + sum(max(c.weight, 1) for c in beside))
            found.append(
                Share(
                    group=group,
                    model=model,
                    share=0.0 if before else share,
                    before=before,
                    beside=len(beside),
                    tier_share=share,
                )
            )
            if len(found) == MOST:
                return found
    return found


def nobody_else(services: Services, channel_id: int, models: Sequence[str]) -> list[str]:
    """Return those of some models that no other enabled channel serves to any group."""
    elsewhere = {
        model
        for (_group, model), views in services.registry.current.serving.items()
        if any(view.id != channel_id for view in views)
    }
    return [model for model in models if model not in elsewhere]
