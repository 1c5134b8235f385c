"""What may be changed in many channels at once, as pure functions: a preview shows exactly what is written later.

A `Change` says what becomes of one channel: columns and their new values, and `tag`, which has a table of its own.
It raises `Refused` for a channel that cannot have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused
from gateway.channels.labels import check_label
from storage.records import Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Change = Callable[[Channel], dict[str, object]]

COPIED: Final = (
    "models",
    "group",
    "model_mapping",
    "model_configs",
    "ratelimit",
    "system_prompt",
    "priority",
    "weight",
)
"""What may be copied from one channel to others."""
_LONGEST_GROUPS = 32
_LONGEST_MODEL = 191


def to_priority(number: int) -> Change:
    """Give channels a priority."""
    return lambda _channel: {"priority": number}


def to_weight(number: int) -> Change:
    """Give channels a weight."""
    if number < 0:
        raise Refused("weight cannot be negative")
    return lambda _channel: {"weight": number}


def to_tag(tag: str) -> Change:
    """Give channels a tag; an empty one takes theirs away."""
    check_label(tag, None)
    return lambda _channel: {"tag": tag.strip()}


def to_testing_model(model: str) -> Change:
    """Have channels tested with a model; empty: whichever is best."""

    def change(channel: Channel) -> dict[str, object]:
        if model and model not in split(channel.models):
            raise Refused(f"{channel.name} does not have the model {model}")
        return {"testing_model": model or None}

    return change


def together(*parts: Change) -> Change:
    """Do several things to channels."""
    return lambda channel: {name: value for part in parts for name, value in part(channel).items()}


def with_names(column: str, names: Sequence[str]) -> Change:
    """Add models or groups (`column` is `models` or `group`) to channels that lack them."""
    return _names(column, lambda present: [*present, *(n for n in names if n not in present)])


def check_groups(names: Sequence[str], known: Collection[str]) -> None:
    """Refuse groups that the site does not have: nobody could ever be served by them."""
    for name in names:
        if name not in known:
            raise Refused(f"There is no such group: {name[:60]}")


def without_names(column: str, names: Sequence[str]) -> Change:
    """Take models or groups away from channels."""
    return _names(column, lambda present: [name for name in present if name not in names])


def to_names(column: str, names: Sequence[str]) -> Change:
    """Replace the models or groups of channels."""
    return _names(column, lambda _present: list(names))


def copied_from(source: Channel, fields: Sequence[str]) -> Change:
    """Give channels what another one has, in those of `COPIED` that are named."""
    values = {name: getattr(source, name) for name in COPIED if name in fields}
    if not values:
        raise Refused("name at least one thing to copy")

    def change(channel: Channel) -> dict[str, object]:
        return _tested_with_its_own(channel, dict(values)) if channel.id != source.id else {}

    return change


def split(text: str) -> list[str]:
    """Return the names in a list that is written with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _names(column: str, rule: Callable[[list[str]], list[str]]) -> Change:
    def change(channel: Channel) -> dict[str, object]:
        names = list(dict.fromkeys(rule(split(getattr(channel, column)))))
        text = ",".join(names)
        if column == "group" and (not text or len(text) > _LONGEST_GROUPS):
            raise Refused(f"{channel.name}: a channel needs a group, and their list may have 32 characters")
        if any(len(name) > _LONGEST_MODEL for name in names):
            raise Refused(f"a model name may have {_LONGEST_MODEL} characters")
        return _tested_with_its_own(channel, {column: text})

    return change


def _tested_with_its_own(channel: Channel, values: dict[str, object]) -> dict[str, object]:
    """A channel is tested with one of its models; one that it loses cannot be it any longer."""
    models = values.get("models")
    if isinstance(models, str) and channel.testing_model and channel.testing_model not in split(models):
        values["testing_model"] = None
    return values
