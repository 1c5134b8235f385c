"""The playground's form: what is asked, of whom, and at whose cost. And what a pane shows of an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from quart import request

from admin_ui import shown
from admin_ui.forms import Form
from admin_ui.i18n import _
from admin_ui.ui import ui_paths
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts.refusals import Refused
from gateway.playground.conversation import EFFORTS, FORMATS, Conversation, Turn, write
from gateway.playground.pictures import MOST as MOST_PICTURES
from gateway.playground.pictures import MOST_BYTES, picture_urls
from gateway.playground.snippets import abridged, snippets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from admin_ui.ui import Ui
    from gateway.playground.conversation import Written
    from gateway.playground.play import Outcome

RIVALS: Final = 3
"""So many more models or channels are compared with the first."""
FREE: Final = "0"
"""In place of a token: a channel is asked, and nobody pays."""
_MOST_TURNS: Final = 100
_LONGEST: Final = 200_000
_HOTTEST: Final = Decimal(2)
CELLS: Final = (
    "name", "state", "kind", "first_byte", "first", "total", "speed", "input", "output", "cost",
    "text", "thought", "raw", "error", "id", "link", "dropped", "request", "curl", "python", "javascript",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is asked: a model, and the channel that has to answer, 0 for any."""

    model: str
    channel_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request that is to be sent, with what its pane is called."""

    written: Written
    target: Target
    name: str


def blank_form() -> Form:
    """Return the form as an address asks for it: with a model, a channel, a token, formats."""
    args = request.args
    values = {name: args.get(name, "")[:200] for name in ("model", "token", "channel")}
    formats = [name for name in args.getlist("format") if name in FORMATS]
    return Form(values={**values, "stream": "true"}, many={"format": formats or ["openai_chat"]})


def formats_of(form: Form) -> list[str]:
    """Return the formats that are ticked, or all where all are to be asked; a fault where none is."""
    if form.values.get("do") == "all":
        return list(FORMATS)
    found = [name for name in FORMATS if name in form.many.get("format", [])]
    if not found:
        form.fault("format", _("Choose at least one format."))
    return found


def targets_of(form: Form) -> list[Target]:
    """Return who is asked: the first, and those that it is compared with."""
    is_admin = current_visit().is_admin
    model = form.text("model", required=True, most=200)
    channel = as_number(form.values.get("channel", "")) if is_admin else 0
    found = [Target(model=model, channel_id=channel)]
    models, channels = form.many.get("rival_model", []), form.many.get("rival_channel", [])
    for number in range(RIVALS):
        other = models[number].strip()[:200] if number < len(models) else ""
        over = as_number(channels[number]) if is_admin and number < len(channels) else 0
        if other or over:
            found.append(Target(model=other or model, channel_id=over))
    if form.values.get("token") == FREE and not all(target.channel_id for target in found):
        form.fault("channel", _("Without a token, name the channel that is to answer."))
    return found


async def conversation_of(form: Form, *, stream: bool) -> Conversation:
    """Return what is asked; what is wrong with it is noted in the form."""
    message = form.text("message", required=True, most=_LONGEST)
    return Conversation(
        model=form.values.get("model", "").strip(),
        turns=[*turns_of(form), Turn(role="user", text=message)],
        system=form.text("system", most=_LONGEST),
        images=[*form.text("images", most=_LONGEST).split(), *await _pictures(form)],
        tools=form.text("tools", most=_LONGEST),
        temperature=_temperature(form),
        max_tokens=form.integer("max_tokens", least=0, most=10**7) or None,
        effort=form.choice("effort", ("", *EFFORTS)),
        stream=stream,
    )


def asks(
    ui: Ui, form: Form, conversation: Conversation, formats: Sequence[str], targets: Sequence[Target]
) -> list[Ask]:
    """Return the requests to be sent: one for each format, or for each that is compared, in the first format."""
    if not form.is_sound:
        return []
    if len(targets) > 1:
        pairs = [(formats[0], target, _target_name(ui, target)) for target in targets]
    else:
        pairs = [(name, targets[0], FORMATS[name]) for name in formats]
    try:
        return [
            Ask(written=write(replace(conversation, model=target.model), name), target=target, name=title)
            for name, target, title in pairs
        ]
    except Refused as error:
        form.refuse(error, {"tools": "tools"})
        return []


def turns_of(form: Form) -> list[Turn]:
    """Return what was said before, as the form carries it; what was emptied is left out."""
    pairs = zip(form.many.get("role", []), form.many.get("said", []), strict=False)
    found = []
    for role, text in list(pairs)[:_MOST_TURNS]:
        match role:
            case "user" if text.strip():
                found.append(Turn(role="user", text=text[:_LONGEST]))
            case "assistant" if text.strip():
                found.append(Turn(role="assistant", text=text[:_LONGEST]))
    return found


def remember(form: Form, answers: Sequence[str]) -> None:
    """Go on from the first answer, if there is one."""
    answer = next(filter(None, answers), "")
    if answer:
        turns = [(turn.role, turn.text) for turn in turns_of(form)]
        turns += [("user", form.values.get("message", "")), ("assistant", answer)]
        set_turns(form, turns)
        form.values["message"] = ""


def fill(form: Form, conversation: Conversation) -> None:
    """Put a conversation into the form: what was said last is the message, unless a model said it."""
    turns = [(turn.role, turn.text) for turn in conversation.turns]
    if turns and turns[-1][0] == "user":
        form.values["message"] = turns.pop()[1]
    set_turns(form, turns)
    form.values |= {
        "system": conversation.system,
        "images": " ".join(conversation.images),
        "tools": conversation.tools,
        "temperature": "" if conversation.temperature is None else f"{conversation.temperature:g}",
        "max_tokens": str(conversation.max_tokens or ""),
        "effort": conversation.effort,
    }


def set_turns(form: Form, turns: Sequence[tuple[str, str]]) -> None:
    """Put turns into the form."""
    form.many["role"] = [role for role, _text in turns]
    form.many["said"] = [text for _role, text in turns]


def asked_text(written: Written) -> str:
    """Return a request as people read it."""
    query = f"?{written.query}" if written.query else ""
    return abridged(f"POST {written.path}{query}\n\n{written.body.decode()}")


def head_cells(ui: Ui, ask: Ask) -> dict[str, str]:
    """Return what a pane shows as soon as a request is written."""
    code = snippets(ask.written, ui.address)
    return {
        "name": ask.name,
        "dropped": ", ".join(ask.written.dropped),
        "request": asked_text(ask.written),
        "curl": code["curl"],
        "python": code["Python"],
        "javascript": code["JavaScript"],
    }


def cells(ui: Ui, outcome: Outcome, *, served: frozenset[str] | None = None) -> dict[str, str]:
    """Return what a pane shows of a request that is over."""
    went_well = outcome.status < 400 and not outcome.error
    has_log = "/requests" in (ui_paths() if served is None else served)
    link = (
        f"/requests?type=5&q={outcome.request_id}" if outcome.is_free else f"/playground/request/{outcome.request_id}"
    )
    return {
        "state": _("Answered") if went_well else _("Failed ({status})", status=outcome.status),
        "kind": "ok" if went_well else "bad",
        "first_byte": _time(outcome.first_byte_s),
        "first": _time(outcome.first_s),
        "total": _time(outcome.total_s),
        "speed": f"{outcome.tokens_per_s:.0f}" if outcome.tokens_per_s is not None else "—",
        "input": shown.number(outcome.input_tokens),
        "output": shown.number(outcome.output_tokens),
        "cost": _cost(ui, outcome),
        "text": outcome.text,
        "thought": outcome.thought,
        "raw": outcome.raw,
        "error": outcome.error,
        "id": outcome.request_id,
        "link": link if has_log and outcome.request_id else "",
    }


def answers_text(outcomes: Sequence[tuple[str, dict[str, str]]]) -> str:
    """Return answers as a form carries them until somebody keeps them."""
    found = [
        {"name": name, "text": one["text"], "facts": f"{one['total']} · {one['cost']}"}
        for name, one in outcomes
        if one["text"]
    ]
    return json.dumps(found, ensure_ascii=False)


def _cost(ui: Ui, outcome: Outcome) -> str:
    if outcome.units is None:
        return _("not known yet")
    if outcome.is_free:
        return _("{amount}, not charged", amount=ui.money(outcome.units))
    return ui.money(outcome.units)


def _time(seconds: float | None) -> str:
    return shown.duration(seconds * 1000) if seconds is not None else "—"


def _target_name(ui: Ui, target: Target) -> str:
    if not target.channel_id:
        return target.model
    channel = ui.services.registry.current.channels.get(target.channel_id)
    return f"{target.model} · {channel.label if channel is not None else f'#{target.channel_id}'}"


async def _pictures(form: Form) -> list[str]:
    files = (await request.files).getlist("pictures")
    contents = [content for file in files[: MOST_PICTURES + 1] if (content := file.read(MOST_BYTES + 1))]
    try:
        return picture_urls(contents)
    except Refused as error:
        form.refuse(error, {"picture": "pictures"})
        return []


def _temperature(form: Form) -> float | None:
    text = form.values.get("temperature", "").strip().replace(",", ".")
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 <= number <= _HOTTEST):
        form.fault("temperature", _("Please enter a number between 0 and 2."))
        return None
    return float(number)
