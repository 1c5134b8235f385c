"""What browsers report of breaches of the content policy: an event each, which the metrics count.

Anybody may send one (browsers send them without cookies), so they are small, few, and taken for hearsay.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from quart import Response, g, request

from gateway.management.guard import anybody

if TYPE_CHECKING:
    from quart import Blueprint

    from admin_ui.ui import Ui

PATH = "/csp-report"
_LONGEST = 8192
_A_MINUTE = 20
_SHOWN = 200


def register(area: Blueprint, ui: Ui) -> None:
    """Add the route."""

    @area.post(PATH)
    @anybody()
    async def policy_report() -> Response:
        if (request.content_length or _LONGEST + 1) > _LONGEST:
            return Response(b"", status=413)
        report = _read(await request.data)
        if report is None:
            return Response(b"", status=400)
        if await ui.services.windows.hit(f"ui:policy:{g.client.address}", limit=_A_MINUTE, window_s=60.0):
            ui.services.journal.event("warning", "ui.policy", "a browser refused a part of a page", **report)
        return Response(b"", status=204)


def _read(body: str | bytes) -> dict[str, str] | None:
    try:
        report = json.loads(body)["csp-report"]
        names = {"document-uri": "page", "effective-directive": "directive", "blocked-uri": "blocked"}
        return {ours: _plain(report.get(theirs, "")) for theirs, ours in names.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _plain(value: object) -> str:
    """Return a text without its query, which may hold what nobody should log."""
    text = str(value).partition("?")[0].partition("#")[0][:_SHOWN]
    return "".join(character for character in text if character.isprintable())
