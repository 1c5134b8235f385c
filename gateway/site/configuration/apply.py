"""Export, plan and application, for pages and for the command line. Applying is one transaction."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING

import trio

from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.audit.trail import note
from gateway.channels.edits import LABELS
from gateway.channels.labels import write_label
from gateway.channels.removal import remove_rows
from gateway.channels.trail import noted
from gateway.registry.options import Options
from gateway.site.configuration.document import read_document, write_document
from gateway.site.configuration.plan import make_plan
from gateway.site.configuration.state import all_channels, settings_in_force
from gateway.site.option_edits import note_options
from storage.records import ChannelStatus
from storage.repositories import abilities, channels, ledger, options

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.providers.catalogue import Catalogue
    from gateway.audit.author import Author
    from gateway.channels.edits import ChannelEdit
    from gateway.services import Services
    from gateway.site.configuration.document import Document
    from gateway.site.configuration.plan import Plan, Step

_FRESH: dict[str, object] = {
    "test_time": 0, "response_time": 0, "balance": 0, "balance_updated_time": 0, "used_quota": 0, "key": "",
    "group": "default", "models": "", "config": "", "weight": 0, "priority": 0, "ratelimit": 0,
}  # fmt: skip


class PlanOutdated(Refused):
    """Something was changed since the plan was looked at: nothing was done."""

    code = "plan_outdated"

    def __init__(self) -> None:
        super().__init__(
            "The configuration was changed since this plan was made. Nothing was applied: look at it again."
        )


def export(conn: Connection, catalogue: Catalogue) -> str:
    """Return the configuration as the text of a file."""
    now = Options.from_rows(options.everything(conn))
    rows = all_channels(conn, catalogue)
    names = [channel.name for channel, _members in rows]
    shared = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    members = [({"id": channel.id} if channel.name in shared else {}) | found for channel, found in rows]
    return write_document(settings=settings_in_force(now), groups=now.group_ratio, channels=members)


def apply(
    conn: Connection, author: Author, document: Document, catalogue: Catalogue, *, prune: bool, mark: str
) -> Plan:
    """Do what a file wants, within the caller's transaction. `mark` is that of the plan that was looked at.

    Raises `Refused` with the first fault, and `PlanOutdated`.
    """
    plan = make_plan(conn, document, catalogue, prune=prune)
    if plan.faults:
        raise Refused(plan.faults[0])
    if plan.mark != mark:
        raise PlanOutdated
    now = Options.from_rows(options.everything(conn))
    changed = {key: value for key, value in plan.options.items() if now.text(key) != value}
    for key, value in changed.items():
        options.put(conn, key, value, now_ms=now_ms())
    if changed:
        note_options(conn, author, {key: now.text(key) for key in changed}, changed)
    for step in plan.steps:
        if step.part == "channel" and step.edit is not None:
            _write(conn, author, step, step.edit, catalogue)
    gone = [step.channel_id for step in plan.steps if step.part == "channel" and step.doing == "remove"]
    if gone:
        remove_rows(conn, author=author, channel_ids=gone, batch=token_hex(16))
    if plan.steps:
        counts = {"added": plan.count("add"), "changed": plan.count("change"), "removed": plan.count("remove")}
        note(conn, author, "config.apply", changes={name: ["", count] for name, count in counts.items() if count})
    return plan


def _write(conn: Connection, author: Author, step: Step, edit: ChannelEdit, catalogue: Catalogue) -> None:
    values: dict[str, object] = {
        name: getattr(edit, name)
        for name in edit.__dataclass_fields__
        if name not in LABELS and getattr(edit, name) is not None
    } | {"updated_at": now_ms()}
    before, channel_id = None, step.channel_id
    if channel_id:
        before = channels.locked(conn, channel_id)
        channels.change(conn, channel_id, values)
    else:
        provider = catalogue.provider(edit.type or 0)
        made = _FRESH | {"created_time": now_s(), "created_at": now_ms()} | values
        made["base_url"] = values.get("base_url") or (provider.base_url.rstrip("/") if provider is not None else "")
        made["status"] = (edit.status or ChannelStatus.ENABLED) if edit.key else ChannelStatus.DISABLED
        channel_id = channels.add(conn, made)
        ledger.post(conn, kind=ledger.OPENING, at_ms=now_ms(), channel_id=channel_id, note="new channel")
    after = channels.by_id(conn, channel_id)
    if after is None:
        raise Refused(f"channel {channel_id} was not found")
    if after.testing_model is not None and after.testing_model not in after.models.split(","):
        channels.change(conn, channel_id, {"testing_model": None})
        after = replace(after, testing_model=None)
    abilities.rebuild(conn, after, now_ms=now_ms())
    labels = write_label(conn, channel_id, edit.tag, edit.note)
    noted(conn, author, "channel.update" if before is not None else "channel.create", before, after, labels)


# --- for the pages


async def export_text(services: Services) -> str:
    """Return the configuration as the text of a file. The writing happens in the database's thread, not here."""
    return await services.database.read(partial(export, catalogue=services.catalogue), snapshot=True)


async def plan_text(services: Services, text: str, *, prune: bool) -> Plan:
    """Return what a file would do. Raises `BadDocument`."""
    document = await trio.to_thread.run_sync(read_document, text)
    work = partial(make_plan, document=document, catalogue=services.catalogue, prune=prune)
    return await services.database.read(work, snapshot=True)


async def apply_text(services: Services, author: Author, text: str, *, prune: bool, mark: str) -> Plan:
    """Do what a file wants, all or nothing. Raises `Refused`."""
    document = await trio.to_thread.run_sync(read_document, text)

    def work(conn: Connection) -> Plan:
        return apply(conn, author, document, services.catalogue, prune=prune, mark=mark)

    plan = await commit(services, work)
    await services.registry.refresh()
    return plan
