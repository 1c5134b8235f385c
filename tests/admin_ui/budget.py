"""What a first visit may cost: bytes on the wire, the time to the first paint, and how much moves afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.admin_ui.browser import reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.admin_ui.browser import Site

BYTES = 150_000
PAINT_MS = 1000
SHIFT = 0.02
TRIES = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit with an empty cache cost."""

    sent: int
    painted_ms: float
    shifted: float


def first_visit(browser: Browser, site: Site, path: str, *, state: Any) -> Visit:
    """Return the quickest of a few first visits: a busy machine makes any one of them slow."""
    best = _visit(browser, site, path, state)
    for _ in range(TRIES - 1):
        if best.painted_ms < PAINT_MS:
            break
        best = min(best, _visit(browser, site, path, state), key=lambda visit: visit.painted_ms)
    return best


def _visit(browser: Browser, site: Site, path: str, state: Any) -> Visit:
    with reader(browser, site, state=state) as one:
        sizes: list[int] = []
        one.page.on("response", lambda r: sizes.append(int(r.headers.get("content-length", "0"))))
        one.page.goto(path, wait_until="networkidle")
        painted, shifted = one.page.evaluate(
            "() => [performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,"
            " performance.getEntriesByType('layout-shift').reduce((sum, e) => sum + e.value, 0)]"
        )
        return Visit(sum(sizes), painted, shifted)
