"""One gateway for the whole matrix, and the matrix itself at the end of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compatibility.house import House, house
from tests.compatibility.matrix import PAGE, Key, as_page, as_text
from tests.support.background import Background, in_background

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRITE = "--write-page"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known when this folder is run by itself."""
    parser.addoption(_WRITE, action="store_true", help="write docs/compatibility.md from this run")


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the matrix of this run, and write the page if that is wanted and every cell is as it should be."""
    results: dict[Key, str] = {}
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in report.user_properties:
            if name == "cell":
                results[value[0]] = value[1]
    if not results:
        return
    terminalreporter.write_sep("=", "official clients over providers")
    for line in as_text(results):
        terminalreporter.write_line(line)
    failed = [name for outcome in ("failed", "error") for name in terminalreporter.stats.get(outcome, ())]
    if config.getoption(_WRITE, default=False):
        if [report for report in failed if "test_client_over_provider" in report.nodeid]:
            terminalreporter.write_line("a cell failed: the page is not written", red=True)
        else:
            PAGE.write_text(as_page(results), encoding="utf-8")
            terminalreporter.write_line(f"wrote {PAGE}")
