"""The page that a browser finds where there is no other: what this is, and where to go."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from quart import Response

from gateway.site.about import product_version

if TYPE_CHECKING:
    from gateway.config.settings import Settings
    from gateway.services import Services

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem;
color: CanvasText; background: Canvas; color-scheme: light dark }}
h1 {{ margin: 0 }} p.version {{ margin: 0 0 2rem; opacity: .7 }} code {{ background: #8882; padding: .1em .3em }}
</style>
</head>
<body>
<main>
<h1>{name}</h1>
<p class="version">One API {version}</p>
<p>This is an API gateway. Programs reach it with an API key at <code>{address}/v1</code>.
Its state is at <a href="/api/status">/api/status</a>, its API is described at <a href="/api/docs">/api/docs</a>.</p>
<p>How to set it up and use it is described in the documentation that comes with the program,
in <code>docs/</code>.</p>
</main>
</body>
</html>
"""


def frontend_elsewhere(settings: Settings) -> str:
    """Return where this process sends those who look for pages, without a slash at the end; empty: it has its own."""
    return "" if settings.is_master else settings.frontend_base_url.rstrip("/")


def page(services: Services) -> Response:
    """Return the page."""
    options = services.registry.current.options
    text = _PAGE.format(
        name=escape(options.text("SystemName")),
        version=escape(product_version()),
        address=escape(options.server_address),
    )
    return Response(
        text,
        content_type="text/html; charset=utf-8",
        headers={
            "Cache-Control": "no-cache",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        },
    )
