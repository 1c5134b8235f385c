"""When each step of a request happened, as rows of a picture: one time axis, a bar for each span."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from admin_ui import shown
from admin_ui.i18n import _, _n

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.traffic.facts import Detail, TryFacts
    from gateway.traffic.request import RequestPage

Kind = Literal["own", "try", "bad", "connect", "wait", "flow"]

_THINNEST = 0.4
"""Percent: what was quick is still to be seen."""
_STEPS = (1, 2, 5)
_TICKS = 4


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
    """All spans of one request, how long it was (ms), and when the client got the first content."""

    bars: list[Bar]
    total: float
    first: float | None = None

    def x(self, moment: float) -> float:
        """Return where a moment stands on the axis, in percent."""
        return round(min(moment / self.total, 1) * 100, 2)

    def width(self, bar: Bar) -> float:
        """Return how wide a bar is drawn, in percent."""
        return max(round(bar.took / self.total * 100, 2), _THINNEST)

    def left(self, bar: Bar) -> float:
        """Return where a bar begins, in percent, so that all of it is seen."""
        return round(min(self.x(bar.begin), 100 - self.width(bar)), 2)

    @property
    def ticks(self) -> list[float]:
        """Round moments for the axis."""
        step = 1.0
        while self.total / step > _TICKS:
            step = next((step * n for n in _STEPS[1:] if self.total / (step * n) <= _TICKS), step * 10)
        return [step * number for number in range(int(self.total // step) + 1)]


def waterfall(page: RequestPage, money: Callable[[int], str]) -> Waterfall | None:
    """Return the picture of a request, `None` when nothing is known of its steps. `money` writes quota units."""
    first: float | None
    if page.detail is not None and page.detail.received_at:
        bars, total = _of_detail(page, page.detail, money)
        first = next((tried.first for tried in reversed(page.detail.tries) if tried.first is not None), None)
    else:
        bars, total, first = _of_stamps(page.stamps)
    return Waterfall(bars, max(total, 1), first) if bars else None


def _of_detail(page: RequestPage, detail: Detail, money: Callable[[int], str]) -> tuple[list[Bar], float]:
    tries = detail.tries
    last = max((tried.ended for tried in tries), default=0)
    settled = detail.settled or 0
    total = max(last, page.entry.took_ms, detail.reserved or 0, settled)
    bars = _before(detail, total, money, outcome=page.entry.outcome)
    for number, tried in enumerate(tries, 1):
        if number > 1 and tried.began > tries[number - 2].ended:
            label = _("Choose the next channel")
            bars.append(Bar(label=label, begin=tries[number - 2].ended, end=tried.began, kind="own"))
        bars += _of_try(page, number, tried)
    if detail.completed is not None and settled:
        if detail.completed > last:
            bars.append(Bar(label=_("Count and end"), begin=last, end=detail.completed, kind="own"))
        bars.append(
            Bar(
                label=_("Settle"), begin=detail.completed, end=settled, kind="own", note=_settled(page, detail, money)
            )
        )
    elif tries and total > last:
        bars.append(Bar(label=_("End and settle"), begin=last, end=total, kind="own"))
    return bars, total


def _before(detail: Detail, total: float, money: Callable[[int], str], *, outcome: str) -> list[Bar]:
    """What comes before the first attempt: admission, choice, reservation."""
    if detail.admitted is None:
        # Noted before these steps were told apart.
        if detail.reserved is None and not detail.tries:
            return [Bar(label=_("Admit and choose"), begin=0, end=total, kind="own", note=_("refused"))]
        tries = detail.tries
        begun = detail.reserved if detail.reserved is not None else tries[0].began if tries else total
        return [Bar(label=_("Admit and reserve"), begin=0, end=begun, kind="own")]
    size = shown.size(detail.size)
    bars = [
        Bar(label=_("Admit"), begin=0, end=detail.admitted, kind="own", note=_("token, limits, body of {n}", n=size))
    ]
    if detail.chosen is None:
        return bars
    choice = Bar(label=_("Choose"), begin=detail.admitted, end=detail.chosen, kind="own", note=_chosen(detail))
    if detail.reserved is not None:
        note = _("{cost} held", cost=money(detail.reserved_units))
        held = Bar(label=_("Reserve"), begin=detail.chosen, end=detail.reserved, kind="own", note=note)
        return [*bars, choice, held]
    if outcome != "quota":
        # There was none to choose, or it takes no more; nothing was to be held.
        return [*bars, replace(choice, end=max(total, detail.chosen), note=_("refused"))]
    return [*bars, choice, Bar(label=_("Reserve"), begin=detail.chosen, end=total, kind="own", note=_("refused"))]


def _chosen(detail: Detail) -> str:
    if not detail.candidates:
        return ""
    parts = [_n("{n} candidate", "{n} candidates", detail.candidates)]
    if detail.tries:
        parts.append(_("priority {n}", n=detail.tries[0].priority))
    return ", ".join(parts)


def _settled(page: RequestPage, detail: Detail, money: Callable[[int], str]) -> str:
    charged = _("{cost} charged", cost=money(page.entry.units))
    back = detail.held_units - page.entry.units
    if back > 0:
        return f"{charged}, " + _("{cost} returned", cost=money(back))
    return f"{charged}, " + _("{cost} more than was held", cost=money(-back)) if back < 0 else charged


def _of_try(page: RequestPage, number: int, tried: TryFacts) -> list[Bar]:
    name = tried.channel or (f"#{tried.channel_id}" if tried.channel_id else "")
    status = str(tried.status or tried.answered or "")
    parts = [name, tried.key, f"{status} {failure_word(tried.kind)}".strip() if tried.kind else status]
    if tried.key_is_bad:
        parts.append(_("key left out"))
    elif tried.key_rests_s:
        parts.append(_("key rests for {n} s", n=f"{tried.key_rests_s:.0f}"))
    if tried.rests_s:
        parts.append(_("suspended for {n} s", n=f"{tried.rests_s:.0f}"))
    bar = Bar(
        label=_("Attempt {n}", n=number),
        begin=tried.began,
        end=tried.ended,
        kind="bad" if tried.kind else "try",
        note=" · ".join(part for part in parts if part),
    )
    return [bar, *_within(page, tried)]


def _within(page: RequestPage, tried: TryFacts) -> list[Bar]:
    """The parts of an attempt as far as they are known."""
    found: list[Bar] = []
    begun = tried.began
    if tried.sent is not None and tried.sent > tried.began:
        found.append(Bar(label=_("Prepare"), begin=tried.began, end=tried.sent, kind="own", depth=1))
        begun = tried.sent
    if tried.ready is not None and tried.ready >= begun:
        note = ""
        if tried.opened is not None and tried.ready > tried.opened:
            to_open, to_secure = tried.opened - begun, tried.ready - tried.opened
            note = _("name and TCP {open}, TLS {tls}", open=shown.duration(to_open), tls=shown.duration(to_secure))
        found.append(Bar(label=_("Connect"), begin=begun, end=tried.ready, kind="connect", note=note, depth=1))
        begun = tried.ready
    if tried.head is None:
        if tried.kind and (tried.ready is not None or tried.reused) and tried.ended > begun:
            label = _("Waiting for the provider")
            found.append(Bar(label=label, begin=begun, end=tried.ended, kind="wait", depth=1))
        return found
    note = _("connection reused") if tried.reused else ""
    found.append(
        Bar(label=_("Waiting for the provider"), begin=begun, end=tried.head, kind="wait", note=note, depth=1)
    )
    if tried.first is not None and tried.first >= tried.head:
        if tried.first > tried.head:
            found.append(
                Bar(label=_("Until the first content"), begin=tried.head, end=tried.first, kind="wait", depth=1)
            )
        end = max(tried.ended, tried.first)
        note = "" if tried.kind else _flow(page)
        found.append(Bar(label=_("Delivering"), begin=tried.first, end=end, kind="flow", note=note, depth=1))
    return found


def _flow(page: RequestPage) -> str:
    entry = page.entry
    if not entry.completion_tokens:
        return ""
    tokens = _n("{n} token", "{n} tokens", entry.completion_tokens)
    if entry.speed is None:
        return tokens
    return f"{tokens} · " + _("{n} per second", n=shown.number(round(entry.speed, 1)))


def _of_stamps(stamps: Mapping[str, int]) -> tuple[list[Bar], float, float | None]:
    """The six steps that one-api's traces have, as one attempt."""
    began = stamps.get("request_received")
    if began is None:
        return [], 0, None

    def offset(name: str) -> float | None:
        at = stamps.get(name)
        return None if at is None else max(at - began, 0)

    sent, head = offset("request_forwarded"), offset("first_upstream_response")
    first, done = offset("first_client_response"), offset("upstream_completed")
    total = offset("request_completed") or max(value - began for value in stamps.values())
    if sent is None:
        return [Bar(label=_("Admit and choose"), begin=0, end=total, kind="own")], total, first
    end = done if done is not None else total
    bars = [
        Bar(label=_("Admit and reserve"), begin=0, end=sent, kind="own"),
        Bar(label=_("Attempt {n}", n=1), begin=sent, end=end, kind="try"),
    ]
    if head is not None:
        bars.append(Bar(label=_("Waiting for the provider"), begin=sent, end=head, kind="wait", depth=1))
        if first is not None and first >= head:
            if first > head:
                bars.append(Bar(label=_("Until the first content"), begin=head, end=first, kind="wait", depth=1))
            bars.append(Bar(label=_("Delivering"), begin=first, end=max(end, first), kind="flow", depth=1))
    if total > end:
        bars.append(Bar(label=_("End and settle"), begin=end, end=total, kind="own"))
    return bars, total, first


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
