"""Trying a model out with one's own token: in any client format, streamed, or whole without a script."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Self

import trio
from quart import Response, current_app, g, request
from quart.wrappers.response import ResponseBody

from admin_ui import shown, streams
from admin_ui.forms import Form, read_form
from admin_ui.i18n import _
from admin_ui.ui import ui_paths, with_query
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts.directory import list_tokens
from gateway.accounts.history import cost_of
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.tokens import read_token
from gateway.management.guard import actor, needs
from gateway.playground.conversation import EFFORTS, FORMATS, Conversation, Turn, write
from gateway.playground.snippets import snippets
from gateway.traffic.request import key_of
from storage.records import Role, TokenStatus
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from quart import Blueprint

    from admin_ui.ui import Ui
    from gateway.playground.conversation import Written
    from gateway.playground.play import Outcome, Play
    from storage.records import Token

_PAGE = "/playground"
_MOST_TURNS = 100
_LONGEST = 200_000
_MOST_TOKENS = 200
_HOTTEST = Decimal(2)
# Seconds. What is known of a request is stored a moment after it has ended.
_STORED_S = 3.0
_LOOK_AGAIN_S = 0.2
_CELLS = (
    "name",
    "format",
    "state",
    "kind",
    "facts",
    "text",
    "thought",
    "raw",
    "error",
    "id",
    "link",
    "dropped",
    "request",
)


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _plain(area, ui)
    _streamed(area, ui)


def _plain(area: Blueprint, ui: Ui) -> None:
    @area.get(_PAGE)
    @needs(Role.USER)
    async def playground() -> Response:
        args = request.args
        values = {name: args.get(name, "")[:200] for name in ("model", "token", "channel")}
        form = Form(
            values={**values, "stream": "true"}, many={"format": args.getlist("format")[:4] or ["openai_chat"]}
        )
        return await _show(ui, form)

    @area.post(_PAGE)
    @needs(Role.USER)
    async def send() -> Response:
        form = await read_form()
        names = [name for name in FORMATS if name in form.many.get("format", [])]
        if not names:
            form.fault("format", _("Choose at least one format."))
        conversation = _conversation(form, stream=False)
        token = await _token(ui, form)
        written = _written(form, conversation, names)
        if not form.is_sound or token is None:
            return await _show(ui, form, 422)
        if form.values.get("do") == "code":
            base = ui.options.server_address or request.host_url
            return await _show(ui, form, code=[(FORMATS[one.format], snippets(one, base)) for one in written])
        if not await ui.is_first(form.values.get("once", "")):
            form.general.append(_("This was sent already. Send it again if you want another answer."))
            return await _show(ui, form)
        outcomes: dict[str, Outcome] = {}

        async def play(one: Written) -> None:
            async with _playing(ui, form, one, token) as playing:
                while await playing.next() is not None:
                    pass
                outcomes[one.format] = await playing.outcome()

        async with trio.open_nursery() as nursery:
            for one in written:
                nursery.start_soon(play, one)
        _remember(form, [outcomes[one.format].text for one in written])
        return await _show(ui, form, outcomes=[(one, outcomes[one.format]) for one in written])


def _streamed(area: Blueprint, ui: Ui) -> None:
    @area.post("/playground/stream")
    @needs(Role.USER)
    async def send_streamed() -> Response:
        form = await read_form()
        name = form.values.get("as", "")
        token = await _token(ui, form)
        conversation = _conversation(form, stream=form.flag("stream"))
        written = _written(form, conversation, [name] if name in FORMATS else [])
        if not form.is_sound or token is None or not written:
            return _events(streams.event("refused", " ".join([*form.errors.values(), *form.general])))
        visit, catalogue = current_visit(), g.catalogue
        app = current_app._get_current_object()  # type: ignore[attr-defined]

        async def finish(outcome: Outcome) -> dict[str, str]:
            async with app.app_context():
                g.visit, g.catalogue = visit, catalogue
                return cells(ui, outcome, served=served)

        served = ui_paths()
        return _events(_Events(written[0], _playing(ui, form, written[0], token), finish))

    @area.get("/playground/request/<request_id>")
    @needs(Role.USER)
    async def playground_request(request_id: str) -> Response:
        """Lead to a request in the log, or to where it will be in a moment."""
        key = await key_of(ui.services, request_id)
        with trio.move_on_after(_STORED_S):
            while not key:
                await trio.sleep(_LOOK_AGAIN_S)
                key = await key_of(ui.services, request_id)
        return ui.go(f"/requests/{key}" if key else with_query("/requests", q=request_id))

    @area.get("/playground/cost/<request_id>")
    @needs(Role.USER)
    async def playground_cost(request_id: str) -> Response:
        """Tell what a request that was stopped has cost, once that is known."""
        found = await cost_of(ui.services, request_id)
        if found.user_id != actor().id:
            raise NotFound("no cost is known for this request")
        return Response(json.dumps({"cost": ui.money(found.quota)}), content_type="application/json")


class _Events(ResponseBody):
    """An answer as events, as long as somebody listens; who hangs up ends the request."""

    def __init__(
        self,
        written: Written,
        playing: AbstractAsyncContextManager[Play],
        finish: Callable[[Outcome], Awaitable[dict[str, str]]],
    ) -> None:
        self._written = written
        self._playing = playing
        self._finish = finish
        self._play: Play | None = None
        self._steps = 0
        self._is_over = False

    async def __aenter__(self) -> Self:
        self._play = await self._playing.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._playing.__aexit__(kind, error, trace)

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        play = self._play
        if play is None or self._is_over:
            raise StopAsyncIteration
        self._steps += 1
        if self._steps == 1:
            head = {
                "id": play.answer.request_id,
                "status": play.answer.status,
                "dropped": list(self._written.dropped),
            }
            return streams.event("head", head)
        step = await play.next()
        if step is not None:
            return streams.event("step", {"text": step.said.text, "thought": step.said.thought, "raw": step.raw})
        self._is_over = True
        return streams.event("done", await self._finish(await play.outcome()))


def _events(body: ResponseBody | bytes) -> Response:
    response = Response(body, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    # The relay has deadlines of its own.
    response.timeout = None
    return response


def _playing(ui: Ui, form: Form, written: Written, token: Token) -> AbstractAsyncContextManager[Play]:
    channel = as_number(form.values.get("channel", "")) if current_visit().is_admin else 0
    return ui.plane.playground.playing(written, token, address=g.client.address, channel_id=channel)


async def _show(
    ui: Ui,
    form: Form,
    status: int = 200,
    *,
    outcomes: Sequence[tuple[Written, Outcome]] = (),
    code: Sequence[tuple[str, dict[str, str]]] = (),
) -> Response:
    wanted = Wanted(equal={"status": int(TokenStatus.ENABLED)})
    tokens, _total = await list_tokens(ui.services, actor(), wanted, Sort(), Page(0, _MOST_TOKENS))
    snapshot = ui.services.registry.current
    channels = sorted(snapshot.channels.values(), key=lambda c: c.name.lower()) if current_visit().is_admin else []
    return ui.page(
        "pages/playground.html",
        status,
        form=form,
        tokens=[(token.id, _token_label(ui, token)) for token in tokens],
        chosen=frozenset(form.many.get("format", [])),
        formats=FORMATS,
        efforts=EFFORTS,
        turns=_turns(form),
        models=snapshot.models_of(actor().group),
        channels=[(channel.id, channel.label) for channel in channels],
        outcomes=[
            cells(ui, outcome) | {"dropped": ", ".join(written.dropped), "request": asked(written)}
            for written, outcome in outcomes
        ],
        code=code,
        blank=dict.fromkeys(_CELLS, ""),
    )


def asked(written: Written) -> str:
    """Return a request as people read it."""
    query = f"?{written.query}" if written.query else ""
    return f"POST {written.path}{query}\n\n{written.body.decode()}"


def cells(ui: Ui, outcome: Outcome, *, served: frozenset[str] | None = None) -> dict[str, str]:
    """Return what a pane shows of a request that is over."""
    went_well = outcome.status < 400 and not outcome.error
    facts = [
        _("first word after {time}", time=shown.duration(outcome.first_s * 1000)) if outcome.first_s else "",
        _("{time} in all", time=shown.duration(outcome.total_s * 1000)),
        _("{a} tokens in, {b} out", a=f"{outcome.input_tokens:,}", b=f"{outcome.output_tokens or 0:,}")
        if outcome.input_tokens is not None
        else "",
        ui.money(outcome.units) if outcome.units is not None else _("cost not known yet"),
    ]
    has_log = "/requests" in (ui_paths() if served is None else served)
    return {
        "name": FORMATS[outcome.format],
        "format": outcome.format,
        "state": _("Answered") if went_well else _("Failed ({status})", status=outcome.status),
        "kind": "ok" if went_well else "bad",
        "facts": " · ".join(filter(None, facts)),
        "text": outcome.text,
        "thought": outcome.thought,
        "raw": outcome.raw,
        "error": outcome.error,
        "id": outcome.request_id,
        "link": f"/playground/request/{outcome.request_id}" if has_log and outcome.request_id else "",
    }


def _conversation(form: Form, *, stream: bool) -> Conversation:
    message = form.text("message", required=True, most=_LONGEST)
    return Conversation(
        model=form.text("model", required=True, most=200),
        turns=[*_turns(form), Turn(role="user", text=message)],
        system=form.text("system", most=_LONGEST),
        images=form.text("images", most=_LONGEST).split(),
        tools=form.text("tools", most=_LONGEST),
        temperature=_temperature(form),
        max_tokens=form.integer("max_tokens", least=0, most=10**7) or None,
        effort=form.choice("effort", ("", *EFFORTS)),
        stream=stream,
    )


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


def _written(form: Form, conversation: Conversation, names: Sequence[str]) -> list[Written]:
    if not form.is_sound:
        return []
    try:
        return [write(conversation, name) for name in names]
    except Refused as error:
        form.refuse(error, {"tools": "tools"})
        return []


async def _token(ui: Ui, form: Form) -> Token | None:
    try:
        return await read_token(ui.services, actor(), as_number(form.values.get("token", "")))
    except NotFound:
        form.fault("token", _("Choose one of your tokens."))
        return None


def _token_label(ui: Ui, token: Token) -> str:
    left = _("no limit") if token.unlimited_quota else _("{amount} left", amount=ui.money(token.remain_quota))
    return f"{token.name or '#' + str(token.id)} · {left}"


def _turns(form: Form) -> list[Turn]:
    """Return what was said before, as the form carries it."""
    try:
        pairs = json.loads(form.values.get("turns", "") or "[]")
    except ValueError:
        return []
    if not isinstance(pairs, list):
        return []
    turns = []
    for pair in pairs[-_MOST_TURNS:]:
        match pair:
            case ["user", str(text)]:
                turns.append(Turn(role="user", text=text))
            case ["assistant", str(text)]:
                turns.append(Turn(role="assistant", text=text))
    return turns


def _remember(form: Form, answers: Sequence[str]) -> None:
    """Go on from the first answer, if there is one."""
    answer = next(filter(None, answers), "")
    if answer:
        pairs = [[turn.role, turn.text] for turn in _turns(form)]
        pairs += [["user", form.values.get("message", "")], ["assistant", answer]]
        form.values["turns"] = json.dumps(pairs, ensure_ascii=False)
        form.values["message"] = ""
