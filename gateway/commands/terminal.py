"""Where commands write: standard output for results, standard error for complaints; both are told by the caller."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from typing import TextIO


def _console(stream: TextIO) -> Console:
    # Lines are not wrapped where nobody looks at them: scripts search them.
    return Console(file=stream, highlight=False, markup=False, soft_wrap=not stream.isatty(), emoji=False)


@dataclass(slots=True)
class Terminal:
    """Prints lines, in colour on a terminal."""

    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))

    def say(self, line: str = "") -> None:
        """Print a line of the result."""
        self.out.print(line)

    def heading(self, line: str) -> None:
        """Print a line that begins a part."""
        self.out.print(Text(line, style="bold"))

    def pair(self, name: str, value: str, *, width: int) -> None:
        """Print a name and its value in columns."""
        self.out.print(Text.assemble((f"  {name:<{width}}  ", "dim"), value))

    def good(self, line: str) -> None:
        """Print what is as it should be."""
        self.out.print(Text.assemble(("  ok       ", "green"), line))

    def warn(self, line: str) -> None:
        """Print what deserves attention and stops nothing."""
        self.out.print(Text.assemble(("  warning  ", "bold yellow"), line))

    def bad(self, line: str) -> None:
        """Print what must be put right."""
        self.out.print(Text.assemble(("  wrong    ", "bold red"), line))

    def complain(self, line: str) -> None:
        """Print to standard error."""
        self.err.print(line)
