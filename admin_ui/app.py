"""The admin UI as a blueprint: what every request to a page passes, the pages, and what people see when they fail."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app, g, request, session
from werkzeug.exceptions import HTTPException, NotFound

from admin_ui import csrf
from admin_ui.i18n import _, told
from admin_ui.looks import looks_to_bring, write_looks
from admin_ui.ui import Ui, with_query
from admin_ui.views import PAGES, policy_reports, sign_in
from gateway.accounts import refusals
from gateway.accounts.refusals import Refused, TooManyAttempts
from gateway.management import answers, edge
from gateway.management.guard import anybody, guard_of, visitor
from gateway.relay.errors import RelayError
from storage.errors import DatabaseUnavailable, Retryable, StorageError
from storage.records import Role

if TYPE_CHECKING:
    from quart import Quart

    from gateway.management.extension import ControlPlane
    from gateway.services import Services

# Who fetches these does not matter.
_FILES = ("ui.static", "ui.site_logo")
_YEAR = "public, max-age=31536000, immutable"


def install(app: Quart, plane: ControlPlane) -> None:
    """Add the pages to the control plane."""
    ui = Ui(plane)
    area = Blueprint("ui", __name__)
    _install_entry(area, ui)
    _install_assets(area, ui)
    _install_failures(app, area, ui)
    for register in PAGES:
        register(area, ui)
    app.register_blueprint(area)


def _install_entry(area: Blueprint, ui: Ui) -> None:
    @area.before_request
    async def enter() -> None:
        if request.endpoint in _FILES:
            return
        user = g.user if "user" in g else await visitor(ui.services)
        g.looks = await looks_to_bring(ui.services, user)
        ui.begin(user, g.looks)
        # Browsers send reports by themselves, without a form.
        if request.method == "POST" and request.path != policy_reports.PATH:
            await csrf.check()

    @area.after_request
    async def bring_looks(response: Response) -> Response:
        # What a form chose just now is newer.
        if g.get("looks") and request.path != "/preferences":
            write_looks(ui.services, response, g.looks)
        return response


def _install_assets(area: Blueprint, ui: Ui) -> None:
    @area.get("/static/<version>/<path:name>")
    @anybody()
    async def static(version: str, name: str) -> Response:
        found = ui.assets.get(name)
        if found is None:
            raise NotFound
        headers = {
            "Cache-Control": _YEAR if version == ui.assets.version else "no-cache",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        body = found.plain
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            body = found.zipped
            headers["Content-Encoding"] = "gzip"
        return Response(body, content_type=found.content_type, headers=headers)


def _install_failures(app: Quart, area: Blueprint, ui: Ui) -> None:
    def failed(status: int, title: str, text: str, *, wait_s: int = 0) -> Response:
        response = ui.page(
            "pages/failed.html",
            status,
            title=title,
            text=text,
            code=status,
            wait_s=wait_s,
            # What a form sent cannot be asked for again by a link.
            again=request.full_path.rstrip("?") if request.method == "GET" and status in (429, 500, 503) else "",
            request_id=g.get("request_id", ""),
        )
        if wait_s:
            response.headers["Retry-After"] = str(wait_s)
        return response

    def begin() -> None:
        if "visit" not in g:
            ui.begin(g.get("user"))

    @area.errorhandler(Refused)
    async def refused(error: Refused) -> Response:
        begin()
        if error.status == 401:
            session.pop("id", None)
            return _to_sign_in()
        if isinstance(error, refusals.NotFound) or error.status == 404:
            return failed(404, _("There is no such thing"), told(error.message))
        if isinstance(error, TooManyAttempts):
            return failed(429, _("Please wait"), told(error.message), wait_s=error.wait_s)
        if error.status == 403:
            return failed(403, _("This is not for your account"), _reason(error))
        return failed(400, _("That was not done"), told(error.message))

    @area.errorhandler(csrf.ForgedForm)
    async def forged(_error: csrf.ForgedForm) -> Response:
        begin()
        if request.path not in ("/login", "/register") and g.visit.user is None:
            return _to_sign_in()
        return failed(
            400,
            _("This form is too old"),
            _("The page was open when you signed in or out elsewhere. Go back, reload it, and send the form again."),
        )

    @area.errorhandler(RelayError)
    async def limited(_error: RelayError) -> Response:
        begin()
        wait_s = g.get("wait_s", 60)
        sent = await sign_in.too_often(ui, wait_s)
        return sent or failed(429, _("Please wait"), _("Too many requests came from your address."), wait_s=wait_s)

    @area.errorhandler(HTTPException)
    async def http(error: HTTPException) -> Response:
        begin()
        if isinstance(error, NotFound):
            return failed(404, _("There is no such page"), _("Maybe it was moved, or the address has a mistake."))
        return failed(error.code or 400, _("That cannot be read"), _("The browser sent something unexpected."))

    @area.errorhandler(StorageError)
    async def storage(error: StorageError) -> Response:
        begin()
        is_passing = isinstance(error, DatabaseUnavailable | Retryable)
        _tell(ui.services, "warning" if is_passing else "error", "ui.database", str(error))
        if is_passing:
            return failed(503, _("The database is not available"), _("Please try again in a moment."), wait_s=5)
        return failed(500, _("Something went wrong"), _("The database refused this request."))

    @area.errorhandler(Exception)
    async def crashed(error: Exception) -> Response:
        begin()
        trace = "".join(traceback.format_exception(error))
        _tell(ui.services, "error", "ui.crash", type(error).__name__, traceback=trace)
        return failed(500, _("Something went wrong"), _("The fault was logged under the number below."))

    @app.errorhandler(404)
    async def unknown(_error: HTTPException) -> Response:
        if edge.is_api(request.path) or request.path == "/api" or request.method not in ("GET", "HEAD"):
            return answers.no_such_route()
        ui.begin(await visitor(ui.services))
        return failed(404, _("There is no such page"), _("Maybe it was moved, or the address has a mistake."))


def _reason(error: Refused) -> str:
    """Say which role a page is for, to somebody who has another; else what was refused."""
    guard = guard_of(current_app.view_functions.get(request.endpoint or ""))
    if guard is None or "user" not in g or g.user.role >= guard.role:
        return told(error.message)
    return _("This page is for root.") if guard.role >= Role.ROOT else _("This page is for administrators.")


def _tell(services: Services, level: str, name: str, message: str, **fields: object) -> None:
    text = f"{request.method} {request.path}: {message}"
    services.journal.event("error" if level == "error" else "warning", name, text, request_id=g.request_id, **fields)


def _to_sign_in() -> Response:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    where = with_query("/login", next=wanted if wanted != "/" else "", ended="" if wanted else "1")
    if request.headers.get("HX-Request"):
        # A list inside a page asked: the whole page must go.
        return Response(b"", status=200, headers={"HX-Redirect": where})
    return Response(b"", status=303, headers={"Location": where, "Cache-Control": "no-store"})
