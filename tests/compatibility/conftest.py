"""One gateway for the whole matrix, and the matrix itself at the end of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compatibility.house import House, house
from tests.compatibility.matrix import Key, as_text
from tests.support.background import Background, in_background

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background[House]]:
    """Gateway and mock, in a thread of their own."""
    with in_background(house(tmp_path_factory.mktemp("house"))) as running:
        yield running


@pytest.fixture
def here(everything: Background[House]) -> House:
    """The same, with nothing asked yet."""
    everything.value.stage.clear()
    return everything.value


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix of this run."""
    words = {"passed": "yes", "skipped": "-", "failed": "NO", "error": "NO"}
    results: dict[Key, str] = {}
    for outcome, word in words.items():
        for report in terminalreporter.stats.get(outcome, ()):
            if cell := dict(getattr(report, "user_properties", ())).get("cell"):
                results[cell] = word
    if results:
        terminalreporter.write_sep("=", "official clients over providers")
        for line in as_text(results):
            terminalreporter.write_line(line)
