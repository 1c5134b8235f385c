"""What is counted, and that the labels stay few."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics.labels import OTHER, Bounded
from gateway.metrics.relays import MOST_MODELS, CountingJournal, RelayMetrics
from gateway.metrics.state import Sources, StateCollector
from tests.management.site import Notes, Site
from tests.observe.samples import PLAIN as SUMMARY

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def _numbers(registry: CollectorRegistry) -> dict[str, float]:
    """Return all samples, by name and labels as they are written."""
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_relays_are_counted_on_their_way_into_the_journal() -> None:
    registry = CollectorRegistry()
    notes = Notes()
    journal = CountingJournal(notes, RelayMetrics(registry, worker=3))
    summary = replace(
        SUMMARY,
        model="m",
        channel="first#1",
        outcome="ok",
        attempts=2,
        prompt_tokens=10,
        completion_tokens=5,
        cached_tokens=4,
        units=77,
        duration_s=1.5,
        first_content_s=0.3,
    )
    journal.relay(summary)
    journal.relay(replace(summary, outcome="upstream_failed", first_content_s=None, units=0))
    journal.event("warning", "channel.failing", "it fails")
    found = _numbers(registry)
    place = 'channel="first#1",model="m"'
    assert found[f'one_api_relays_total{{{place},outcome="ok",worker="3"}}'] == 1
    assert found[f'one_api_relays_total{{{place},outcome="upstream_failed",worker="3"}}'] == 1
    assert found[f'one_api_relay_attempts_total{{{place},worker="3"}}'] == 4
    assert found['one_api_tokens_total{channel="first#1",kind="cached",model="m",worker="3"}'] == 8
    assert found[f'one_api_quota_units_total{{{place},worker="3"}}'] == 77
    assert found['one_api_relay_duration_seconds_count{model="m",worker="3"}'] == 2
    assert found['one_api_relay_first_content_seconds_bucket{le="0.4",model="m",worker="3"}'] == 1
    assert found['one_api_relay_first_content_seconds_bucket{le="0.2",model="m",worker="3"}'] == 0
    assert found['one_api_events_total{level="warning",name="channel.failing",worker="3"}'] == 1
    assert notes.named("channel.failing") == ["it fails"]


def test_clients_cannot_make_series_without_end() -> None:
    registry = CollectorRegistry()
    metrics = RelayMetrics(registry, worker=0)
    for number in range(1000):
        # Nobody serves these: the name is only the client's.
        metrics.relay(replace(SUMMARY, model=f"invented-{number}", channel="", outcome="refused"))
    assert len([name for name in _numbers(registry) if name.startswith("one_api_relays_total")]) == 1
    for number in range(MOST_MODELS + 50):
        metrics.relay(replace(SUMMARY, model=f"mapped-{number}", channel="all#1", outcome="ok"))
    models = {name for name in _numbers(registry) if name.startswith("one_api_relay_duration_seconds_count")}
    assert len(models) == MOST_MODELS + 2
    assert any(f'model="{OTHER}"' in name for name in models)


def test_long_values_are_cut_and_known_ones_stay() -> None:
    labels = Bounded(2)
    assert [labels.of("a"), labels.of("b" * 500), labels.of("c"), labels.of("a")] == ["a", "b" * 100, OTHER, "a"]


def _sources() -> Sources:
    return Sources(
        worker=0,
        version="v1",
        dropped=lambda: {"stdout": 2},
        is_degraded=lambda: True,
        local_answers=lambda: 5,
        unsent=lambda: {"root": 1, "alerts": 0},
        unrecorded=lambda: 3,
    )


async def test_the_state_is_read_when_somebody_asks(site: Site) -> None:
    registry = CollectorRegistry()
    registry.register(StateCollector(site.services, _sources()))
    found = _numbers(registry)
    assert found['one_api_ready{worker="0"}'] == 1
    assert found['one_api_relays_running{worker="0"}'] == 0
    assert found['one_api_registry_channels{worker="0"}'] == 0
    assert found['one_api_journal_dropped_total{sink="stdout",worker="0"}'] == 2
    assert found['one_api_cluster_degraded{worker="0"}'] == 1
    assert found['one_api_messages_unrecorded_total{worker="0"}'] == 3
    assert found['process_open_fds{worker="0"}'] > 0
    body = {"type": 1, "name": "one", "key": "k", "models": "m1,m2", "group": "default"}
    await site.root.call("POST", "/api/channel/", json=body)
    found = _numbers(registry)
    assert (found['one_api_registry_channels{worker="0"}'], found['one_api_registry_models{worker="0"}']) == (1, 2)


async def test_the_guide_names_every_metric_with_its_labels_and_no_other(site: Site) -> None:
    registry = CollectorRegistry()
    metrics = RelayMetrics(registry, worker=0)
    metrics.relay(replace(SUMMARY, model="m", channel="c#1"))
    metrics.event("info", "x")
    registry.register(StateCollector(site.services, _sources()))
    made = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        if not family.name.startswith("one_api_") or family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"worker", "le"}
        made[name] = (family.type, labels)
    told = {
        name: (kind, set(filter(None, re.split(r",\s*", labels.strip()))))
        for name, kind, labels in re.findall(
            r"^\| `(one_api_\w+)` \| (\w+) \|([^|]*)\|", DOCS.read_text(), re.MULTILINE
        )
    }
    assert told == made
