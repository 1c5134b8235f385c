"""One module per page or family of pages. `PAGES` lists what registers their routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from admin_ui.views import (
    audit,
    channel_bulk,
    channel_form,
    channel_health,
    channels,
    codes,
    cost,
    home,
    joining,
    live,
    models,
    old_addresses,
    playground,
    preferences,
    profile,
    requests,
    routing,
    settings,
    sign_in,
    status,
    system,
    token_bulk,
    tokens,
    topup,
    user_bulk,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Blueprint

    from admin_ui.ui import Ui

PAGES: tuple[Callable[[Blueprint, Ui], None], ...] = (
    audit.register,
    # Before `channels`, whose paths would take its own for a step of a row.
    channel_bulk.register,
    channels.register,
    channel_form.register,
    channel_health.register,
    codes.register,
    cost.register,
    home.register,
    joining.register,
    live.register,
    models.register,
    old_addresses.register,
    playground.register,
    preferences.register,
    profile.register,
    requests.register,
    routing.register,
    settings.register,
    sign_in.register,
    status.register,
    system.register,
    token_bulk.register,
    tokens.register,
    topup.register,
    user_bulk.register,
    users.register,
)
