"""When each step of a request happened, as rows of a picture: one time axis, a bar for each span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from admin_ui.i18n import _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.traffic.facts import Detail, TryFacts
    from gateway.traffic.request import RequestPage

Kind = Literal["own", "try", "bad", "wait", "flow"]

WIDTH = 1000
_THINNEST = 3
_STEPS = (1, 2, 5)
_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span, in milliseconds since the request was received. `depth` 1: part of the row above."""

    label: str
    begin: float
    end: float
    kind: Kind
    note: str = ""
    depth: int = 0

    @property
    def took(self) -> float:
        """How long it was."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Waterfall:
    """All spans of one request, and how long it was (ms)."""

    bars: list[Bar]
    total: float

    def x(self, moment: float) -> float:
        """Return where a moment stands on an axis that is `WIDTH` wide."""
        return round(moment / self.total * WIDTH, 1)

    def width(self, bar: Bar) -> float:
        """Return how wide a bar is drawn; what was quick is still to be seen."""
        return max(round(bar.took / self.total * WIDTH, 1), _THINNEST)

    @property
    def ticks(self) -> list[float]:
        """Round moments for the axis."""
        step = 1.0
        while self.total / step > _TICKS:
            step = next((step * n for n in _STEPS[1:] if self.total / (step * n) <= _TICKS), step * 10)
        return [step * number for number in range(int(self.total // step) + 1)]


def waterfall(page: RequestPage) -> Waterfall | None:
    """Return the picture of a request, `None` when nothing is known of its steps."""
    if page.detail is not None and page.detail.received_at:
        bars, total = _of_detail(page.detail, page.entry.took_ms)
    else:
        bars, total = _of_stamps(page.stamps)
    return Waterfall(bars, max(total, 1)) if bars else None


def _of_detail(detail: Detail, took_ms: int) -> tuple[list[Bar], float]:
    tries = detail.tries
    last = max((tried.ended for tried in tries), default=0)
    total = max(last, took_ms, detail.reserved or 0)
    bars: list[Bar] = []
    if detail.reserved is None and not tries:
        return [Bar(label=_("Admit and choose"), begin=0, end=total, kind="own", note=_("refused"))], total
    begun = detail.reserved if detail.reserved is not None else tries[0].began if tries else total
    bars.append(Bar(label=_("Admit and reserve"), begin=0, end=begun, kind="own"))
    for number, tried in enumerate(tries, 1):
        bars += _of_try(number, tried)
    if tries and total > last:
        bars.append(Bar(label=_("End and settle"), begin=last, end=total, kind="own"))
    return bars, total


def _of_try(number: int, tried: TryFacts) -> list[Bar]:
    name = tried.channel or f"#{tried.channel_id}"
    if not tried.kind:
        bar = Bar(label=_("Attempt {n}", n=number), begin=tried.began, end=tried.ended, kind="try", note=name)
        return [bar, *_parts(tried.began, tried.head, tried.first, tried.ended)]
    note = f"{name} · {tried.status} {failure_word(tried.kind)}"
    return [Bar(label=_("Attempt {n}", n=number), begin=tried.began, end=tried.ended, kind="bad", note=note)]


def _parts(began: float, head: float | None, first: float | None, ended: float) -> list[Bar]:
    found: list[Bar] = []
    if head is not None:
        found.append(Bar(label=_("Waiting for the provider"), begin=began, end=head, kind="wait", depth=1))
        if first is not None and first >= head:
            if first > head:
                found.append(Bar(label=_("Until the first content"), begin=head, end=first, kind="wait", depth=1))
            found.append(Bar(label=_("Delivering"), begin=first, end=max(ended, first), kind="flow", depth=1))
    return found


def _of_stamps(stamps: Mapping[str, int]) -> tuple[list[Bar], float]:
    """The six steps that one-api's traces have."""
    began = stamps.get("request_received")
    if began is None:
        return [], 0

    def offset(name: str) -> float | None:
        at = stamps.get(name)
        return None if at is None else max(at - began, 0)

    sent, head = offset("request_forwarded"), offset("first_upstream_response")
    first, done = offset("first_client_response"), offset("upstream_completed")
    total = offset("request_completed") or max(value - began for value in stamps.values())
    if sent is None:
        return [Bar(label=_("Admit and choose"), begin=0, end=total, kind="own")], total
    end = done if done is not None else total
    bars = [
        Bar(label=_("Admit and reserve"), begin=0, end=sent, kind="own"),
        Bar(label=_("Attempt {n}", n=1), begin=sent, end=end, kind="try"),
        *_parts(sent, head, first, end),
    ]
    if total > end:
        bars.append(Bar(label=_("End and settle"), begin=end, end=total, kind="own"))
    return bars, total


def failure_word(kind: str) -> str:
    """Return a kind of failed attempt in words."""
    words = {
        "auth": _("key refused"),
        "rate_limit": _("rate limit"),
        "quota": _("provider's quota"),
        "timeout": _("timed out"),
        "server": _("provider's fault"),
        "request": _("request refused"),
        "network": _("not reached"),
        "cut": _("broke off"),
    }
    return words.get(kind, kind)
