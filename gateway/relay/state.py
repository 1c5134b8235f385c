"""One relay from its admission to its settlement: the facts that its steps hand on to each other."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from fractions import Fraction

    from adapters.formats.embeddings import EmbeddingRequest
    from adapters.formats.neutral.requests import Request
    from adapters.formats.pictures.painter import PictureRequest
    from gateway.registry.snapshot import ChannelView, Snapshot
    from gateway.relay.admit import Caller
    from gateway.relay.body import RequestBody
    from gateway.relay.client import Client
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.head import RequestHead
    from gateway.relay.media.form import Form
    from gateway.relay.signed.kept import Kept
    from gateway.relay.stored.sighting import Sighting


def now_ms() -> int:
    """Return the wall clock in Unix milliseconds, for traces."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True, kw_only=True, eq=False)
class Try:
    """One attempt with one channel. Times in Unix milliseconds; `kind` is empty unless it failed."""

    channel_id: int
    channel: str
    model: str
    began_ms: int
    ended_ms: int = 0
    priority: int = 0
    weight: int = 0
    url: str = ""
    """Where the request went."""
    spoken: str = ""
    """The format in which the provider was asked; empty where there is no choice."""
    answered: int = 0
    """The status of the provider's answer, 0 when none came."""
    status: int = 0
    kind: str = ""
    error: str = ""
    rests_s: float = 0.0
    """For how long its channel was suspended."""
    key: str = ""
    """What people call the key, where the channel has several."""
    key_rests_s: float = 0.0
    """For how long the key rests; the channel went on with others."""
    key_is_bad: bool = False
    """The key was refused, and is left out."""
    stamps: dict[str, int] = field(default_factory=dict)

    def step(self, name: str) -> None:
        """Note that the connection took a step (`UpstreamRequest.stepped`); the first time counts."""
        self.stamps.setdefault(name, now_ms())

    def end(self, *, status: int = 0, kind: str = "", error: str = "") -> None:
        """Note that the attempt is over, and what it failed of."""
        self.ended_ms, self.status, self.kind, self.error = now_ms(), status, kind, error


@dataclass(slots=True, kw_only=True, eq=False)
class Relay:
    """What is known of one relay. Written by its own task only."""

    request_id: str
    trace_id: str
    head: RequestHead
    client: Client
    caller: Caller
    endpoint: Endpoint
    body: RequestBody
    model: str
    """The model as the client asked for it; access, abilities and suspensions go by this name."""
    streams: bool
    as_array: bool = False
    """A stream that the client wants as one JSON array (Gemini)."""
    snapshot: Snapshot
    """The picture that this relay keeps to, whatever is edited meanwhile."""
    started_at: float
    """On Trio's clock."""
    form: Form | None = None
    """The upload, for requests that came as a form; `body` holds its fields then."""
    seconds: Fraction | None = None
    """How long an uploaded sound plays."""
    filled: Mapping[str, object | None] = field(default_factory=dict)
    """Members that the terms of the running attempt were made for, and that the body lacks (or, `None`, has)."""
    request: Request | None = None
    """The request in the neutral form, once somebody needed it."""
    embedding: EmbeddingRequest | None = None
    """The request for embeddings in the form between the formats, once somebody needed it."""
    messages: object | None = None
    """The `messages` member with images inlined, when that changed it."""
    pictures: PictureRequest | None = None
    """The request for pictures for the running attempt's provider, where that has a form of its own."""
    prompt_tokens: int = 0
    channel: ChannelView | None = None
    """The channel of the attempt that runs or was last."""
    sent_model: str = ""
    """The model name that the channel's provider was sent; prices and the log go by this name."""
    system_prompt_reset: bool = False
    saw: Callable[[Sighting], None] | None = None
    """Is told of the response that a passing answer of the Responses API is about."""
    sighting: Sighting | None = None
    """What was last told."""
    dropped: tuple[str, ...] = ()
    """What the provider's format could not carry of the request, and the client's of the answer."""
    known: Mapping[str, Kept] = field(default_factory=dict)
    """Signed thoughts in front of earlier calls of tools, as far as the running attempt's provider may know them."""
    without_signatures: bool = False
    """A provider refused them: nothing that is signed is sent any more."""
    key_id: int = 0
    """Of the attempt that runs or was last: which of several keys of its channel."""
    tried_keys: set[int] = field(default_factory=set)
    failed: list[ChannelView] = field(default_factory=list)
    first_content_at: float | None = None
    timestamps: dict[str, int] = field(default_factory=dict)
    """The steps that one-api's traces know, in Unix milliseconds."""
    admitted_ms: int = field(default_factory=now_ms)
    """When token, limits and body were found in order."""
    chosen_ms: int = 0
    """When the first channel was chosen; 0 before."""
    candidates: int = 0
    """Channels that serve the model to the caller's group; those that rest count."""
    left_out: Sequence[tuple[int, float]] = ()
    """Some of them that could not be chosen at first, and for how many seconds each was suspended."""
    reserved_ms: int = 0
    """When the reservation was durable; 0 before."""
    reserved_units: int = 0
    """What was reserved then; top-ups come on top."""
    tries: list[Try] = field(default_factory=list)
    """Attempts so far, the running one last."""

    @property
    def group(self) -> str:
        """The caller's group."""
        return self.caller.user.group

    @property
    def attempts(self) -> int:
        """How many channels were tried."""
        return len(self.failed) + (self.channel is not None and self.channel not in self.failed)

    def note_dropped(self, names: tuple[str, ...]) -> None:
        """Add what could not be carried."""
        self.dropped = tuple(dict.fromkeys((*self.dropped, *names)))

    def begin_try(self, channel: ChannelView) -> Try:
        """Note that an attempt with `channel` begins, which has one key."""
        tried = Try(channel_id=channel.id, channel=channel.name, model=self.sent_model, began_ms=now_ms())
        tried.priority, tried.weight = channel.priority, channel.weight
        self.key_id = channel.key_id
        if channel.key_id:
            tried.key = channel.key_name
            self.tried_keys.add(channel.key_id)
        self.tries.append(tried)
        return tried

    def stamp(self, step: str) -> None:
        """Note when `step` happened; the first time counts, in the whole and in the running attempt."""
        at_ms = now_ms()
        self.timestamps.setdefault(step, at_ms)
        if self.tries:
            self.tries[-1].stamps.setdefault(step, at_ms)
