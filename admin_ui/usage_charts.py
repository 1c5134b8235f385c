"""Charts of use by model, user, channel or token, and links that leave only one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from admin_ui.charts import OTHER_COLOUR, Chart, Line, colours
from admin_ui.format_words import endpoint_word
from admin_ui.i18n import _, mark
from admin_ui.visit import current_visit
from gateway.traffic.names import labels
from storage.repositories.tallied import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from admin_ui.charts import Unit, Value
    from admin_ui.heat import Heat
    from admin_ui.scope import Scope
    from admin_ui.ui import Ui
    from gateway.traffic.figures import Stacked
    from storage.repositories.usage import Sums

BY: dict[str, str] = {
    "model": mark("Model"),
    "user": mark("User name"),
    "channel": mark("Channel"),
    "token": mark("Token"),
    "group": mark("Group"),
    "format": mark("Format"),
    "provider": mark("Provider"),
}
LISTED = ("upstream_units", "margin_units")
"""Measures that compare with what providers ask for: the business of those who run the site."""
_OWN = ("model", "token", "group", "format")
Drawn = TypeVar("Drawn", "Chart", "Heat")


def kinds() -> tuple[str, ...]:
    """Return what the reader may tell use apart by."""
    return ("model", "user", "channel", "token", "group", "format") if current_visit().is_admin else _OWN


def told(chart: Drawn, scope: Scope, *, sentence: str = "") -> Drawn:
    """Return a chart of a page of figures with what stands out, and with its ways to a table and a file."""
    return replace(
        chart,
        sentence=sentence,
        zone=scope.zone,
        table_link=scope.link("/overview/table", chart=chart.id),
        export_link=scope.link("/overview/export.csv", chart=chart.id),
    )


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
        Line(label=names[key], values=[write(sums) for sums in values], colour=tints[key])
        for key, values in stacked.parts.items()
    ]
    if any(sums.requests for sums in stacked.other):
        lines.append(Line(label=_("Other"), values=[write(sums) for sums in stacked.other], colour=OTHER_COLOUR))
    return Chart(id="cost", title=title or _("Cost"), edges=scope.edges, kind="stack", unit=unit, lines=lines)


def scale(ui: Ui, measure: str) -> tuple[Callable[[Sums], Value], Unit]:
    """Return how a measure is taken from sums, and its unit: money as the site shows it."""
    if measure == "requests":
        return lambda sums: sums.requests, "count"
    if measure == "tokens":
        return lambda sums: sums.prompt_tokens + sums.completion_tokens, "tokens"
    if measure in ("prompt_tokens", "completion_tokens", "cached_tokens"):
        return lambda sums: int(getattr(sums, measure)), "tokens"
    per_unit, unit = 1.0, "units"
    if ui.options.flag("DisplayInCurrencyEnabled"):
        per_unit, unit = float(ui.options.number("QuotaPerUnit")), "usd"
    if measure == "per_request":
        return lambda sums: sums.units / sums.requests / per_unit if sums.requests else None, unit  # type: ignore[return-value]
    if measure == "per_million":
        return (
            lambda sums: units_per_million(sums) / per_unit if sums.prompt_tokens + sums.completion_tokens else None,
            unit,
        )  # type: ignore[return-value]
    if measure in LISTED:
        return lambda sums: getattr(sums, measure) / per_unit if is_listed(sums) else None, unit  # type: ignore[return-value]
    name = "saved_units" if measure == "saved_units" else "units"
    if unit == "usd":
        return lambda sums: getattr(sums, name) / per_unit, "usd"
    return lambda sums: int(getattr(sums, name)), "units"


def is_listed(sums: Sums) -> bool:
    """Whether list prices are known of any of it."""
    return bool(sums.upstream_units or sums.margin_units)


def units_per_million(sums: Sums) -> float:
    """Return what a million tokens cost on average."""
    tokens = sums.prompt_tokens + sums.completion_tokens
    return sums.units / tokens * 1_000_000 if tokens else 0.0


def narrowed(kind: str, key: str, name: str) -> dict[str, object]:
    """Return the filters that leave only one key of a kind."""
    if kind == "token":
        owner = name.rpartition(" / ")[0] if current_visit().is_admin else ""
        return {"user": owner, "token": key.partition(":")[2]}
    if kind == "user":
        return {"user": name}
    return {kind: key}


def own_name(kind: str, name: str) -> str:
    """Return what a key is called to the reader: a token without its owner for people who only see their own."""
    if SEPARATOR in name:
        parts = name.split(SEPARATOR)
        return " / ".join(own_name(one, part) for one, part in zip(kind.split("+"), parts, strict=True))
    if not name:
        return {"model": _("no model"), "provider": _("channels that are gone")}.get(kind, _("not known"))
    if kind == "format":
        return endpoint_word(name)
    if kind == "channel" and name == "#0":
        return _("no channel")
    return name if current_visit().is_admin or kind != "token" else name.rpartition(" / ")[2]
