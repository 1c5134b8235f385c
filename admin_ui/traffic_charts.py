"""Charts of requests: how they ended, how long they took, what they were used for, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui import outliers, shown
from admin_ui.charts import Chart, Line, colours
from admin_ui.heat import Heat, HeatRow
from admin_ui.i18n import _, _n
from admin_ui.usage_charts import cost_chart, narrowed, outcome_chart, told
from admin_ui.visit import current_visit
from admin_ui.waterfall import failure_word
from gateway.traffic import figures
from gateway.traffic.names import labels
from storage.repositories.usage import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admin_ui.look import Look
    from admin_ui.outliers import Outlier
    from gateway.traffic.figures import Waits

_FAILURES = ("auth", "rate_limit", "quota", "timeout", "server", "request", "network", "cut")
_MODELS = 7
_CHANNELS = 15
_MOST_TRIES = 4
_GOOD, _FAIR, _POOR = 0.99, 0.95, 0.8


def at(look: Look, found: Outlier) -> str:
    """Write when a bucket began: the time of day where that is enough."""
    text = shown.bucket(look.edges[found.index], current_visit().zone)
    return text[11:] if look.scope.range.seconds <= 86_400 else text[5:]


def times(found: Outlier) -> str:
    """Write how many times the usual it is."""
    return f"{found.times:.0f}"


async def requests(look: Look) -> Chart:
    """Return requests by how they ended."""
    whole, (_all, failed) = await look.whole(), await look.failures()
    sentence = ""
    found = outliers.of_counts(look.closed([bad.get("upstream", 0) for bad in failed]))
    if found:
        sentence = _errors(look, found)
    elif rush := outliers.of_counts(look.closed([sums.requests for sums in whole])):
        sentence = _("{n} times the usual requests at {when}", n=times(rush), when=at(look, rush))
    return told(outcome_chart(look.edges, whole, failed), look.scope, sentence=sentence)


def _errors(look: Look, found: Outlier) -> str:
    when = at(look, found)
    if found.times < outliers.TIMES + 1:
        return _("Errors tripled at {when}", when=when)
    return _("Errors rose to {n} times the usual at {when}", n=times(found), when=when)


async def success(look: Look) -> Chart:
    """Return the share of requests that ended well."""
    values = await look.success()
    chart = Chart(
        id="success",
        title=_("Success rate"),
        edges=look.edges,
        unit="percent",
        least=90,
        lines=[Line(label=_("Success rate"), values=values, colour="ok")],
        note=_("What clients did wrong does not count."),
    )
    return told(chart, look.scope)


async def cost(look: Look) -> Chart:
    """Return cost by what the reader tells it apart by."""
    by = look.scope.values.get("by") or "model"
    stacked = await look.stacked(by)
    chart = await cost_chart(look.ui, look.scope, stacked, by=by)
    found = outliers.of_sizes(look.closed([sums.units for sums in stacked.whole]))
    if not found:
        return told(chart, look.scope)
    return told(
        chart, look.scope, sentence=_("{n} times the usual cost at {when}", n=times(found), when=at(look, found))
    )


async def tokens(look: Look) -> Chart:
    """Return tokens by what they were."""
    whole = await look.whole()
    chart = Chart(
        id="tokens",
        title=_("LLM tokens"),
        edges=look.edges,
        kind="area",
        unit="tokens",
        lines=[
            Line(label=_("Input"), values=[s.prompt_tokens - s.cached_tokens for s in whole], colour=1),
            Line(label=_("Read from a cache"), values=[s.cached_tokens for s in whole], colour=4),
            Line(
                label=_("Output"), values=[max(s.completion_tokens - s.reasoning_tokens, 0) for s in whole], colour=2
            ),
            Line(label=_("Reasoning"), values=[s.reasoning_tokens for s in whole], colour=3),
        ],
    )
    return told(chart, look.scope)


async def first_byte(look: Look) -> Chart:
    """Return how long the first content took."""
    return _waits(look, "first", _("Time to the first byte"), (await look.waits("first"))[1])


async def streams(look: Look) -> Chart:
    """Return how long streams took."""
    return _waits(look, "flow", _("Duration of streams"), (await look.waits("flow"))[1])


async def answers(look: Look) -> Chart:
    """Return how long answers took that were not streamed."""
    return _waits(look, "took", _("Duration of whole answers"), (await look.waits("took"))[1])


def _waits(look: Look, name: str, title: str, parts: Sequence[Waits]) -> Chart:
    chart = Chart(
        id=name,
        title=title,
        edges=look.edges,
        kind="band",
        unit="ms",
        lines=[
            Line(label=_("p95: 19 of 20 are faster"), values=[part[1] for part in parts], colour=2, form="dashed"),
            Line(label=_("p50: half are faster"), values=[part[0] for part in parts], colour=1, form="line"),
            Line(label=_("p99: 99 of 100 are faster"), values=[part[2] for part in parts], colour=5, form="dots"),
        ],
    )
    found = outliers.of_sizes(look.closed([part[0] for part in parts]))
    if not found:
        return told(chart, look.scope)
    return told(chart, look.scope, sentence=_("{n} times as long at {when}", n=times(found), when=at(look, found)))


async def speed(look: Look) -> Chart:
    """Return how quickly models write."""
    models = [model for model in (await look.stacked("model")).totals if model][:_MODELS]
    if look.span.only.model:
        models = [look.span.only.model]
    values = await figures.speeds(look.services, look.span, models=models)
    tints = colours(models)
    chart = Chart(
        id="speed",
        title=_("Output speed"),
        edges=look.edges,
        unit="speed",
        lines=[Line(label=model, values=row, colour=tints[model]) for model, row in values.items()],
        note=_("Tokens a second in the middle of all streams of at least 20 tokens, from their first content on."),
    )
    return told(chart, look.scope)


async def retries(look: Look) -> Chart:
    """Return requests that needed several attempts, and how many of them ended well."""
    found = await look.counts("tries")
    width = len(look.edges) - 1
    rows: dict[int, list[int]] = {}
    saved, all_of = [0] * width, [0] * width
    for key, values in found.items():
        number, _sep, word = key.partition(":")
        row = rows.setdefault(min(int(number), _MOST_TRIES), [0] * width)
        for index, value in enumerate(values):
            row[index] += value
            all_of[index] += value
            saved[index] += value if word == "ok" else 0
    lines = [
        Line(
            label=_("{n} attempts", n=number) if number < _MOST_TRIES else _("{n} attempts or more", n=number),
            values=rows[number],
            colour=number - 1,
        )
        for number in sorted(rows)
    ]
    share = [100 * part / whole if whole else None for part, whole in zip(saved, all_of, strict=True)]
    if lines:
        lines.append(Line(label=_("Saved by another attempt"), values=share, colour=4, form="line", unit="percent"))
    chart = Chart(id="retries", title=_("Retries"), edges=look.edges, kind="stack", lines=lines)
    return told(chart, look.scope)


async def errors(look: Look) -> Chart:
    """Return failed attempts by kind."""
    found = await look.counts("error")
    _all, failed = await look.failures()
    lines = [
        Line(label=failure_word(kind), values=found[kind], colour=number)
        for number, kind in enumerate(_FAILURES, 1)
        if kind in found
    ]
    left = [bad.get("left", 0) for bad in failed]
    if any(left):
        lines.append(Line(label=_("Client left"), values=left, colour="idle"))
    chart = Chart(
        id="attempts",
        title=_("Failed attempts"),
        edges=look.edges,
        kind="stack",
        lines=lines,
        note=_("Every attempt counts, those too that another channel made good."),
    )
    whole = [sum(values[index] for values in found.values()) for index in range(len(look.edges) - 1)]
    rise = outliers.of_counts(look.closed(whole))
    return told(chart, look.scope, sentence=_errors(look, rise) if rise else "")


async def health(look: Look) -> Heat:
    """Return how channels did: those that failed most, then those that did most."""
    lost = await look.counts("lost")
    totals = await figures.totals(look.services, look.span, by="channel")
    ranked = sorted(
        set(totals) | set(lost),
        key=lambda key: (-sum(lost.get(key, ())), -totals.get(key, Sums()).requests, key),
    )[:_CHANNELS]
    answered = await figures.series(look.services, look.span, by="channel", keys=ranked)
    names = await labels(look.services, "channel", ranked)
    width = len(look.edges) - 1
    rows = []
    for key in ranked:
        if key == "0":
            continue
        good = [sums.requests for sums in answered.get(key, [Sums()] * width)]
        rows.append(_health_row(look, key, names[key], good, lost.get(key, [0] * width)))
    zone = current_visit().zone
    marks = [look.edges[0], look.edges[len(look.edges) // 2], look.edges[-1]]
    heat = Heat(
        id="health",
        title=_("Channel health"),
        scale="health-shares",
        rows=rows,
        columns=[shown.bucket(start, zone) for start in look.edges[:-1]],
        edges=look.edges,
        zone=look.scope.zone,
        ticks=[shown.bucket(moment, zone)[5:] for moment in marks],
        levels=[
            (4, _("at least 99 %")),
            (3, _("at least 95 %")),
            (2, _("at least 80 %")),
            (1, _("less")),
            (0, _("no traffic")),
        ],
        none=_("no traffic"),
        note=_n(
            "The channel that failed most. A click shows its requests.",
            "The {n} channels that failed most, then those that did most. A click shows their requests.",
            len(rows),
        ),
    )
    return told(heat, look.scope)


def _health_row(look: Look, key: str, name: str, good: Sequence[int], bad: Sequence[int]) -> HeatRow:
    cells, levels = [], []
    for fine, lost in zip(good, bad, strict=True):
        total = fine + lost
        if not total:
            cells.append("")
            levels.append(0)
            continue
        share = fine / total
        cells.append(_("{share} of {n}", share=f"{share:.1%}", n=f"{total:,}"))
        levels.append(4 if share >= _GOOD else 3 if share >= _FAIR else 2 if share >= _POOR else 1)
    total = sum(good) + sum(bad)
    share = sum(good) / total if total else 0.0
    return HeatRow(
        label=name,
        words=_("{share} of {n}", share=f"{share:.1%}", n=f"{total:,}"),
        cells=cells,
        levels=levels,
        link=look.scope.link("/requests", **narrowed("channel", key, name), by="", compare=""),
    )
