"""What is done to several rows of a list at once: shown before, told row by row, taken back where it can be.

A list says where it is (`Place`), which rows are meant and what a form wants done with each (`Several`); the rest is
the same for all lists. Channels have previews and transactions of their own, and share how it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from quart import request

from admin_ui.forms import read_form
from admin_ui.i18n import _, _n, said
from admin_ui.lists import ticking
from admin_ui.ui import Undo, local_path, with_query
from admin_ui.views.picked import meant_ids, ticking_again
from gateway.accounts.refusals import Refused
from gateway.audit.author import at_once
from gateway.channels.jobs import Done, Failed
from gateway.management.guard import author

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from quart import Response

    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.audit.author import Author
    from gateway.channels.jobs import Progress, Work
    from storage.repositories.rows import Page

SHOWN = 50
"""Rows of a preview; what happens to the others is the same."""
AT_ONCE = 50
"""More rows than these are changed after the answer."""
_TOLD = 3


class Numbered(Protocol):
    """A row of a list."""

    @property
    def id(self) -> int:
        """Its number."""


R = TypeVar("R", bound=Numbered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a list is, what it is called, where its jobs are looked at, and what takes back what was done in it."""

    path: str
    title: str
    jobs: str
    undo: Callable[[str, str, str], Undo | None]
    """Of what was done (an action of the audit), the batch that takes it back, and where that leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of one row; `fault` says why nothing would."""

    name: str
    before: str = ""
    after: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[R]):
    """What is asked before something is done, and what a row is shown to become by it."""

    title: str
    verb: str
    preview: Callable[[R], Preview]
    text: str = ""
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed(Generic[R]):
    """Something that is done to each of several rows. `action` is what the audit calls it."""

    action: str
    do: Callable[[Author, int], Awaitable[object]]
    """More than a few rows are done after the answer, so it must not need the request. `False`: it was so already."""
    undo: str = ""
    """What would take it back if it were sent to the same address."""
    question: Question[R] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Generic[R]):
    """A list whose rows can be changed together, by a form that is sent to its `bulk`."""

    path: str
    title: str
    find: Callable[[str, Page], Awaitable[tuple[Sequence[R], int]]]
    """All that the list shows at an address."""
    read: Callable[[int], Awaitable[R]]
    """One row. Raises `Refused` where it is out of reach."""
    deed: Callable[[Form, int], Deed[R] | None]
    """What a form wants done to so many rows; `None` where it does not say, with its errors telling why."""

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(path=self.path, title=self.title, jobs=f"{self.path}/bulk", undo=self._undo)

    async def answer(self, ui: Ui) -> Response:
        """Ask, or do what the form of this request wants, lead back and tell how it went."""
        form = await read_form()
        back = local_path(form.values.get("next", ""), self.path)
        try:
            ids = await self.meant(back)
            if not ids:
                return ui.go(back, note=_("Nothing was selected."), kind="info")
            deed = self.deed(form, len(ids))
            if deed is None:
                fault = next(iter(form.errors.values()), _("Please say what to change, and to what."))
                return ui.go(await ticking_again(back), note=fault, kind="bad")
            if deed.question is not None and not form.flag("sure"):
                return await self._ask(ui, form, ids, deed.question, back)
            return await run(ui, self.place, deed.action, len(ids), _one_by_one(ids, deed), back)
        except Refused as error:
            return ui.refused(await ticking_again(back), error)

    async def meant(self, back: str) -> list[int]:
        """Return the numbers of the rows that are meant. Raises `Refused` where these are too many."""
        return await meant_ids(lambda page: self.find(back, page))

    async def _ask(self, ui: Ui, form: Form, ids: Sequence[int], question: Question[R], back: str) -> Response:
        previews = [question.preview(row) for row in await self.rows(ids[:SHOWN])]
        kept = {name: form.values[name] for name in ("do", "what", "value") if form.values.get(name)}
        return ui.page(
            "pages/several.html",
            question=question,
            action=f"{self.path}/bulk",
            fields={**kept, "sure": "1", "next": back},
            ids=ids,
            previews=previews,
            more=len(ids) - len(previews),
            back=ticking(back, ids),
        )

    async def rows(self, ids: Sequence[int]) -> list[R]:
        """Return rows, as far as they are within reach."""
        found: list[R] = []
        for number in ids:
            try:
                found.append(await self.read(number))
            except Refused:
                continue
        return found

    def _undo(self, _what: str, batch: str, back: str) -> Undo | None:
        do, _sign, ids = batch.partition(":")
        return Undo(f"{self.path}/bulk", {"do": do, "ids": ids, "next": back}) if do else None


def _one_by_one(ids: Sequence[int], deed: Deed[R]) -> Work:
    who = at_once(author(), deed.action, len(ids))

    async def work(progress: Progress) -> Done:
        changed: list[int] = []
        failed: list[Failed] = []
        for count, number in enumerate(ids, 1):
            try:
                if await deed.do(who, number) is not False:
                    changed.append(number)
            except Refused as error:
                failed.append(Failed(number, "", error.message))
            progress(count)
        batch = f"{deed.undo}:{','.join(map(str, changed))}" if deed.undo and changed else ""
        return Done(changed=changed, failed=failed, batch=batch)

    return work


async def run(ui: Ui, place: Place, what: str, total: int, work: Work, back: str, more: str = "") -> Response:
    """Do it, lead back and tell how it went; of many rows, tell on a page of its own while it is done.

    `what` says as an action of the audit what is done; `more` is told where it went well.
    """
    if total > AT_ONCE:
        job = ui.plane.prober.jobs.begin(what, total, work)
        return ui.go(with_query(f"{place.jobs}/{job}", next=back))
    done = await work(lambda _count: None)
    count, lost = len(done.changed), len(done.failed)
    undo = place.undo(what, done.batch, back)
    if not lost:
        return ui.go(back, note=outcome(what, count) + _unmoved(total - count) + more, undo=undo)
    told = "; ".join(f"{one.name or f'#{one.id}'}: {said(one.why)}" for one in done.failed[:_TOLD])
    told += "…" if lost > _TOLD else ""
    text = _("{done} done, {failed} failed: {told}", done=count, failed=lost, told=told)
    # What is left to be done stays ticked.
    return ui.go(ticking(back, [one.id for one in done.failed]), note=text, kind="bad", undo=undo)


async def show_job(ui: Ui, job: str, place: Place) -> Response:
    """Show how far a change of many rows is."""
    back = local_path(request.args.get("next", ""), place.path)
    report = await ui.plane.prober.jobs.look(job)
    if report is None:
        return ui.go(back, note=_("How that went is not known any more; the audit tells."), kind="info")
    return ui.page(
        "pages/job.html",
        report=report,
        outcome=outcome(report.what, report.changed) + _unmoved(report.total - report.changed - report.failed),
        undo=place.undo(report.what, report.batch, back),
        place=place,
        back=back,
        address=with_query(f"{place.jobs}/{job}", next=back),
    )


def _unmoved(count: int) -> str:
    return " " + _n("{n} was so already.", "{n} were so already.", count) if count > 0 else ""


def outcome(action: str, count: int) -> str:
    """Say what was done to how many."""
    told: Mapping[str, str] = {
        "channel.enable": _n("{n} channel is enabled now.", "{n} channels are enabled now.", count),
        "channel.disable": _n("{n} channel is disabled now.", "{n} channels are disabled now.", count),
        "channel.delete": _n("{n} channel was deleted.", "{n} channels were deleted.", count),
        "channel.update": _n("{n} channel was changed.", "{n} channels were changed.", count),
        "token.enable": _n("{n} token is enabled.", "{n} tokens are enabled.", count),
        "token.disable": _n("{n} token is disabled.", "{n} tokens are disabled.", count),
        "token.delete": _n("{n} token was deleted.", "{n} tokens were deleted.", count),
        "token.restore": _n("{n} token is back.", "{n} tokens are back.", count),
        "user.enable": _n("{n} user is enabled.", "{n} users are enabled.", count),
        "user.disable": _n("{n} user is disabled.", "{n} users are disabled.", count),
        "user.delete": _n("{n} user was deleted.", "{n} users were deleted.", count),
        "code.enable": _n("{n} code is enabled.", "{n} codes are enabled.", count),
        "code.disable": _n("{n} code is disabled.", "{n} codes are disabled.", count),
        "code.delete": _n("{n} code was deleted.", "{n} codes were deleted.", count),
    }
    return told.get(action) or _n("{n} changed.", "{n} changed.", count)
