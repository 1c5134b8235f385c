"""What stands above every page of one channel: its name and state, what can be done with it, its tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from admin_ui.i18n import _
from admin_ui.views.channels import OFF, running_by_channel
from gateway.channels import directory, labels, standing
from gateway.channels.balances import has_balance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.providers.provider import Provider
    from admin_ui.ui import Ui
    from gateway.channels.directory import Health
    from gateway.channels.standing import Since
    from storage.records import Channel
    from storage.repositories.channel_labels import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The head of a channel's pages. `tabs`: name, title and address of each."""

    channel: Channel
    provider: Provider | None
    label: Label
    health: Health
    since: Since | None
    running: int
    """Requests that run on, though it is off."""
    tabs: Sequence[tuple[str, str, str]]
    tab: str
    has_balance: bool

    @property
    def path(self) -> str:
        """The address of the page at hand."""
        return next(path for name, _title, path in self.tabs if name == self.tab)


async def frame_of(ui: Ui, channel: Channel, tab: str) -> Frame:
    """Return the head of a page of a channel."""
    here = f"/channels/{channel.id}"
    provider = ui.services.catalogue.provider(channel.type)
    return Frame(
        channel=channel,
        provider=provider,
        label=await labels.read_label(ui.services, channel.id),
        health=directory.health(ui.services, channel),
        since=await standing.since(ui.services, channel),
        running=(await running_by_channel(ui))[channel.id] if channel.status in OFF else 0,
        tabs=[
            ("summary", _("Summary"), here),
            ("models", _("Models"), f"{here}/models"),
            ("settings", _("Settings"), f"{here}/edit"),
            ("keys", _("Keys"), f"{here}/keys"),
            ("requests", _("Requests"), f"{here}/requests"),
            ("history", _("History"), f"{here}/history"),
        ],
        tab=tab,
        has_balance=provider is not None and has_balance(provider),
    )


def tint_of(provider: Provider) -> int:
    """Return which of seven colours stands for a provider."""
    return provider.id % 7 + 1


def letters_of(provider: Provider) -> str:
    """Return the two letters that stand for a provider where others would have a picture."""
    capitals = "".join(letter for letter in provider.name if letter.isascii() and letter.isupper())
    return capitals[:2] if len(capitals) > 1 else provider.name[:2]
