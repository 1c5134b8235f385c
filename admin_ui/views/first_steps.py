"""What a new installation, or a new person, still has to do before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quart import session

from admin_ui.i18n import _
from admin_ui.ui import WEAK
from gateway.accounts import directory
from gateway.channels.directory import count_tested_since
from storage.records import Role
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from admin_ui.ui import Ui
    from storage.records import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, and whether it is done."""

    title: str
    text: str
    path: str
    is_done: bool


async def first_steps(ui: Ui, person: User) -> list[Step]:
    """Return the steps for this person; none once all are done."""
    steps: list[Step] = []
    if person.role == Role.ROOT:
        steps.append(
            Step(
                title=_("Choose a password"),
                text=_("Everybody knows the one that a new installation has."),
                path="/welcome",
                is_done=not session.get(WEAK),
            )
        )
    if person.role >= Role.ADMIN:
        channels = ui.services.registry.current.channels.values()
        steps.append(
            Step(
                title=_("Add a channel"),
                text=_("It leads to a provider: its key, and the models that it serves."),
                path="/channels/new",
                is_done=bool(channels),
            )
        )
        steps.append(
            Step(
                title=_("Test it"),
                text=_("One short question shows whether key and address are right."),
                path="/channels",
                is_done=person.used_quota > 0 or await _is_any_tested(ui),
            )
        )
    _tokens, number = await directory.list_tokens(ui.services, person, Wanted(), Sort(), Page(0, 1))
    steps += [
        Step(
            title=_("Create a token"),
            text=_("Programs use it as their API key."),
            path="/tokens/new",
            is_done=number > 0,
        ),
        Step(
            title=_("Send a first request"),
            text=_("From the playground, or from a program with the snippet that comes with a token."),
            path="/playground",
            is_done=person.request_count > 0,
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


async def _is_any_tested(ui: Ui) -> bool:
    return await count_tested_since(ui.services, 1) > 0
