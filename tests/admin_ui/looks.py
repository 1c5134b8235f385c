"""One page in one look: whole, clean, accessible; and a picture of it for a person to see."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.admin_ui.browser import Reader

Look = tuple[int, str, str]
"""Width, language, theme."""
SHIFT = 0.02
"""More of it is a layout that moves."""
ALL_LOOKS: list[Look] = [(1440, "en", "light"), (390, "zh", "dark"), (1000, "en", "dark"), (390, "en", "light")]
# Two of them have every language, theme and kind of width; `LOOKS=all` before a release looks at all.
LOOKS = ALL_LOOKS if os.environ.get("LOOKS") == "all" else ALL_LOOKS[:2]


def name_of(look: Look) -> str:
    """How a look is called in names of tests and pictures."""
    return "-".join(str(part) for part in look)


def _shifted(one: Reader) -> float:
    """How much of the page moved after it was shown, without anybody's doing."""
    return float(
        one.page.evaluate(
            "() => new Promise(done => { let sum = 0; new PerformanceObserver(list => { for (const e of"
            " list.getEntries()) if (!e.hadRecentInput) sum += e.value; })"
            ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 50); })"
        )
    )


def take_picture(one: Reader, path: str, *, role: str, look: Look, click: str = "") -> None:
    """Keep what is on the screen, to the page's end unless something was opened, if anybody wants pictures."""
    if folder := os.environ.get("SCREENSHOTS"):
        name = re.sub(r"[^a-z0-9]+", "_", f"{path} {click}".lower()).strip("_") or "home"
        one.page.screenshot(path=str(Path(folder) / f"{name}-{role}-{name_of(look)}.png"), full_page=not click)


def faults_of(one: Reader, path: str, *, role: str, look: Look, click: str = "", settle: str = "") -> list[str]:
    """What is wrong with a page, after a click if one is named. `settle`: what shows that its parts have come."""
    one.complaints.clear()
    answer = one.page.goto(path)
    assert answer is not None
    found = [] if answer.status == 200 else [f"status {answer.status}"]
    if click:
        one.page.click(click)
    if settle:
        one.page.wait_for_selector(settle)
    found += one.complaints
    if one.scrolls_sideways():
        found.append("scrolls sideways")
    if one.page.locator("main h1").count() != 1:
        found.append(f"{one.page.locator('main h1').count()} first headings")
    found += one.violations()
    shifted = _shifted(one)
    for _ in range(4):
        # A page that a busy machine painted in pieces is looked at again: what moves by itself moves each time.
        if shifted < SHIFT:
            break
        one.page.goto(path)
        one.page.wait_for_load_state("load")
        shifted = min(shifted, _shifted(one))
    if shifted >= SHIFT:
        found.append(f"moves by {shifted:.3f}")
    take_picture(one, path, role=role, look=look, click=click)
    return [f"{path}: {text}" for text in found]
