"""What is read from the parts of the process at the moment that somebody asks for the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from gateway.services import Services

_LEDGER_COUNTERS = {
    "batches": "Transactions of the ledger.",
    "items": "Reservations, changes and settlements stored.",
    "repeated_batches": "Transactions tried again.",
    "late": "Settlements that came after an estimate had been booked.",
    "released": "Reservations given back since their caller had left.",
    "parked": "Settlements that the database refused and that wait for a person.",
    "refused": "Items that the database refused on their own.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers come from that `Services` does not hold."""

    worker: int
    version: str
    dropped: Callable[[], Mapping[str, int]]
    """Records that the journal lost, by sink."""
    is_degraded: Callable[[], bool]
    """Whether shared limits are answered by this process alone at the moment."""
    local_answers: Callable[[], int]
    """How many were, since the start."""
    unsent: Callable[[], Mapping[str, int]]
    """Messages to people that did not leave, by way."""
    unrecorded: Callable[[], int]
    """Recordings of messages that were lost."""


class StateCollector:
    """A collector of prometheus-client; call it on the event loop only, since it reads what changes there."""

    def __init__(self, services: Services, sources: Sources) -> None:
        self._services = services
        self._sources = sources
        self._worker = str(sources.worker)
        self._process = ProcessCollector(registry=None)

    def collect(self) -> Iterator[Metric]:
        """Read everything."""
        services, sources = self._services, self._sources
        snapshot = services.registry.current
        yield self._gauge("build_info", "Always 1; the version is a label.", {(sources.version,): 1}, ("version",))
        yield self._gauge("start_time_seconds", "When the process started, Unix time.", services.phase.started_at)
        yield self._gauge("ready", "1 while load balancers should send requests here.", services.phase.is_ready)
        yield self._gauge("relays_running", "Relays under way.", len(services.running))
        yield self._gauge(
            "ledger_backlog", "Items that wait for the ledger's next transaction.", services.ledger.backlog
        )
        for name, meaning in _LEDGER_COUNTERS.items():
            yield self._counter(f"ledger_{name}", meaning, getattr(services.ledger.stats, name))
        yield self._gauge("registry_channels", "Channels that can be used.", len(snapshot.channels))
        yield self._gauge(
            "registry_models",
            "Models that some enabled channel serves.",
            len({model for _, model in snapshot.serving}),
        )
        yield self._gauge("registry_problems", "Rows of the registry that cannot be used.", len(snapshot.problems))
        yield self._gauge(
            "cluster_degraded",
            "1 while limits hold per process, since the shared store is away.",
            sources.is_degraded(),
        )
        yield self._counter(
            "cluster_local_answers", "Limits that were checked without the shared store.", sources.local_answers()
        )
        yield self._counter(
            "journal_dropped", "Log records that were lost, by sink.", _by(sources.dropped()), ("sink",)
        )
        yield self._counter(
            "notices_unsent", "Messages to people that did not leave, by way.", _by(sources.unsent()), ("way",)
        )
        yield self._counter(
            "messages_unrecorded", "Recordings of what was said with a token that were lost.", sources.unrecorded()
        )
        yield from self._of_process()

    def _of_process(self) -> Iterator[Metric]:
        """Memory, CPU and descriptors, under the usual names yet with our label."""
        for metric in self._process.collect():
            metric.samples = [
                sample._replace(labels={"worker": self._worker, **sample.labels}) for sample in metric.samples
            ]
            yield metric

    def _gauge(self, name: str, meaning: str, value: _Value, labels: Iterable[str] = ()) -> Metric:
        family = GaugeMetricFamily(f"one_api_{name}", meaning, labels=["worker", *labels])
        return self._filled(family, value)

    def _counter(self, name: str, meaning: str, value: _Value, labels: Iterable[str] = ()) -> Metric:
        family = CounterMetricFamily(f"one_api_{name}", meaning, labels=["worker", *labels])
        return self._filled(family, value)

    def _filled(self, family: GaugeMetricFamily | CounterMetricFamily, value: _Value) -> Metric:
        rows = {(): value} if isinstance(value, int | float) else value
        for labels, number in rows.items():
            family.add_metric([self._worker, *labels], float(number))
        return family


if TYPE_CHECKING:
    _Value = float | Mapping[tuple[str, ...], float]


def _by(numbers: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    return {(name,): number for name, number in numbers.items()}
