"""The rail: what there is, in groups, for whom. An entry shows up once a view serves its address."""

from __future__ import annotations

from dataclasses import dataclass

from admin_ui.i18n import mark
from storage.records import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `key` is the second letter of its keyboard shortcut, after `g`."""

    path: str
    title: str
    icon: str
    role: int = Role.USER
    key: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading."""

    title: str
    entries: tuple[Entry, ...]


RAIL: tuple[Group, ...] = (
    Group("", (Entry("/", mark("Overview"), "gauge", key="o"),)),
    Group(
        mark("Traffic"),
        (
            Entry("/requests", mark("Requests"), "list", key="r"),
            Entry("/live", mark("Live"), "activity", key="l"),
            Entry("/cost", mark("Cost"), "chart", key="b"),
        ),
    ),
    Group(
        mark("Supply"),
        (
            Entry("/channels", mark("Channels"), "plug", Role.ADMIN, "c"),
            Entry("/models", mark("Models and prices"), "boxes", key="m"),
            Entry("/routing", mark("Routing"), "route", Role.ADMIN, "x"),
        ),
    ),
    Group(
        mark("Demand"),
        (
            Entry("/tokens", mark("Tokens"), "key", key="t"),
            Entry("/users", mark("Users"), "users", Role.ADMIN, "u"),
            Entry("/codes", mark("Codes"), "ticket", Role.ADMIN, "d"),
            Entry("/budgets", mark("Budgets"), "coins"),
        ),
    ),
    Group(mark("Try"), (Entry("/playground", mark("Playground"), "play", key="p"),)),
    Group(
        mark("System"),
        (
            Entry("/settings", mark("Settings"), "settings", Role.ROOT, "s"),
            Entry("/audit", mark("Audit"), "history", Role.ADMIN),
            Entry("/system", mark("Diagnostics"), "stethoscope", Role.ROOT),
        ),
    ),
)

FOOT: tuple[Entry, ...] = (
    Entry("/topup", mark("Top up"), "wallet"),
    Entry("/chat", mark("Chat"), "message"),
    Entry("/status", mark("Status"), "zap"),
    Entry("/about", mark("About"), "info"),
    Entry("/help", mark("Help"), "keyboard"),
)

BAR: tuple[str, ...] = ("/", "/requests", "/channels", "/tokens", "/cost")
"""Entries of the bottom bar on phones, as far as the reader may see them."""


def is_here(entry: Entry, path: str) -> bool:
    """Whether `path` belongs to this entry."""
    return path == entry.path or (entry.path != "/" and path.startswith(f"{entry.path}/"))
