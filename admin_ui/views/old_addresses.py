"""Addresses of one-api's dashboards, which people have in bookmarks and mails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.management.guard import anybody

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui

_MOVED = {
    "/dashboard": "/",
    "/home": "/",
    "/panel": "/",
    "/log": "/requests",
    "/logs": "/requests",
    "/channel": "/channels",
    "/channels/add": "/channels/new",
    "/channel/add": "/channels/new",
    "/token": "/tokens",
    "/tokens/add": "/tokens/new",
    "/token/add": "/tokens/new",
    "/user": "/users",
    "/users/add": "/users/new",
    "/user/add": "/users/new",
    "/user/edit": "/profile",
    "/users/edit": "/profile",
    "/redemption": "/codes",
    "/redemptions": "/codes",
    "/redemption/add": "/codes/new",
    "/redemptions/add": "/codes/new",
    "/setting": "/settings",
}
_MOVED_ROWS = {
    "/channels/edit/<number>": "/channels/{number}/edit",
    "/channel/edit/<number>": "/channels/{number}/edit",
    "/tokens/edit/<number>": "/tokens/{number}",
    "/token/edit/<number>": "/tokens/{number}",
    "/users/edit/<number>": "/users/{number}",
    "/user/edit/<number>": "/users/{number}",
    "/redemptions/edit/<number>": "/codes/{number}",
    "/redemption/edit/<number>": "/codes/{number}",
}


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    for old, new in _MOVED.items():
        _move(area, ui, old, new)
    for old, new in _MOVED_ROWS.items():
        _move_row(area, ui, old, new)


def _move(area: Blueprint, ui: Ui, old: str, new: str) -> None:
    @area.get(old, endpoint=f"moved{old.replace('/', '_')}")
    @anybody()
    async def moved() -> Response:
        return ui.go(new)


def _move_row(area: Blueprint, ui: Ui, old: str, new: str) -> None:
    @area.get(old, endpoint=f"moved_row{old.split('<', 1)[0].replace('/', '_')}")
    @anybody()
    async def moved(number: str) -> Response:
        return ui.go(new.format(number=number) if number.isdigit() else new.split("/{", 1)[0])
