"""Charts of use by model, user, channel or token, and links that leave only one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.charts import OTHER_COLOUR, Chart, Line, colours
from admin_ui.i18n import _, mark
from admin_ui.visit import current_visit
from gateway.traffic.names import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from admin_ui.charts import Unit, Value
    from admin_ui.scope import Scope
    from admin_ui.ui import Ui
    from gateway.traffic.figures import Stacked
    from storage.repositories.usage import Sums

BY: dict[str, str] = {
    "model": mark("Model"),
    "user": mark("User name"),
    "channel": mark("Channel"),
    "token": mark("Token"),
}


def kinds() -> tuple[str, ...]:
    """Return what the reader may tell use apart by."""
    return ("model", "user", "channel", "token") if current_visit().is_admin else ("model", "token")


def fine_and_lost(charged: int, failed: Mapping[str, int]) -> tuple[int, int]:
    """Return how many requests ended well, and how many the upstream lost."""
    return max(charged - failed.get("logged", 0), 0), failed.get("upstream", 0)


def outcome_chart(edges: Sequence[int], charged: Sequence[Sums], failed: Sequence[Mapping[str, int]]) -> Chart:
    """Return the chart of requests by how they ended."""
    fine = [fine_and_lost(sums.requests, bad)[0] for sums, bad in zip(charged, failed, strict=True)]
    return Chart(
        id="requests",
        title=_("Requests"),
        edges=edges,
        kind="stack",
        lines=[
            Line(label=_("Answered"), values=fine, colour="ok"),
            Line(label=_("Client's fault"), values=[bad.get("client", 0) for bad in failed], colour="warn"),
            Line(label=_("Provider's fault"), values=[bad.get("upstream", 0) for bad in failed], colour="bad"),
            Line(label=_("Client left"), values=[bad.get("left", 0) for bad in failed], colour="idle"),
        ],
    )


async def cost_chart(
    ui: Ui, scope: Scope, stacked: Stacked, *, by: str, measure: str = "units", title: str = ""
) -> Chart:
    """Return the chart of use over time by some kind of key."""
    names = {key: own_name(by, name) for key, name in (await labels(ui.services, by, stacked.parts)).items()}
    tints = colours(stacked.parts)
    write, unit = scale(ui, measure)
    lines = [
        Line(label=names[key] or _("no model"), values=[write(sums) for sums in values], colour=tints[key])
        for key, values in stacked.parts.items()
    ]
    if any(getattr(sums, measure) if measure != "tokens" else sums.prompt_tokens for sums in stacked.other):
        lines.append(Line(label=_("Other"), values=[write(sums) for sums in stacked.other], colour=OTHER_COLOUR))
    return Chart(id="cost", title=title or _("Cost"), edges=scope.edges, kind="stack", unit=unit, lines=lines)


def scale(ui: Ui, measure: str) -> tuple[Callable[[Sums], Value], Unit]:
    """Return how a measure is taken from sums, and its unit: money as the site shows it."""
    if measure == "requests":
        return lambda sums: sums.requests, "count"
    if measure == "tokens":
        return lambda sums: sums.prompt_tokens + sums.completion_tokens, "tokens"
    if ui.options.flag("DisplayInCurrencyEnabled"):
        per_unit = float(ui.options.number("QuotaPerUnit"))
        return lambda sums: sums.units / per_unit, "usd"
    return lambda sums: sums.units, "units"


def narrowed(kind: str, key: str, name: str) -> dict[str, object]:
    """Return the filters that leave only one key of a kind."""
    if kind == "token":
        owner = name.rpartition(" / ")[0] if current_visit().is_admin else ""
        return {"user": owner, "token": key.partition(":")[2]}
    if kind == "user":
        return {"user": name}
    return {kind: key}


def own_name(kind: str, name: str) -> str:
    """Return a token's name without its owner, for people who only see their own."""
    return name if current_visit().is_admin or kind != "token" else name.rpartition(" / ")[2]
