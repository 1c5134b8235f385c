"""The form of a token, and its key: shown once when it is made, afterwards only when asked for."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from quart import g

from admin_ui.conflicts import find_conflicts
from admin_ui.forms import Form, as_amount, fingerprint, read_form
from admin_ui.i18n import _
from admin_ui.key_snippets import families
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts import token_facts, tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.token_recording import recorded_among
from gateway.accounts.tokens import NEVER, TokenEdit
from gateway.management.guard import actor, author, needs
from gateway.management.shapes import token as token_shape
from storage.records import Role, TokenStatus
from storage.repositories.token_extras import LONGEST_NOTE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from quart import Blueprint, Response

    from admin_ui.conflicts import Conflict
    from admin_ui.ui import Ui
    from storage.records import Token

_LIST = "/tokens"
_FIELDS = {
    "name": "name",
    "network": "subnet",
    "quota": "quota",
    "expiration": "expires",
    "note": "note",
    "list": "models",
    "recording": "records",
    "recorded": "records",
}
DAY_S = 86_400

SPANS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _making(area, ui)
    _changing(area, ui)


def _shown(
    ui: Ui,
    form: Form,
    token: Token | None,
    status: int = 200,
    *,
    conflicts: Sequence[Conflict] = (),
    group: str = "",
) -> Response:
    """Show the form. `group`: the owner's, where that is somebody else."""
    group = group or actor().group
    known = ui.services.registry.current.models_of(group)
    chosen = form.names("models")
    return ui.page(
        "pages/token_form.html",
        status,
        form=form,
        conflicts=conflicts,
        token=token,
        group=group,
        models=list(dict.fromkeys([*(name for name in chosen if name not in known), *known])),
        chosen=frozenset(chosen),
        address=g.client.address,
        is_listed=g.client.address in form.names("subnet"),
        is_expired=token is not None and _is_expired(token),
        is_used_up=token is not None and not token.unlimited_quota and token.remain_quota <= 0,
        recording=_recording(ui, token, is_on=form.flag("records_was")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    """What the form says of the switch that records messages."""

    is_permitted: bool
    is_open: bool
    """Whether the reader may move it: nobody can switch on what the site does not permit, or somebody else's."""
    days: int
    administrators: bool


def _recording(ui: Ui, token: Token | None, *, is_on: bool) -> _Recording:
    may_begin = token is None or token.user_id == actor().id or current_visit().is_root
    is_permitted = ui.options.flag("MessageRecordingEnabled")
    return _Recording(
        is_permitted=is_permitted,
        is_open=is_on or (is_permitted and may_begin),
        days=ui.options.integer("MessageRetentionDays"),
        administrators=ui.options.flag("MessagesForAdministrators"),
    )


def _making(area: Blueprint, ui: Ui) -> None:
    @area.get("/tokens/new")
    @needs(Role.USER)
    async def new_token() -> Response:
        return _shown(ui, Form(values={"unlimited": "true", "expires": "never"}), None)

    @area.post("/tokens/new")
    @needs(Role.USER)
    async def create_token() -> Response:
        form = await read_form()
        if _adds_address(form):
            return _shown(ui, form, None)
        edit = _read(form, ui, None)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST, note=_("The token was made already."), kind="info")
        if form.is_sound:
            try:
                return key_page(ui, await tokens.create_token(ui.services, author(), edit), how="new")
            except Refused as error:
                form.refuse(error, _FIELDS)
        return _shown(ui, form, None, 422)

    @area.post("/tokens/<number>/reveal")
    @needs(Role.USER)
    async def reveal_token(number: str) -> Response:
        token = await tokens.reveal_key(ui.services, author(), as_number(number))
        return key_page(ui, token, how="shown")


def _changing(area: Blueprint, ui: Ui) -> None:
    async def values_of(token: Token) -> dict[str, str]:
        note = await token_facts.note_of(ui.services, actor(), token.id)
        return _values(token, note, ui, records=bool(await recorded_among(ui.services, [token])))

    @area.get("/tokens/<number>/edit")
    @needs(Role.USER)
    async def edit_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number), others=True)
        group = await token_facts.group_of(ui.services, token)
        return _shown(ui, Form(values=await values_of(token)), token, group=group)

    @area.post("/tokens/<number>/edit")
    @needs(Role.USER)
    async def save_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number), others=True)
        group = await token_facts.group_of(ui.services, token)
        form = await read_form()
        if _adds_address(form):
            return _shown(ui, form, token, group=group)
        conflicts = find_conflicts(form, await values_of(token), _labels())
        edit = _read(form, ui, token)
        if not form.is_sound:
            return _shown(ui, form, token, 422, conflicts=conflicts, group=group)
        try:
            changed = await tokens.update_token(ui.services, author(), token.id, edit, others=True)
        except Refused as error:
            form.refuse(error, _FIELDS)
            return _shown(ui, form, token, 422, group=group)
        was_over = token.status > TokenStatus.DISABLED or _is_expired(token)
        if changed.status == TokenStatus.ENABLED and was_over and not _is_expired(changed):
            return ui.go(f"{_LIST}/{token.id}", note=_("Token {name} was saved and works again.", name=changed.name))
        return ui.go(f"{_LIST}/{token.id}", note=_("Token {name} was saved.", name=changed.name))


def key_page(ui: Ui, token: Token, *, how: str) -> Response:
    """Show the key of a token with code that is ready to run. `how`: it is `new`, `shown` or `renewed`."""
    key = full_key(ui, token)
    return ui.page(
        "pages/token_key.html",
        token=token,
        key=key,
        how=how,
        families=families(ui.address, key, model_for(ui, token)),
    )


def full_key(ui: Ui, token: Token) -> str:
    """Return a token's key as programs send it."""
    return str(token_shape(token, ui.services.settings.token_key_prefix)["key"])


def model_for(ui: Ui, token: Token) -> str:
    """Return a model that examples can name."""
    named = [name.strip() for name in (token.models or "").split(",") if name.strip()]
    known = named or ui.services.registry.current.models_of(actor().group)
    return known[0] if known else "gpt-4o-mini"


def _labels() -> dict[str, str]:
    return {
        "name": _("Name"),
        "unlimited": _("No spending limit of its own"),
        "expires": _("Expires"),
        "expires_at": _("Date and time"),
        "models": _("Models"),
        "subnet": _("Allowed addresses"),
        "note": _("Note"),
        "records": _("Record messages"),
    }


def _adds_address(form: Form) -> bool:
    """Put the reader's own address into the list where that is what they pressed."""
    if form.values.get("do") != "add-address":
        return False
    form.values["subnet"] = "\n".join(dict.fromkeys([*form.names("subnet"), g.client.address]))
    form.many.pop("subnet", None)
    return True


def _read(form: Form, ui: Ui, token: Token | None) -> TokenEdit:
    unlimited = form.flag("unlimited")
    # A field that is switched off is not sent; it counts only where the token has a limit.
    quota = form.units("quota", ui.options) if token is None and not unlimited else None
    return TokenEdit(
        name=form.text("name", required=True, most_bytes=tokens.LONGEST_NAME_BYTES),
        unlimited_quota=unlimited,
        remain_quota=quota,
        quota_change=form.units_change("quota", ui.options) if token is not None and not unlimited else 0,
        expired_time=_expiry(form, token),
        models=",".join(form.names("models")),
        subnet=_networks(form),
        note=form.text("note", most=LONGEST_NOTE),
        record_messages=_wants_recording(form),
    )


def _wants_recording(form: Form) -> bool | None:
    """Return where the switch was moved to, `None` where it was left alone: one that is fixed is not sent at all."""
    is_on = form.flag("records")
    return None if is_on == form.flag("records_was") else is_on


def _expiry(form: Form, token: Token | None) -> int:
    chosen = form.choice("expires", ("never", "at", *SPANS), default="never")
    if chosen in SPANS:
        return int(time.time()) + SPANS[chosen] * DAY_S
    if chosen != "at":
        return NEVER
    until = form.moment("expires_at", current_visit().zone)
    if until is None:
        form.fault("expires_at", _("Please enter a date and a time."))
        return NEVER
    # What is stored is shown to the minute; a token that has expired may be renamed without being woken up.
    if token is not None and 0 <= token.expired_time - until < 60:
        return token.expired_time
    if until <= time.time():
        form.fault("expires_at", _("Please choose a time that is still to come."))
    return until


def _networks(form: Form) -> str:
    """Return addresses and networks as they are stored; each that is none is named at the field."""
    found: list[str] = []
    for text in form.names("subnet"):
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            form.fault("subnet", _("“{text}” is neither an address nor a network.", text=text[:60]))
            continue
        # As it was typed, but single addresses as networks of one, which is what is compared with.
        found.append(text if "/" in text else str(network))
    return ",".join(found)


def _is_expired(token: Token) -> bool:
    return token.status == TokenStatus.EXPIRED or 0 < token.expired_time <= time.time()


def _values(token: Token, note: str, ui: Ui, *, records: bool) -> dict[str, str]:
    values = {
        "name": token.name,
        "unlimited": "true" if token.unlimited_quota else "",
        "quota": as_amount(token.remain_quota, ui.options),
        "quota_was": str(token.remain_quota),
        "expires": "never" if token.expired_time == NEVER else "at",
        "expires_at": _local(token.expired_time, current_visit().zone),
        "models": token.models or "",
        "subnet": (token.subnet or "").replace(",", "\n"),
        "note": note,
        "records": "true" if records else "",
        "records_was": "true" if records else "",
    }
    fixed = ("name", "unlimited", "expires", "expires_at", "models", "subnet", "note", "records")
    return values | {"version": fingerprint({name: values[name] for name in fixed})}


def _local(seconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%dT%H:%M") if seconds > 0 else ""
