"""The metrics of one process, put together from its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from gateway.metrics.relays import CountingJournal, RelayMetrics
from gateway.metrics.state import Sources, StateCollector

if TYPE_CHECKING:
    from gateway.cluster.build import Cluster
    from gateway.notify.alerts import Alerts
    from gateway.notify.root import RootNotifier
    from gateway.observe.journal import JournalService
    from gateway.observe.types import Journal
    from gateway.recordings.recorder import MessageRecorder
    from gateway.services import Services


@dataclass(frozen=True, slots=True)
class Metrics:
    """A registry of this gateway's own, so that two can live in one process, and what feeds it."""

    registry: CollectorRegistry
    relays: RelayMetrics
    worker: int

    @classmethod
    def make(cls, *, worker: int) -> Metrics:
        """Return metrics that count nothing yet."""
        registry = CollectorRegistry()
        return cls(registry, RelayMetrics(registry, worker=worker), worker)

    def counting(self, journal: Journal) -> Journal:
        """Return a journal that counts what it is told and hands it on."""
        return CountingJournal(journal, self.relays)

    def watch(
        self,
        services: Services,
        *,
        version: str,
        journal: JournalService,
        cluster: Cluster,
        root: RootNotifier,
        alerts: Alerts | None,
        messages: MessageRecorder,
    ) -> None:
        """Also read from these parts whenever somebody asks."""
        fallback = cluster.fallback
        sources = Sources(
            worker=self.worker,
            version=version,
            dropped=lambda: journal.dropped,
            is_degraded=lambda: fallback is not None and fallback.is_on,
            local_answers=lambda: fallback.answers if fallback is not None else 0,
            unsent=lambda: {"root": root.left_out, "alerts": alerts.pusher.left_out if alerts is not None else 0},
            unrecorded=lambda: messages.dropped,
        )
        # Registered without a description of its own: asking for one would read before anything has started.
        self.registry.register(StateCollector(services, sources))
