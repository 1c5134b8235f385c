"""The service that makes copies, put together of what the process has."""

from __future__ import annotations

from random import SystemRandom
from typing import TYPE_CHECKING

from gateway.relay.shadow.copies import CopyDeps
from gateway.relay.shadow.shadows import DatabaseShadows, Shadows

if TYPE_CHECKING:
    from gateway.counting.counter import Counter
    from gateway.services import Services


def shadows_of(services: Services, counter: Counter) -> Shadows:
    """Return the service for a process."""
    deps = CopyDeps(
        settings=services.settings,
        prices=services.catalogue.prices,
        counter=counter,
        transport=services.transport,
        wires=services.wires,
        journal=services.journal,
    )
    return Shadows(
        deps,
        store=DatabaseShadows(services.database),
        registry=services.registry,
        phase=services.phase,
        rng=SystemRandom(),
        journal=services.journal,
    )
