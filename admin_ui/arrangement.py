"""How a list is arranged for its reader: which columns it shows, and views of it, built in and saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from admin_ui.visit import current_visit
from gateway.accounts.preferences import Liking, read_liking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from admin_ui.ui import Ui

# What a page of a list is no view of: where one is in it, and how much is shown at once.
_PASSING = frozenset({"page", "size", "at", "dir"})


class _Query(Protocol):
    def link(self, /, **changes: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Column:
    """A column that may be hidden. `usual` columns are shown to those who chose nothing."""

    name: str
    title: str
    """Already in the reader's language."""
    usual: bool = True


@dataclass(frozen=True, slots=True)
class View:
    """A way to look at a list. `wishes` is the query of its address."""

    title: str
    link: str
    is_here: bool
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """One list as its reader wants it."""

    name: str
    here: str
    """The address at hand, without the place in the list."""
    columns: Sequence[Column]
    views: Sequence[View]
    shown: frozenset[str]

    def shows(self, column: str) -> bool:
        """Whether a column is shown. Those that cannot be hidden are not asked about."""
        return column in self.shown

    @property
    def known(self) -> str:
        """All columns for a form; the usual ones carry a `+`."""
        return " ".join(f"{'+' if column.usual else ''}{column.name}" for column in self.columns)

    @property
    def is_new(self) -> bool:
        """Whether what is looked at could be kept as a view: it is narrowed or sorted, and no view yet."""
        return "?" in self.here and not any(view.is_here for view in self.views)


async def arrange(
    ui: Ui,
    name: str,
    query: _Query,
    *,
    path: str,
    columns: Sequence[Column] = (),
    views: Sequence[tuple[str, Mapping[str, object]]] = (),
) -> Arrangement:
    """Return how the reader at hand has the list `name`, which is at `path`.

    `views` are the built-in ones: a title in the reader's language, and the query of each; the whole list has none.
    """
    user = current_visit().user
    liking = await read_liking(ui.services, user.id, name) if user is not None else Liking()
    here = wishes_of(query.link())
    found = [_view(path, title, {k: str(v) for k, v in wishes.items()}, here) for title, wishes in views]
    found += [
        _view(path, title, dict(parse_qsl(text)), here, own=True)
        for title, text in sorted(liking.views.items(), key=lambda item: item[0].lower())
    ]
    usual = {column.name for column in columns if column.usual}
    known = {column.name for column in columns}
    return Arrangement(
        name=name,
        here=_address(path, here),
        columns=columns,
        views=found,
        shown=frozenset((usual - liking.hidden) | (liking.shown & known)),
    )


def wishes_of(address: str) -> dict[str, str]:
    """Return what an address of a list asks for, whatever page of it."""
    return {name: value for name, value in parse_qsl(urlsplit(address).query) if name not in _PASSING}


def _view(path: str, title: str, wishes: Mapping[str, str], here: Mapping[str, str], *, own: bool = False) -> View:
    return View(title, _address(path, wishes), dict(wishes) == dict(here), own)


def _address(path: str, wishes: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(wishes)}" if wishes else path
