"""Testing one channel by hand: one question, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.neutral.terms import FORMAT_TITLES
from admin_ui.forms import Form, read_form
from admin_ui.i18n import _, told
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.channels import edits, standing
from gateway.channels.question import FORMATS, LONGEST_PROMPT, Wish
from gateway.channels.trial import verdict_on
from gateway.management.guard import needs
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from adapters.formats.neutral.terms import Format
    from admin_ui.ui import Ui
    from gateway.channels.question import Outcome
    from storage.records import Channel

_SHOWN = 10


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/channels/<number>/test")
    @needs(Role.ADMIN)
    async def test_page(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        return await _page(ui, channel, Form(values={"format": "openai_chat"}))

    @area.post("/channels/<number>/test")
    @needs(Role.ADMIN)
    async def test_one(number: str) -> Response:
        channel = await edits.read_channel(ui.services, as_number(number))
        form = await read_form()
        wish = Wish(
            model=form.text("model"),
            format=_format(form),
            streams=form.flag("stream"),
            prompt=form.text("prompt", most=LONGEST_PROMPT),
        )
        outcome, fault = None, ""
        if form.is_sound:
            try:
                outcome = await ui.plane.prober.test(channel.id, wish=wish)
            except Refused as error:
                fault = told(error.message)
        return await _page(ui, channel, form, outcome=outcome, fault=fault)


def _format(form: Form) -> Format:
    wanted = form.values.get("format", "")
    return next((name for name in FORMATS if name == wanted), "openai_chat")


async def _page(ui: Ui, channel: Channel, form: Form, *, outcome: Outcome | None = None, fault: str = "") -> Response:
    tests = await standing.last_tests(ui.services, channel.id, _SHOWN)
    return ui.page(
        "pages/channel_test.html",
        200 if form.is_sound else 422,
        channel=channel,
        form=form,
        outcome=outcome,
        verdict=verdict_on(ui.options, outcome) if outcome else None,
        fault=fault,
        formats=[(name, FORMAT_TITLES[name]) for name in FORMATS],
        format_words=FORMAT_TITLES,
        models=list(dict.fromkeys(name.strip() for name in channel.models.split(",") if name.strip())),
        usual_prompt=ui.services.settings.test_prompt,
        prompt_limit=LONGEST_PROMPT,
        usual=_("as set: {model}", model=channel.testing_model) if channel.testing_model else _("the cheapest"),
        tests=tests,
    )
