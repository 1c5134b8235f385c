"""One's own API tokens."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from quart import g, request

from admin_ui.exports import csv_response, instant
from admin_ui.forms import Form, as_amount, fingerprint, read_form
from admin_ui.i18n import _
from admin_ui.lists import read_query
from admin_ui.ui import Undo, local_path
from admin_ui.views.picked import as_number
from admin_ui.visit import current_visit
from gateway.accounts import directory, tokens
from gateway.accounts.refusals import Refused
from gateway.accounts.tokens import NEVER, TokenEdit
from gateway.management.guard import actor, author, needs
from gateway.management.shapes import token as token_shape
from storage.records import Role, TokenStatus
from storage.repositories.filtered import Wanted
from storage.repositories.tokens import SORTABLE

if TYPE_CHECKING:
    from datetime import tzinfo

    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from storage.records import Token
    from storage.repositories.rows import Page

_LIST = "/tokens"
_FIELDS = {"name": "name", "network": "subnet", "quota": "quota", "expiration": "expires_at", "list": "models"}
_DAY_S = 86_400
_COLUMNS = (
    "id", "name", "state", "remaining_units", "used_units", "models", "addresses", "created", "last_used", "expires",
)  # fmt: skip
SPANS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90, "1y": 365}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    _list(area, ui)
    _steps(area, ui)
    _forms(area, ui)


def _list(area: Blueprint, ui: Ui) -> None:
    @area.get(_LIST)
    @needs(Role.USER)
    async def own_tokens() -> Response:
        query = token_query()
        rows, total = await directory.list_tokens(ui.services, actor(), wanted_tokens(query), query.order, query.rows)
        prefix = ui.services.settings.token_key_prefix
        return ui.page("pages/tokens.html", query=query, rows=rows, total=total, prefix=prefix, now=time.time())

    @area.get("/tokens/export.csv")
    @needs(Role.USER)
    async def export_tokens() -> Response:
        person, query = actor(), token_query()

        async def read(page: Page) -> tuple[list[Token], int]:
            return await directory.list_tokens(ui.services, person, wanted_tokens(query), query.order, page)

        return csv_response("tokens", _COLUMNS, read, _cells)


def token_query(address: str | None = None) -> ListQuery:
    """Read what somebody wants of the list of tokens."""
    return read_query(columns=SORTABLE, filters={"status": ("1", "2", "3", "4")}, address=address)


def wanted_tokens(query: ListQuery) -> Wanted:
    """Return which rows that is."""
    status = query.filters["status"]
    return Wanted(text=query.q, equal={"status": int(status)} if status else {})


def _cells(token: Token) -> list[object]:
    """Return what an export says of a token: everything but its key."""
    return [
        token.id,
        token.name,
        TokenStatus(token.status).name.lower() if token.status in set(TokenStatus) else token.status,
        "" if token.unlimited_quota else token.remain_quota,
        token.used_quota,
        token.models,
        token.subnet,
        instant(token.created_time),
        instant(token.accessed_time),
        instant(token.expired_time),
    ]


def _steps(area: Blueprint, ui: Ui) -> None:
    @area.post("/tokens/<number>/reveal")
    @needs(Role.USER)
    async def reveal_token(number: str) -> Response:
        token = await tokens.reveal_key(ui.services, author(), as_number(number))
        return _key_page(ui, token, is_new=False)

    @area.post("/tokens/<number>/<step>")
    @needs(Role.USER)
    async def step_token(number: str, step: str) -> Response:
        back = local_path((await request.form).get("next", ""), _LIST)
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        if step == "delete":
            await tokens.delete_token(ui.services, author(), token.id)
            return ui.go(_LIST, note=_("Token {name} was deleted.", name=token.name))
        on = step == "enable"
        try:
            await _switch(ui, token.id, TokenStatus.ENABLED if on else TokenStatus.DISABLED)
        except Refused as error:
            return ui.refused(back, error)
        text = _("{name} is enabled.", name=token.name) if on else _("{name} is disabled.", name=token.name)
        undo = Undo(f"/tokens/{token.id}/{'disable' if on else 'enable'}", {"next": back})
        return ui.go(back, note=text, undo=undo)

    @area.get("/tokens/<number>/delete")
    @needs(Role.USER)
    async def ask_delete_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        return ui.page(
            "pages/confirm.html",
            title=_("Delete token {name}?", name=token.name),
            text=_("Programs that use it are refused from now on. Your balance is not touched."),
            action=f"/tokens/{token.id}/delete",
            verb=_("Delete"),
            back=_LIST,
        )


def _forms(area: Blueprint, ui: Ui) -> None:
    def shown(form: Form, token: Token | None, status: int = 200) -> Response:
        known = ui.services.registry.current.models_of(actor().group)
        chosen = form.names("models")
        return ui.page(
            "pages/token_form.html",
            status,
            form=form,
            token=token,
            models=list(dict.fromkeys([*(name for name in chosen if name not in known), *known])),
            chosen=frozenset(chosen),
            address=g.client.address,
        )

    @area.get("/tokens/new")
    @needs(Role.USER)
    async def new_token() -> Response:
        return shown(Form(values={"unlimited": "true", "expires": "never"}), None)

    @area.post("/tokens/new")
    @needs(Role.USER)
    async def create_token() -> Response:
        form = await read_form()
        edit = _read(form, ui)
        if form.is_sound and not await ui.is_first(form.values.get("once", "")):
            return ui.go(_LIST, note=_("The token was made already."), kind="info")
        if form.is_sound:
            try:
                return _key_page(ui, await tokens.create_token(ui.services, author(), edit), is_new=True)
            except Refused as error:
                form.refuse(error, _FIELDS)
        return shown(form, None, 422)

    @area.get("/tokens/<number>")
    @needs(Role.USER)
    async def token_page(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        return shown(Form(values=_values(token, ui)), token)

    @area.post("/tokens/<number>")
    @needs(Role.USER)
    async def update_token(number: str) -> Response:
        token = await tokens.read_token(ui.services, actor(), as_number(number))
        form = await read_form()
        edit = _read(form, ui)
        version = _values(token, ui)["version"]
        if form.is_sound and form.values.get("version", "") != version:
            form.general.append(
                _("Somebody else changed this meanwhile. Below is what you typed; saving again keeps yours.")
            )
            form.values["version"] = version
        if form.is_sound:
            try:
                changed = await tokens.update_token(ui.services, author(), token.id, edit)
            except Refused as error:
                form.refuse(error, _FIELDS)
            else:
                revived = changed.status == TokenStatus.ENABLED and token.status > TokenStatus.DISABLED
                if revived:
                    return ui.go(_LIST, note=_("Token {name} was saved and works again.", name=changed.name))
                return ui.go(_LIST, note=_("Token {name} was saved.", name=changed.name))
        return shown(form, token, 422)


async def _switch(ui: Ui, number: int, status: TokenStatus) -> Token:
    return await tokens.update_token(ui.services, author(), number, TokenEdit(status=status), status_only=True)


def _key_page(ui: Ui, token: Token, *, is_new: bool) -> Response:
    key = str(token_shape(token, ui.services.settings.token_key_prefix)["key"])
    models = [name for name in (token.models or "").split(",") if name.strip()]
    known = models or ui.services.registry.current.models_of(actor().group)
    return ui.page(
        "pages/token_key.html", token=token, key=key, is_new=is_new, model=known[0] if known else "gpt-4o-mini"
    )


def _read(form: Form, ui: Ui) -> TokenEdit:
    unlimited = form.flag("unlimited")
    # A field that is switched off is not sent; it counts only where the token has a limit.
    quota = form.units("quota", ui.options) if not unlimited else None
    expires = form.choice("expires", ("never", "at", *SPANS), default="never")
    until: int | None = NEVER
    if expires in SPANS:
        until = int(time.time()) + SPANS[expires] * _DAY_S
    elif expires == "at":
        until = form.moment("expires_at", current_visit().zone)
        if until is None:
            form.fault("expires_at", _("Please enter a date and a time."))
    return TokenEdit(
        name=form.text("name", required=True, most=tokens.LONGEST_NAME_BYTES),
        unlimited_quota=unlimited,
        remain_quota=quota,
        expired_time=until,
        models=",".join(form.names("models")),
        subnet=",".join(_network(name) for name in form.names("subnet")),
    )


def _network(text: str) -> str:
    """Return a single address as a network of one; networks as they are."""
    if "/" in text:
        return text
    return f"{text}/{128 if ':' in text else 32}"


def _values(token: Token, ui: Ui) -> dict[str, str]:
    values = {
        "name": token.name,
        "unlimited": "true" if token.unlimited_quota else "",
        "quota": as_amount(max(token.remain_quota, 0), ui.options),
        "expires": "never" if token.expired_time == NEVER else "at",
        "expires_at": _local(token.expired_time, current_visit().zone),
        "models": token.models or "",
        "subnet": (token.subnet or "").replace(",", "\n"),
    }
    fixed = ("name", "unlimited", "expires", "expires_at", "models", "subnet")
    return values | {"version": fingerprint({name: values[name] for name in fixed})}


def _local(seconds: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%dT%H:%M") if seconds > 0 else ""
