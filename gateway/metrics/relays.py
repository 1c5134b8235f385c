"""What is counted as relays end and events happen. Also the journal that counts what passes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from gateway.metrics.labels import Bounded

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from gateway.observe.types import Journal, Level, RelaySummary

MOST_MODELS = 200
MOST_CHANNELS = 200
_DURATION_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
_FIRST_CONTENT_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 25, 50, 100)


class RelayMetrics:
    """Counters and histograms of relays; every one carries the number of its worker."""

    def __init__(self, registry: CollectorRegistry, *, worker: int) -> None:
        self._worker = str(worker)
        self._models = Bounded(MOST_MODELS)
        self._channels = Bounded(MOST_CHANNELS)
        place = ("worker", "channel", "model")
        self._relays = Counter(
            "one_api_relays",
            "Relays that ended, by outcome (ok, client_gone, upstream_failed, refused, deadline, drained, quota).",
            (*place, "outcome"),
            registry=registry,
        )
        self._attempts = Counter(
            "one_api_relay_attempts", "Attempts at channels, by the last channel.", place, registry=registry
        )
        self._tokens = Counter(
            "one_api_tokens",
            "Tokens of relays, by kind (prompt, completion; cached are a part of prompt).",
            (*place, "kind"),
            registry=registry,
        )
        self._units = Counter("one_api_quota_units", "Quota units charged.", place, registry=registry)
        self._duration = Histogram(
            "one_api_relay_duration_seconds",
            "From the request to the end of the answer.",
            ("worker", "model"),
            buckets=_DURATION_S,
            registry=registry,
        )
        self._first_content = Histogram(
            "one_api_relay_first_content_seconds",
            "From the request to the first content, where there was any.",
            ("worker", "model"),
            buckets=_FIRST_CONTENT_S,
            registry=registry,
        )
        self._events = Counter(
            "one_api_events",
            "Events by level and name, as in the log.",
            ("worker", "level", "name"),
            registry=registry,
        )

    def relay(self, summary: RelaySummary) -> None:
        """Count a relay that ended."""
        # Without a channel nobody has looked at the model's name yet but the client.
        model = self._models.of(summary.model) if summary.channel else ""
        place = (self._worker, self._channels.of(summary.channel) if summary.channel else "", model)
        self._relays.labels(*place, summary.outcome).inc()
        self._attempts.labels(*place).inc(max(summary.attempts, 0))
        for kind, tokens in (
            ("prompt", summary.prompt_tokens),
            ("completion", summary.completion_tokens),
            ("cached", summary.cached_tokens),
        ):
            self._tokens.labels(*place, kind).inc(max(tokens, 0))
        self._units.labels(*place).inc(max(summary.units, 0))
        self._duration.labels(self._worker, model).observe(summary.duration_s)
        if summary.first_content_s is not None:
            self._first_content.labels(self._worker, model).observe(summary.first_content_s)

    def event(self, level: Level, name: str) -> None:
        """Count an event. Names are words of the program, so there are few."""
        self._events.labels(self._worker, level, name).inc()


class CountingJournal:
    """Implements `gateway.observe.types.Journal`: counts, and hands on."""

    def __init__(self, journal: Journal, metrics: RelayMetrics) -> None:
        self._journal = journal
        self._metrics = metrics

    def relay(self, summary: RelaySummary) -> None:
        """See the protocol."""
        self._metrics.relay(summary)
        self._journal.relay(summary)

    def event(self, level: Level, name: str, message: str, **fields: object) -> None:
        """See the protocol."""
        self._metrics.event(level, name)
        self._journal.event(level, name, message, **fields)
