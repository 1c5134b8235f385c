"""What views are given: the services, templates, assets, and a few ways to answer."""

from __future__ import annotations

import gzip
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from quart import Response, g, request, session

from admin_ui import csrf, nav, shown
from admin_ui.assets import Assets, load_assets
from admin_ui.forms import in_field_order
from admin_ui.health_bars import health_paths, shade
from admin_ui.i18n import LANGUAGES, _, _n, load_catalogues, said, told
from admin_ui.lists import is_ticked
from admin_ui.markdown import in_line, origin_of, rendered
from admin_ui.trail_words import role_word, value_word
from admin_ui.visit import DENSITIES, THEMES, Visit, current_visit, read_visit
from gateway.registry.option_specs import DEFAULT_SERVER_ADDRESS
from gateway.site.about import product_version
from storage.records import ChannelStatus, RedemptionStatus, Role, TokenStatus, UserStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.accounts.refusals import Refused
    from gateway.management.extension import ControlPlane
    from gateway.registry.options import Options
    from gateway.services import Services
    from storage.records import User

Kind = Literal["ok", "bad", "info"]

HTML_TYPE = "text/html; charset=utf-8"
WEAK = "weak"
"""Session member: this person signed in with the default password."""

_NOTES = "notes"
# A page is sent once and read once: the cheap level already takes four fifths.
_GZIP_LEVEL = 4
_ONCE_S = 900.0
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "report-uri": "/csp-report",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Encoding, Cookie, HX-Request",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Undo:
    """A form that takes back what was just done: where it is posted to, and with what."""

    action: str
    fields: Mapping[str, str]


class Ui:
    """Made once for each application."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.services: Services = plane.services
        self.assets: Assets = load_assets()
        self.catalogues = load_catalogues()
        self._templates = _environment(self)

    @property
    def options(self) -> Options:
        """The site's options as they are now."""
        return self.services.registry.current.options

    def begin(self, user: User | None, looks: Mapping[str, str] | None = None) -> Visit:
        """Note who reads the request at hand; texts and pages need that. `looks` go before what cookies say."""
        visit = read_visit(user, looks or {}, self.options)
        g.visit = visit
        g.catalogue = self.catalogues[visit.language]
        return visit

    @property
    def address(self) -> str:
        """Where programs reach this site: as its options say or, before anybody set them, as the reader did."""
        known = self.options.server_address
        return known if known != DEFAULT_SERVER_ADDRESS else f"{g.client.scheme}://{request.host}"

    def money(self, units: int) -> str:
        """Write quota units as the site shows them."""
        return shown.money(units, self.options)

    def page(
        self,
        template: str,
        /,
        status: int = 200,
        *,
        frames: str = "",
        images: str = "",
        scripts: str = "",
        **context: object,
    ) -> Response:
        """Render a page. `frames`, `images` and `scripts` are addresses whose origins this one page may embed."""
        visit = current_visit()
        notes = session.pop(_NOTES, [])
        html = self._templates.get_template(template).render(
            visit=visit, viewer=visit.user, path=request.path, back_here=_here(), notes=notes, **context
        )
        return self.html(in_field_order(html), status, frames=frames, images=images, scripts=scripts)

    def html(
        self, html: str, status: int = 200, *, frames: str = "", images: str = "", scripts: str = ""
    ) -> Response:
        """Answer with HTML that is already there, under the content policy, compressed."""
        policy = dict(_POLICY)
        wanted = (
            ("frame-src", frames),
            ("script-src", scripts),
            ("img-src", images),
            ("img-src", self.options.text("Logo")),
        )
        for name, address in wanted:
            origin = origin_of(address)
            if origin:
                policy[name] = f"{policy.get(name, '')} {origin}".strip()
        headers = _HEADERS | {"Content-Security-Policy": "; ".join(f"{n} {v}" for n, v in policy.items())}
        body = html.encode()
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if current_visit().user is not None:
            # For whoever finds a page slow: the rest is the network.
            headers["Server-Timing"] = f"app;dur={(time.perf_counter() - g.began) * 1000:.1f}"
        return Response(body, status=status, content_type=HTML_TYPE, headers=headers)

    def note(self, text: str, *, kind: Kind = "ok", undo: Undo | None = None) -> None:
        """Show a message on the next page."""
        notes = list(session.get(_NOTES, []))
        entry: dict[str, object] = {"text": text, "kind": kind}
        if kind == "bad":
            entry["request_id"] = g.get("request_id", "")
        if undo is not None:
            entry |= {"action": undo.action, "fields": dict(undo.fields)}
        session[_NOTES] = [*notes[-4:], entry]

    def go(self, path: str, *, note: str = "", kind: Kind = "ok", undo: Undo | None = None) -> Response:
        """Lead on to a page of ours after something was done."""
        if note:
            self.note(note, kind=kind, undo=undo)
        return Response(b"", status=303, headers={"Location": path, "Cache-Control": "no-store"})

    def refused(self, path: str, error: Refused) -> Response:
        """Lead back to a page of ours and say why something was not done."""
        return self.go(path, note=told(error.message), kind="bad")

    async def is_first(self, once: str) -> bool:
        """Whether a form is sent for the first time; a double click sends it twice."""
        if not once:
            return True
        return await self.services.windows.hit(f"ui:once:{once[:40]}", limit=1, window_s=_ONCE_S)


def local_path(text: str, default: str = "/") -> str:
    """Return a path of this site, or `default` for anything that could lead elsewhere."""
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if fits else default


def with_query(path: str, **values: object) -> str:
    """Return a path with a query; empty values are left out."""
    query = urlencode({name: value for name, value in values.items() if value not in ("", None)})
    return f"{path}?{query}" if query else path


def _here() -> str:
    """Return where somebody comes back to who changes how pages look; what was posted is not repeated."""
    return request.full_path.rstrip("?") if request.method == "GET" else request.path


def _environment(ui: Ui) -> Environment:
    environment = Environment(
        loader=PackageLoader("admin_ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sprite = ui.assets.url("vendor/lucide/icons.svg")

    @lru_cache(maxsize=1024)
    def icon(name: str, label: str = "") -> Markup:
        # A page of a long list has a thousand of these.
        mood = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
        return Markup('<svg class="icon" {} width="16" height="16"><use href="{}#{}"></use></svg>').format(
            mood, sprite, name
        )

    environment.globals.update(
        _=_,
        _n=_n,
        said=said,
        told=told,
        asset=ui.assets.url,
        icon=icon,
        csrf_token=csrf.token,
        once=lambda: secrets.token_hex(8),
        site=lambda: ui.options,
        site_address=lambda: ui.address,
        session_left=lambda: getattr(session, "left_s", 0),
        is_draining=lambda: ui.services.phase.state != "serving",
        newer_release=lambda: ui.plane.outside.releases.newer,
        is_alone=lambda: ui.plane.live.is_degraded,
        is_weak=lambda: bool(session.get(WEAK)),
        money=ui.money,
        number=shown.number,
        written=shown.written,
        dollars=shown.dollars,
        short=shown.short,
        when=lambda seconds: shown.when(seconds, current_visit().zone),
        clock=lambda seconds: shown.clock(seconds, current_visit().zone),
        changed=shown.changed,
        bucket=lambda seconds: shown.bucket(seconds, current_visit().zone),
        moment=lambda seconds: shown.moment(seconds, current_visit().zone),
        duration=shown.duration,
        attributes=shown.attributes,
        health_paths=health_paths,
        health_shade=shade,
        is_ticked=is_ticked,
        role_word=role_word,
        value_word=partial(value_word, ui.services.catalogue),
        markdown=rendered,
        in_line=in_line,
        with_query=with_query,
        translated=lambda choices: [(value, _(word)) for value, word in choices],
        pairs=lambda names: [(name, name) for name in names],
        named_roles=lambda roles: [(int(role), role_word(int(role))) for role in roles],
        rail=nav.RAIL,
        rail_foot=nav.FOOT,
        rail_bar=nav.BAR,
        is_here=nav.is_here,
        serves=lambda path: path in ui_paths(),
        version=product_version(),
        languages=LANGUAGES,
        themes=THEMES,
        densities=DENSITIES,
        Role=Role,
        UserStatus=UserStatus,
        TokenStatus=TokenStatus,
        ChannelStatus=ChannelStatus,
        RedemptionStatus=RedemptionStatus,
    )
    return environment


def ui_paths() -> frozenset[str]:
    """Return the addresses without parameters that the application at hand serves."""
    from quart import current_app  # noqa: PLC0415 - the view's own application

    known = current_app.extensions.get("admin_ui_paths")
    if known is None:
        known = frozenset(rule.rule for rule in current_app.url_map.iter_rules() if "GET" in (rule.methods or ()))
        current_app.extensions["admin_ui_paths"] = known
    paths: frozenset[str] = known
    return paths
