"""The scenarios S1 to S9, as `docs/performance.md` describes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to load the gateway. `seconds` or `requests` end it; `model` is the mock's plan."""

    name: str
    title: str
    model: str
    concurrency: int
    seconds: float = 0.0
    requests: int = 0
    streams: bool = False
    image_kb: int = 0
    ramp_s: float = 0.0
    warm: int = 20
    """Requests per worker that are not counted, before."""
    api: str = ""
    """The client's format, `anthropic` or `responses`, which the gateway converts; empty: Chat Completions."""

    def flags(self, *, share: float = 1.0, straight: bool = False) -> list[str]:
        """Return the load generator's flags; `share` shortens a scenario that goes by time.

        `straight` is for the mock itself, which is asked in its own format.
        """
        flags = ["-model", self.model, "-c", str(self.concurrency), "-warm", str(self.warm), "-timeout", "120"]
        if self.seconds:
            flags += ["-t", str(max(self.seconds * share, 0.5))]
        if self.requests:
            flags += ["-n", str(self.requests)]
        if self.streams:
            flags += ["-stream"]
        if self.image_kb:
            flags += ["-image-kb", str(self.image_kb)]
        if self.ramp_s:
            flags += ["-ramp", str(self.ramp_s)]
        if self.api and not straight:
            flags += ["-api", self.api]
        return flags


LOADS = (
    Scenario("S1", "one at a time", "bench-8chunks-40b", 1, seconds=4),
    Scenario("S2", "32 at once", "bench-8chunks-40b", 32, seconds=5, warm=4),
    Scenario("S3", "bursts of 200 chunks", "bench-200chunks-40b", 8, seconds=5, streams=True, warm=4),
    Scenario(
        "S4", "1,000 paced streams", "bench-100chunks-100ms-40b", 1000, requests=1000, streams=True, ramp_s=5, warm=0
    ),
    Scenario("S5", "1 MB bodies", "bench-8chunks-44b", 4, seconds=4, image_kb=768, warm=2),
    Scenario(
        "S7", "Claude over OpenAI, bursts", "bench-200chunks-40b", 8, seconds=5, streams=True, warm=4, api="anthropic"
    ),
    Scenario(
        "S8",
        "Responses over Chat, bursts",
        "bench-200chunks-40b",
        8,
        seconds=5,
        streams=True,
        warm=4,
        api="responses",
    ),
    Scenario(
        "S9",
        "1,000 paced streams, Claude over OpenAI",
        "bench-100chunks-100ms-40b",
        1000,
        requests=1000,
        streams=True,
        ramp_s=5,
        warm=0,
        api="anthropic",
    ),
)
START = "S6"
START_TITLE = "start and idle memory"
NAMES = (*[scenario.name for scenario in LOADS], START)
