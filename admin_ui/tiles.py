"""The figures at the top of the overview, each against the time before. What was not measured is a dash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.charts import sparkline
from admin_ui.i18n import _
from admin_ui.shown import duration, short
from admin_ui.usage_charts import fine_and_lost
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from admin_ui.look import Look
    from gateway.traffic.figures import Waits

_MOST_CHANGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure. `change` is against the time before, as a share; `good` says whether more is better."""

    name: str
    figure: str
    second: str = ""
    """Another figure that belongs to it."""
    exact: str = ""
    change: float | None = None
    more_is: str = ""
    """`good`, `bad`, or empty where it is neither."""
    points: str = ""
    link: str = ""


async def tiles(look: Look, running: int) -> list[Tile]:
    """Return all of them. `running`: how many requests do so now."""
    scope, compares = look.scope, look.scope.compares
    whole, (failed, failed_over_time) = await look.whole(), await look.failures()
    total = Sums()
    for sums in whole:
        total += sums
    earlier = await look.earlier() if compares else Sums()
    failed_before = await look.earlier_failures() if compares else {}
    fine, lost = fine_and_lost(total.requests, failed)
    before, lost_before = fine_and_lost(earlier.requests, failed_before)
    everything, all_before = fine + bad(failed), before + bad(failed_before)
    share = fine / (fine + lost) if fine + lost else None
    share_before = before / (before + lost_before) if before + lost_before else None
    requests = [sums.requests + _uncharged(one) for sums, one in zip(whole, failed_over_time, strict=True)]
    tokens = total.prompt_tokens + total.completion_tokens
    tokens_before = earlier.prompt_tokens + earlier.completion_tokens
    return [
        Tile(
            name=_("Requests"),
            figure=short(everything),
            exact=f"{everything:,}",
            change=change(everything, all_before),
            points=sparkline(requests),
            link=scope.link("/requests", by="", compare=""),
        ),
        Tile(
            name=_("Success rate"),
            figure=f"{share:.1%}" if share is not None else "—",
            change=share - share_before if share is not None and share_before is not None else None,
            more_is="good",
            points=sparkline(await look.success()),
            link=scope.link("/requests", by="", view="failed", compare=""),
        ),
        Tile(
            name=_("Cost"),
            figure=look.ui.money(total.units),
            change=change(total.units, earlier.units),
            points=sparkline([sums.units for sums in whole]),
            link=scope.link("/cost"),
        ),
        Tile(
            name=_("LLM tokens"),
            figure=short(tokens),
            second=_("{a} in · {b} out", a=short(total.prompt_tokens), b=short(total.completion_tokens)),
            exact=_(
                "{a} in, {b} of them cached, {c} out",
                a=f"{total.prompt_tokens:,}",
                b=f"{total.cached_tokens:,}",
                c=f"{total.completion_tokens:,}",
            ),
            change=change(tokens, tokens_before),
            points=sparkline([sums.prompt_tokens + sums.completion_tokens for sums in whole]),
        ),
        await _wait(look, "first", _("Time to the first byte")),
        await _wait(look, "all", _("Duration")),
        Tile(name=_("Running now"), figure=f"{running:,}", link="/live"),
    ]


async def _wait(look: Look, kind: str, name: str) -> Tile:
    now, parts = await look.waits(kind)
    before: Waits = await look.waits_before(kind) if look.scope.compares else (None, None, None)
    return Tile(
        name=name,
        figure=_time(now[0]) if kind == "first" else _time(now[1]),
        second=f"p50 · p95 {_time(now[1])}" if kind == "first" else f"p95 · p50 {_time(now[0])}",
        change=change(now[1], before[1]),
        more_is="bad",
        points=sparkline([part[1] for part in parts]),
    )


def bad(failed: Mapping[str, int]) -> int:
    """Return how many requests did not end well, whosever fault it was."""
    return failed.get("upstream", 0) + failed.get("client", 0) + failed.get("left", 0)


def _uncharged(failed: Mapping[str, int]) -> int:
    return bad(failed) - failed.get("logged", 0)


def change(now: float | None, before: float | None) -> float | None:
    """Return the change as a share; `None` where there was so little before that it says nothing."""
    if now is None or not before or now >= before * _MOST_CHANGE:
        return None
    return (now - before) / before


def _time(milliseconds: float | None) -> str:
    return "—" if milliseconds is None else duration(milliseconds)
