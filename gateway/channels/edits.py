"""Making, changing and removing channels. Abilities follow in the same transaction, the registry right after it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from adapters.pricing.model_configs import InvalidModelConfigs, validate_model_configs
from adapters.providers.channel_config import ConfigError, check_config
from gateway.accounts.clock import now_ms, now_s
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.transactions import commit
from gateway.channels.key_rules import check_ring
from gateway.channels.labels import check_label, write_label
from gateway.channels.mapping import check_mapping, read_mapping
from gateway.channels.secrets import read_config, with_kept_secrets
from gateway.channels.trail import SWITCHED, noted
from storage.records import Channel, ChannelStatus
from storage.repositories import abilities, channel_keys, channels, ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services
    from storage.repositories.rows import Page, Sort

_NULLABLE = (
    "weight",
    "base_url",
    "other",
    "model_configs",
    "model_mapping",
    "priority",
    "system_prompt",
    "ratelimit",
    "testing_model",
    "model_ratio",
    "completion_ratio",
    "inference_profile_arn_map",
)
"""Written whenever they are present; all other members only when they are not empty."""
LABELS = ("tag", "note")
"""Members that are no columns of the channel's own table; written whenever they are present."""

_LONGEST_NAME = 191
_LONGEST_GROUPS = 32
_LONGEST_MODEL = 191
_LONGEST_TESTING_MODEL = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEdit:
    """What an administrator writes to a channel; `None` keeps what is there."""

    type: int | None = None
    key: str | None = None
    status: int | None = None
    name: str | None = None
    weight: int | None = None
    base_url: str | None = None
    other: str | None = None
    models: str | None = None
    model_configs: str | None = None
    group: str | None = None
    model_mapping: str | None = None
    priority: int | None = None
    config: str | None = None
    system_prompt: str | None = None
    ratelimit: int | None = None
    testing_model: str | None = None
    model_ratio: str | None = None
    completion_ratio: str | None = None
    inference_profile_arn_map: str | None = None
    tag: str | None = None
    note: str | None = None


async def list_channels(services: Services, page: Page, sort: Sort) -> tuple[list[Channel], int]:
    """Return one page of channels and their number."""
    return await services.database.read(lambda conn: channels.page(conn, page, sort))


async def search_channels(
    services: Services, keyword: str, sort: Sort, page: Page | None
) -> tuple[list[Channel], int]:
    """Find channels by number or by the beginning of their name."""
    return await services.database.read(lambda conn: channels.search(conn, keyword, sort, page))


async def read_channel(services: Services, channel_id: int) -> Channel:
    """Return one channel, with its key."""
    return found(await services.database.read(lambda conn: channels.by_id(conn, channel_id)), channel_id)


async def create_channels(
    services: Services, author: Author, new: ChannelEdit, *, numbered: bool = False, in_turn: bool = False
) -> list[int]:
    """Make one channel for each line of the key, and return their ids.

    `numbered`: if there are several, their names end in a number each. `in_turn`: one channel that uses all of them.
    """
    if not (new.name or "").strip():
        raise Refused("Channel name is required")
    keys = [line.strip() for line in (new.key or "").splitlines() if line.strip()]
    check_edit(services, new)
    provider = services.catalogue.provider(new.type or 0)
    if provider is None:
        raise Refused(f"unknown channel type {new.type or 0}")
    if not keys:
        raise Refused("a channel needs a key")
    others: list[str] = []
    if in_turn:
        keys = list(dict.fromkeys(keys))
        check_ring(provider, read_config(new.config or ""), keys)
        keys, others = keys[:1], keys[1:]
    values = _values(new) | {
        "base_url": new.base_url or provider.base_url.rstrip("/"),
        "status": new.status or ChannelStatus.ENABLED,
        "group": new.group or "default",
        "models": new.models or "",
        "config": new.config or "",
        "weight": new.weight or 0,
        "priority": new.priority or 0,
        "ratelimit": new.ratelimit or 0,
        "created_time": now_s(),
        "created_at": now_ms(),
    }
    if new.testing_model not in _names(new.models):
        values["testing_model"] = None

    def work(conn: Connection) -> list[int]:
        ids = []
        for number, key in enumerate(keys, 1):
            name = f"{new.name} {number}" if numbered and len(keys) > 1 else new.name
            channel_id = channels.add(conn, _FRESH | values | {"key": key, "name": name})
            ids.append(channel_id)
            # An id that was another channel's once: that one's keys are not for this address.
            channel_keys.forget(conn, [channel_id])
            if others:
                channel_keys.add(conn, channel_id, ["", *others], now_ms=now_ms())
            ledger.post(conn, kind=ledger.OPENING, at_ms=now_ms(), channel_id=channel_id, note="new channel")
            made = found(channels.by_id(conn, channel_id), channel_id)
            abilities.rebuild(conn, made, now_ms=now_ms())
            labels = write_label(conn, channel_id, new.tag, new.note)
            noted(conn, author, "channel.create", None, made, labels)
        return ids

    ids = await commit(services, work)
    await services.registry.refresh()
    return ids


_FRESH: dict[str, object] = {
    "test_time": 0,
    "response_time": 0,
    "balance": 0,
    "balance_updated_time": 0,
    "used_quota": 0,
}


async def update_channel(services: Services, author: Author, channel_id: int, edit: ChannelEdit) -> Channel:
    """Write a channel and return it."""
    if not (edit.name or "").strip():
        raise Refused("Channel name cannot be empty")
    _check_id(channel_id)
    check_edit(services, edit)
    if edit.type and services.catalogue.provider(edit.type) is None:
        raise Refused(f"unknown channel type {edit.type}")

    def work(conn: Connection) -> Channel:
        before = found(channels.locked(conn, channel_id), channel_id)
        values = _values(edit)
        if edit.config:
            values["config"] = with_kept_secrets(edit.config, before.config)
        channels.change(conn, channel_id, values)
        changed = found(channels.by_id(conn, channel_id), channel_id)
        _check_keys(services, conn, before, changed)
        if changed.testing_model is not None and changed.testing_model not in _names(changed.models):
            channels.change(conn, channel_id, {"testing_model": None})
            changed = found(channels.by_id(conn, channel_id), channel_id)
        abilities.rebuild(conn, changed, now_ms=now_ms())
        labels = write_label(conn, channel_id, edit.tag, edit.note)
        noted(conn, author, "channel.update", before, changed, labels)
        return changed

    changed = await commit(services, work)
    await services.registry.refresh()
    return changed


def _check_keys(services: Services, conn: Connection, before: Channel, after: Channel) -> None:
    """Refuse another type or sign-in that the channel's further keys are none for."""
    if (before.type, before.config) == (after.type, after.config):
        return
    others = [row.key for row in channel_keys.of_channel(conn, after.id) if not row.is_first and not row.is_locked]
    provider = services.catalogue.provider(after.type)
    if others and provider is not None:
        check_ring(provider, read_config(after.config), others)


async def switch_channel(services: Services, author: Author, channel_id: int, status: int) -> None:
    """Change only a channel's state."""
    if channel_id == 0:
        raise Refused("Channel id is required")
    _check_id(channel_id)
    _check_status(status)

    def work(conn: Connection) -> None:
        before = found(channels.locked(conn, channel_id), channel_id)
        channels.change(conn, channel_id, {"status": status, "updated_at": now_ms()})
        noted(conn, author, SWITCHED[status], before, replace(before, status=status))
        abilities.switch(conn, channel_id, enabled=status == ChannelStatus.ENABLED, now_ms=now_ms())

    await commit(services, work)
    await services.registry.refresh()


def found(channel: Channel | None, channel_id: int) -> Channel:
    """Return `channel`, or raise `NotFound` when there is none."""
    if channel is None:
        raise _unknown(channel_id)
    return channel


def _unknown(channel_id: int) -> NotFound:
    return NotFound(f"channel {channel_id} was not found")


def _values(edit: ChannelEdit) -> dict[str, object]:
    values: dict[str, object] = {"updated_at": now_ms()}
    for field in fields(edit):
        if field.name in LABELS:
            continue
        value = getattr(edit, field.name)
        if value if field.name not in _NULLABLE else value is not None:
            values[field.name] = value
    return values


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _check_id(channel_id: int) -> None:
    if channel_id <= 0:
        raise _unknown(channel_id)


def _check_status(status: int) -> None:
    if status not in (ChannelStatus.ENABLED, ChannelStatus.DISABLED, ChannelStatus.AUTO_DISABLED):
        raise Refused("the status must be 1 (enabled), 2 (disabled) or 3 (disabled automatically)")


def check_edit(_services: Services, edit: ChannelEdit) -> None:
    """Refuse what the tables or the relay could not take."""
    check_values(edit)


def check_values(edit: ChannelEdit) -> None:
    """Do the same for who has no services at hand."""
    if len(edit.name or "") > _LONGEST_NAME:
        raise Refused("Channel name is too long")
    check_label(edit.tag, edit.note)
    if edit.status:
        _check_status(edit.status)
    if len(edit.group or "") > _LONGEST_GROUPS:
        raise Refused(f"the list of groups may have {_LONGEST_GROUPS} characters")
    if any(len(name) > _LONGEST_MODEL for name in _names(edit.models)):
        raise Refused(f"a model name may have {_LONGEST_MODEL} characters")
    if len(edit.testing_model or "") > _LONGEST_TESTING_MODEL:
        raise Refused("the testing model's name is too long")
    for name in ("weight", "ratelimit"):
        if (getattr(edit, name) or 0) < 0:
            raise Refused(f"{name} cannot be negative")
    if edit.base_url and not edit.base_url.startswith(("http://", "https://")):
        raise Refused("base_url must begin with http:// or https://")
    for name in ("model_mapping", "config"):
        text = getattr(edit, name)
        if text and not isinstance(_json(text), dict):
            raise Refused(f"{name} must be a JSON object")
    check_mapping(read_mapping(edit.model_mapping))
    try:
        check_config(read_config(edit.config or ""))
    except ConfigError as error:
        raise Refused(f"config: {error}") from error
    if edit.model_configs and edit.model_configs.strip():
        try:
            validate_model_configs(_json(edit.model_configs) or {})
        except InvalidModelConfigs as error:
            raise Refused(str(error)) from error
    _check_profile_map(edit.inference_profile_arn_map)


def _check_profile_map(text: str | None) -> None:
    if not text:
        return
    table = _json(text)
    if not isinstance(table, dict):
        raise Refused("Invalid inference profile ARN map: invalid JSON format: a JSON object is needed")
    if any(not isinstance(value, str) for value in table.values()):
        raise Refused("Invalid inference profile ARN map: invalid JSON format: values must be texts")
    if any(not name.strip() for name in table):
        raise Refused("Invalid inference profile ARN map: inference profile ARN map cannot contain empty model names")
    if any(not value.strip() for value in table.values()):
        raise Refused("Invalid inference profile ARN map: inference profile ARN map cannot contain empty values")


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return "not JSON"
    return value
