"""What the audit keeps of a channel."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from adapters.providers.channel_config import HEADERS
from gateway.audit.trail import differences, note
from gateway.channels.secrets import SECRETS, read_config
from storage.records import ChannelStatus
from storage.repositories.channel_labels import Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from storage.records import Channel

SWITCHED: Final[Mapping[int, str]] = {
    ChannelStatus.ENABLED: "channel.enable",
    ChannelStatus.DISABLED: "channel.disable",
    ChannelStatus.AUTO_DISABLED: "channel.auto-disable",
}

_FIELDS = (
    "name",
    "type",
    "status",
    "base_url",
    "other",
    "models",
    "group",
    "priority",
    "weight",
    "ratelimit",
    "model_mapping",
    "model_configs",
    "system_prompt",
    "testing_model",
    "inference_profile_arn_map",
    "key",
)
# Values of headers that a channel adds are secrets, too.
_SECRET = frozenset(("key", f"config.{HEADERS}", *(f"config.{name}" for name in SECRETS)))


def noted(
    conn: Connection,
    author: Author,
    action: str,
    before: Channel | None,
    after: Channel | None,
    labels: tuple[Label, Label] = (Label(), Label()),
) -> None:
    """Write down what was done to a channel, which one of the two must be. `labels`: its tag and note, too."""
    channel = after or before
    assert channel is not None  # noqa: S101 - callers have at least one
    old, new = (_facts(one) | asdict(label) for one, label in zip((before, after), labels, strict=True))
    changes = differences(old, new, secrets=_SECRET)
    note(conn, author, action, object_id=channel.id, name=channel.name, changes=changes)


def _facts(channel: Channel | None) -> dict[str, object]:
    if channel is None:
        return {}
    config = {f"config.{name}": value for name, value in read_config(channel.config).items()}
    return {name: getattr(channel, name) for name in _FIELDS} | config
