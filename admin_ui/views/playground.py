"""Trying models out: paid by one's own token, in any client format, streamed, or whole without a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import trio
from quart import Response, current_app, g, request
from quart.wrappers.response import ResponseBody

from admin_ui import playing, streams
from admin_ui.forms import read_form
from admin_ui.i18n import _
from admin_ui.playing import Ask, cells, head_cells
from admin_ui.ui import ui_paths, with_query
from admin_ui.views.models import own_tokens
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts.history import cost_of
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.token_recording import recorded_among
from gateway.accounts.tokens import read_token
from gateway.management.guard import actor, author, needs
from gateway.playground import saved
from gateway.playground.conversation import EFFORTS, FORMATS
from gateway.playground.pictures import MOST, MOST_BYTES
from gateway.playground.recalled import recalled
from gateway.playground.saved import Answer, Kept
from gateway.recordings import access
from gateway.recordings.access import permitted
from gateway.recordings.reading import decoded
from gateway.traffic.request import key_of, read_request
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from quart import Blueprint

    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.playground.conversation import Conversation
    from gateway.playground.play import Outcome, Play
    from storage.records import Token

_PAGE = "/playground"
# Seconds. What is known of a request is stored a moment after it has ended.
_STORED_S = 3.0
_LOOK_AGAIN_S = 0.2
_KEPT_FIELDS = ("model", "system", "message", "temperature", "max_tokens", "effort", "tools", "images")
_FORMAT_OF = {
    "chat_completions": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "generate_content": "gemini",
}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _plain(area, ui)
    _streamed(area, ui)
    _kept(area, ui)


def _plain(area: Blueprint, ui: Ui) -> None:
    @area.get(_PAGE)
    @needs(Role.USER)
    async def playground() -> Response:
        form, note = playing.blank_form(), ""
        if number := as_number(request.args.get("saved", "")):
            title, kept = await saved.read_kept(ui.services, actor().id, number)
            _fill(form, kept)
            return await _show(ui, form, note=title, kept=(number, kept))
        if request_id := request.args.get("request", "")[:64]:
            note = await _like_request(ui, form, request_id)
        return await _show(ui, form, note=note)

    @area.post(_PAGE)
    @needs(Role.USER)
    async def send() -> Response:
        form = await read_form()
        step = form.values.get("do", "")
        if step == "turn":
            playing.set_turns(form, [*_pairs(form), ("user", ""), ("assistant", "")])
            return await _show(ui, form, keep_empty=True)
        token = await _token(ui, form)
        asks = await _asks(ui, form, stream=False)
        if not form.is_sound or token is None:
            return await _show(ui, form, 422)
        if step == "code":
            return await _show(ui, form, code=[head_cells(ui, ask) for ask in asks])
        if not await ui.is_first(form.values.get("once", "")):
            form.general.append(_("This was sent already. Send it again if you want another answer."))
            return await _show(ui, form)
        outcomes: dict[int, Outcome] = {}

        async def play(number: int, ask: Ask) -> None:
            async with _playing(ui, ask, token) as one:
                while await one.next() is not None:
                    pass
                outcomes[number] = await one.outcome()

        async with trio.open_nursery() as nursery:
            for number, ask in enumerate(asks):
                nursery.start_soon(play, number, ask)
        shown = [head_cells(ui, ask) | cells(ui, outcomes[number]) for number, ask in enumerate(asks)]
        playing.remember(form, [one["text"] for one in shown])
        form.values["answers"] = playing.answers_text([(one["name"], one) for one in shown])
        return await _show(ui, form, outcomes=shown)


def _streamed(area: Blueprint, ui: Ui) -> None:
    @area.post("/playground/stream")
    @needs(Role.USER)
    async def send_streamed() -> Response:
        form = await read_form()
        token = await _token(ui, form)
        asks = await _asks(ui, form, stream=form.flag("stream"), only=form.values.get("as", ""))
        place = as_number(form.values.get("target", ""))
        if not form.is_sound or token is None or place >= len(asks):
            return _events(streams.event("refused", " ".join([*form.errors.values(), *form.general])))
        ask = asks[place]
        visit, catalogue = current_visit(), g.catalogue
        app = current_app._get_current_object()  # type: ignore[attr-defined]

        async def finish(outcome: Outcome) -> dict[str, str]:
            async with app.app_context():
                g.visit, g.catalogue = visit, catalogue
                return cells(ui, outcome, served=served)

        served = ui_paths()
        return _events(_Events(head_cells(ui, ask), _playing(ui, ask, token), finish))

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


def _kept(area: Blueprint, ui: Ui) -> None:
    @area.post("/playground/keep")
    @needs(Role.USER)
    async def keep_conversation() -> Response:
        form = await read_form()
        title = form.values.get("title", "").strip() or form.values.get("model", "")
        kept = Kept(
            values={name: form.values.get(name, "") for name in _KEPT_FIELDS},
            formats=[name for name in FORMATS if name in form.many.get("format", [])],
            turns=[(turn.role, turn.text) for turn in playing.turns_of(form)],
            answers=_answers(form.values.get("answers", "")),
        )
        if not kept.turns and not kept.values["message"]:
            form.general.append(_("There is nothing to keep yet."))
            return await _show(ui, form, 422)
        try:
            number = await saved.keep(ui.services, actor().id, title, kept)
        except Refused as error:
            form.refuse(error)
            return await _show(ui, form, 422)
        return ui.go(with_query(_PAGE, saved=number), note=_("The conversation is kept. Only you can see it."))

    @area.post("/playground/kept/<number>/delete")
    @needs(Role.USER)
    async def forget_conversation(number: str) -> Response:
        await saved.forget(ui.services, actor().id, as_number(number))
        return ui.go(_PAGE, note=_("The conversation was deleted."))


class _Events(ResponseBody):
    """An answer as events, as long as somebody listens; who hangs up ends the request."""

    def __init__(
        self,
        head: Mapping[str, str],
        playing: AbstractAsyncContextManager[Play],
        finish: Callable[[Outcome], Awaitable[dict[str, str]]],
    ) -> None:
        self._head = head
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
            return streams.event("head", {"id": play.answer.request_id, **self._head})
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


def _playing(ui: Ui, ask: Ask, token: Token | str) -> AbstractAsyncContextManager[Play]:
    ground, channel = ui.plane.playground, ask.target.channel_id
    if isinstance(token, str):
        return ground.playing_free(ask.written, actor(), address=g.client.address, channel_id=channel)
    return ground.playing(ask.written, token, address=g.client.address, channel_id=channel)


async def _asks(ui: Ui, form: Form, *, stream: bool, only: str = "") -> list[Ask]:
    formats = [only] if only in FORMATS else playing.formats_of(form)
    targets = playing.targets_of(form)
    return playing.asks(ui, form, await playing.conversation_of(form, stream=stream), formats, targets)


async def _show(
    ui: Ui,
    form: Form,
    status: int = 200,
    *,
    outcomes: Sequence[Mapping[str, str]] = (),
    code: Sequence[Mapping[str, str]] = (),
    note: str = "",
    kept: tuple[int, Kept] | None = None,
    keep_empty: bool = False,
) -> Response:
    visit = current_visit()
    tokens = await own_tokens(ui, visit.user)
    recorded = await recorded_among(ui.services, tokens) if permitted(ui.services) else ()
    snapshot = ui.services.registry.current
    channels = sorted(snapshot.channels.values(), key=lambda c: c.name.lower()) if visit.is_admin else []
    models = {name for channel in channels for name in channel.models}
    turns = _pairs(form) if keep_empty else [(turn.role, turn.text) for turn in playing.turns_of(form)]
    return ui.page(
        "pages/playground.html",
        status,
        form=form,
        tokens=[(str(token.id), _token_label(ui, token, is_recorded=token.id in recorded)) for token in tokens],
        free=playing.FREE if visit.is_admin else "",
        chosen=frozenset(form.many.get("format", [])),
        formats=FORMATS,
        efforts=EFFORTS,
        turns=turns,
        models=sorted(models.union(snapshot.models_of(actor().group))),
        channels=[(str(channel.id), channel.label) for channel in channels],
        rivals=_rivals(form),
        outcomes=outcomes,
        code=code,
        blank=dict.fromkeys(playing.CELLS, ""),
        note=note,
        kept=kept,
        conversations=await saved.list_kept(ui.services, actor().id),
        most_pictures=MOST,
        most_mb=MOST_BYTES / 1_000_000,
    )


async def _token(ui: Ui, form: Form) -> Token | str | None:
    """Return the token that pays, or the word that says that nobody does."""
    chosen = form.values.get("token", "")
    if chosen == playing.FREE and current_visit().is_admin:
        return playing.FREE
    try:
        return await read_token(ui.services, actor(), as_number(chosen))
    except NotFound:
        form.fault("token", _("Choose one of your tokens."))
        return None


def _token_label(ui: Ui, token: Token, *, is_recorded: bool) -> str:
    left = _("no limit") if token.unlimited_quota else _("{amount} left", amount=ui.money(token.remain_quota))
    label = f"{token.name or '#' + str(token.id)} · {left}"
    return f"{label} · {_('recorded')}" if is_recorded else label


async def _like_request(ui: Ui, form: Form, request_id: str) -> str:
    """Fill the form like a request that was made, and say what is missing of it."""
    key = await key_of(ui.services, request_id)
    if not key:
        return _("Nothing is kept of this request.")
    page = await read_request(ui.services, actor(), key)
    entry = page.entry
    form.values["model"] = entry.asked_model or entry.model
    form.values["stream"] = "true" if entry.is_stream else ""
    if current_visit().is_admin and entry.channel_id:
        form.values["channel"] = str(entry.channel_id)
    form.many["format"] = [_FORMAT_OF.get(entry.endpoint, "openai_chat")]
    said = await _recalled(ui, request_id)
    if said is None:
        return _(
            "As in request {id}: model, format, stream and channel. Its messages were not recorded.", id=request_id
        )
    conversation, is_all = said
    playing.fill(form, conversation)
    if is_all:
        return _("As request {id} was asked.", id=request_id)
    return _(
        "As request {id} was asked, as far as it fits: calls of tools, files, and pictures of earlier turns do not.",
        id=request_id,
    )


async def _recalled(ui: Ui, request_id: str) -> tuple[Conversation, bool] | None:
    """Return what one's own request said, if that was recorded and can be read."""
    standing = await access.standing(ui.services, actor(), request_id)
    if standing is None or not standing.is_own:
        return None
    try:
        recorded = await access.read_messages(ui.services, author(), request_id)
    except Refused:
        return None
    request = decoded(recorded.row.format, recorded.content.request)
    return recalled(request) if request is not None else None


def _fill(form: Form, kept: Kept) -> None:
    form.values |= {name: kept.values.get(name, "") for name in _KEPT_FIELDS}
    form.many["format"] = [name for name in kept.formats if name in FORMATS] or ["openai_chat"]
    playing.set_turns(form, kept.turns)


def _pairs(form: Form) -> list[tuple[str, str]]:
    return list(zip(form.many.get("role", []), form.many.get("said", []), strict=False))


def _rivals(form: Form) -> list[tuple[str, str]]:
    models, channels = form.many.get("rival_model", []), form.many.get("rival_channel", [])
    return [
        (models[n] if n < len(models) else "", channels[n] if n < len(channels) else "")
        for n in range(playing.RIVALS)
    ]


def _answers(text: str) -> list[Answer]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    if not isinstance(found, list):
        return []
    return [
        Answer(name=str(one.get("name", "")), text=str(one.get("text", "")), facts=str(one.get("facts", "")))
        for one in found[: playing.RIVALS + 1]
        if isinstance(one, dict)
    ]
