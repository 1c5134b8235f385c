"""Compare default prices and models with a maintained public source, and take over what is newer.

    scripts/refresh-catalogue                            show what differs, and change nothing
    scripts/refresh-catalogue --provider anthropic       of these tables only
    scripts/refresh-catalogue --write                    take the source's prices over
    scripts/refresh-catalogue --write --add 'claude-*'   and offer its models of these names
    scripts/refresh-catalogue --write --keep --add '*'   or offer new models only, and keep the prices of known ones
    scripts/refresh-catalogue --online                   with today's data instead of the package's

The source is the package genai-prices, which holds its data. Prices that channels set for themselves lie in the
database and are none of this command's business. Models are never removed; a price whose name fits only by a pattern
(marked ?) is taken over only with --loose; one that a person chose, as revised.toml says, is not shown at all.
Exit code: 0 nothing differs or all was written, 1 something differs, 2 it could not be done.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from genai_prices.data_snapshot import get_snapshot
from genai_prices.update_prices import UpdatePrices
from rich.console import Console
from rich.table import Table as Shown
from rich.text import Text

from adapters.pricing.tables import ModelRow
from scripts.refresh_ import rows, tables
from scripts.refresh_.compare import changes
from scripts.refresh_.source import FAMILIES, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genai_prices.data_snapshot import DataSnapshot

    from scripts.refresh_.compare import Change

_ROOT = Path(__file__).resolve().parents[2]
_SHOWN_NAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """What differs in one price table."""

    family: str
    changes: list[Change] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Models that the source has and the table has not."""
    retiring: list[str] = field(default_factory=list)
    """Models of the table that their provider is about to switch off, says the source."""


def main(arguments: Sequence[str] | None = None, *, root: Path = _ROOT, snapshot: DataSnapshot | None = None) -> int:
    """Do what the command line says, in the checkout at `root`, and return the exit code.

    `snapshot`: other data than the package's.
    """
    options = _parser().parse_args(arguments)
    console = Console()
    unknown = sorted(set(options.provider) - FAMILIES.keys())
    if unknown:
        Console(stderr=True).print(f"No such table, or none that the source has: {', '.join(unknown)}")
        return 2
    try:
        source = Source(_online() if options.online else snapshot or get_snapshot(), datetime.now(UTC))
        found = [look(family, root, source) for family in options.provider or FAMILIES]
        _show(console, found, source)
        if not options.write:
            wanted = any(one.changes for one in found)
            return int(wanted or any(_chosen(one.unknown, options.add) for one in found))
        for one in found:
            taken = [] if options.keep else [change for change in one.changes if change.is_sure or options.loose]
            _write(console, one, root, source, taken, patterns=options.add)
        console.print("Now run scripts/docs, and look at the difference that git shows.")
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        Console(stderr=True).print(f"The catalogue could not be refreshed: {error}", markup=False)
        return 2
    return 0


def look(family: str, root: Path, source: Source) -> Refresh:
    """Return what differs in the table `family` of the checkout at `root`."""
    path = _tables(root) / f"{family}.json"
    table = msgspec.json.decode(path.read_bytes(), type=dict[str, ModelRow])
    lower = {model.lower() for model in table}
    chosen = tables.chosen_by_people(path.parent, family)
    return Refresh(
        family=family,
        changes=[
            change
            for change in changes(family, table, source, today=datetime.now(UTC).date())
            if change.model not in chosen
        ],
        unknown=sorted({name for name in source.names(family) if name.lower() not in lower}),
        retiring=[
            model for model in table if (known := source.find(family, model)) and known.is_sure and known.is_retiring
        ],
    )


def _write(
    console: Console, one: Refresh, root: Path, source: Source, taken: list[Change], *, patterns: list[str]
) -> None:
    path = _tables(root) / f"{one.family}.json"
    table = tables.read_table(path)
    tables.changed(table, taken)
    new = []
    for model in _chosen(one.unknown, patterns):
        known = source.find(one.family, model)
        if known is None:
            continue
        try:
            tables.added(table, model, known)
        except tables.NotAddable as why:
            console.print(f"{one.family}: {model} {why}; add it by hand", markup=False)
        else:
            new.append(model)
    if not taken and not new:
        return
    tables.write_table(path, table)
    tables.note_sources(path.parent, one.family, {*new, *(change.model for change in taken)}, source.label)
    touched = rows.offer(root / "adapters" / "providers" / "rows", one.family, new) if new else []
    models = len({change.model for change in taken})
    console.print(
        f"{one.family}: {models} models repriced, {len(new)} added{', in ' if touched else ''}{', '.join(touched)}",
        markup=False,
    )


def _chosen(names: list[str], patterns: list[str]) -> list[str]:
    return [name for name in names if any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)]


def _show(console: Console, found: list[Refresh], source: Source) -> None:
    for one in found:
        if not (one.changes or one.unknown or one.retiring):
            continue
        if one.changes:
            console.print(_table(one))
        for title, names in (("not in our table", one.unknown), ("about to be switched off", one.retiring)):
            if names:
                more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
                console.print(f"{one.family}, {title}: {', '.join(names[:_SHOWN_NAMES])}{more}", markup=False)
        console.print()
    models = len({(change.family, change.model) for one in found for change in one.changes})
    console.print(f"{models} models cost something else, says {source.label}.", markup=False)


def _table(one: Refresh) -> Shown:
    shown = Shown(title=one.family, title_justify="left")
    shown.add_column("model", overflow="fold")
    shown.add_column("figure", no_wrap=True)
    shown.add_column("ours", justify="right")
    shown.add_column("theirs", justify="right")
    for model, changed in groupby(one.changes, key=lambda change: change.model):
        figures = list(changed)
        matched = figures[0].matched
        name = model if matched == model else f"{model}\n{'=' if figures[0].is_sure else '?'} {matched}"
        shown.add_row(
            Text(name),
            Text("\n".join(change.path for change in figures)),
            Text("\n".join(change.ours or "none" for change in figures)),
            Text("\n".join(change.theirs or "none" for change in figures)),
            end_section=True,
        )
    return shown


def _online() -> DataSnapshot:
    try:
        found = UpdatePrices().fetch()
    except Exception as error:  # the library passes on whatever its HTTP client raises
        raise OSError(f"today's data could not be fetched: {error}") from error
    if found is None:
        raise OSError("today's data could not be fetched")
    return found


def _tables(root: Path) -> Path:
    return root / "adapters" / "pricing" / "tables"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/refresh-catalogue", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="TABLE",
        help=f"only this price table; may be repeated: {', '.join(FAMILIES)}",
    )
    parser.add_argument("--write", action="store_true", help="change our tables")
    parser.add_argument(
        "--add", action="append", default=[], metavar="PATTERN", help="with --write: offer new models"
    )
    parser.add_argument("--keep", action="store_true", help="with --write: leave the prices of known models")
    parser.add_argument("--loose", action="store_true", help="with --write: also what fits by a pattern only")
    parser.add_argument("--online", action="store_true", help="fetch today's data from the source's repository")
    return parser


if __name__ == "__main__":
    sys.exit(main())
