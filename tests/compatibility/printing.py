"""The matrix at the end of a run. Loaded for all tests, since the processes that run them have no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.compatibility.matrix import PAGE, Key, as_page, as_text

if TYPE_CHECKING:
    import pytest

WRITE = "--write-page"


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
    if config.getoption(WRITE, default=False):
        if [report for report in failed if "test_client_over_provider" in report.nodeid]:
            terminalreporter.write_line("a cell failed: the page is not written", red=True)
        else:
            PAGE.write_text(as_page(results), encoding="utf-8")
            terminalreporter.write_line(f"wrote {PAGE}")
