"""What applying a file would do: a pure comparison of the file with what is in force, shown before anything is done.

Channels are known by their name, or by their `id` where several have one name. What the file does not have stays,
unless it is asked to go.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from adapters.providers.channel_config import HEADERS
from gateway.accounts.refusals import Refused
from gateway.channels.edits import ChannelEdit, check_values
from gateway.channels.secrets import BLANK, SECRETS, read_config, with_kept_secrets
from gateway.registry.option_specs import OPTION_SPECS
from gateway.registry.options import Options
from gateway.site.configuration.document import STATES
from gateway.site.configuration.state import APART, all_channels, comparable, settings_in_force
from gateway.site.option_batch import OptionsRefused, checked_options
from storage.repositories import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy import Connection

    from adapters.providers.catalogue import Catalogue
    from gateway.site.configuration.document import Document, Entry
    from storage.records import Channel

Part = Literal["setting", "group", "channel"]
Doing = Literal["add", "change", "remove"]
MASK: Final = "•••"
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value before and after, as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is added, changed or removed."""

    part: Part
    name: str
    doing: Doing
    differences: Sequence[Difference] = ()
    note: str = ""
    channel_id: int = 0
    """Of a channel that is there already."""
    edit: ChannelEdit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All steps, or why there can be none."""

    steps: Sequence[Step]
    faults: Sequence[str]
    options: Mapping[str, str] = field(default_factory=dict)
    """What is stored for settings and groups."""

    def count(self, doing: Doing) -> int:
        """Return how many things are added, changed or removed."""
        return sum(step.doing == doing for step in self.steps)

    @property
    def mark(self) -> str:
        """A mark of the steps: what was looked at is what is applied, or nothing is."""
        told = [
            (
                step.part,
                step.name,
                step.doing,
                step.channel_id,
                [(d.name, d.before, d.after) for d in step.differences],
            )
            for step in self.steps
        ]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


def make_plan(conn: Connection, document: Document, catalogue: Catalogue, *, prune: bool) -> Plan:
    """Compare a file with the database. `prune`: groups and channels that it does not have are removed."""
    now = Options.from_rows(options.everything(conn))
    faults: list[str] = []
    steps, changed = _settings(document, now, faults)
    groups = dict(now.group_ratio)
    if document.groups is not None:
        groups = dict(document.groups) if prune else groups | dict(document.groups)
        group_steps = _groups(now.group_ratio, groups)
        steps += group_steps
        if group_steps:
            members = (f"{json.dumps(name, ensure_ascii=False)}: {ratio:f}" for name, ratio in groups.items())
            changed["GroupRatio"] = "{" + ", ".join(members) + "}"
    if not faults:
        try:
            checked_options(conn, changed)
        except OptionsRefused as error:
            faults += [f"settings.{name}: {text}" for name, text in error.faults.items()]
    if document.channels is not None:
        there = all_channels(conn, catalogue)
        steps += _Channels(there, catalogue, groups, faults).steps(document.channels, prune=prune)
    return Plan(steps=() if faults else steps, faults=faults, options=changed)


def _settings(document: Document, now: Options, faults: list[str]) -> tuple[list[Step], dict[str, str]]:
    steps, changed = [], {}
    known = settings_in_force(now)
    for key, value in document.settings.items():
        if key not in known:
            spec = OPTION_SPECS.get(key)
            why = "is no setting"
            if key in APART:
                why = "does not belong here: groups have a part of their own"
            elif spec is not None and spec.secret:
                why = "is a secret, which is set on the page"
            faults.append(f"settings.{key} {why}")
        elif value != known[key]:
            changed[key] = value
            difference = Difference(name=key, before=_short(known[key]), after=_short(value))
            steps.append(Step(part="setting", name=key, doing="change", differences=[difference]))
    return steps, changed


def _groups(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> list[Step]:
    steps: list[Step] = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        doing: Doing = "add" if old is None else "remove" if new is None else "change"
        texts = ["" if ratio is None else f"{ratio:f}" for ratio in (old, new)]
        steps.append(
            Step(
                part="group",
                name=name,
                doing=doing,
                differences=[Difference(name="ratio", before=texts[0], after=texts[1])],
            )
        )
    return steps


class _Channels:
    """Compares the channels of a file with those that are there."""

    def __init__(
        self,
        there: Sequence[tuple[Channel, dict[str, object]]],
        catalogue: Catalogue,
        groups: Mapping[str, Decimal],
        faults: list[str],
    ) -> None:
        self._catalogue = catalogue
        self._groups = groups
        self._faults = faults
        self._by_id = {channel.id: (channel, members) for channel, members in there}
        self._ids: dict[str, list[int]] = {}
        for channel, _members in there:
            self._ids.setdefault(channel.name, []).append(channel.id)

    def steps(self, entries: Sequence[Entry], *, prune: bool) -> list[Step]:
        steps: list[Step] = []
        seen: set[int] = set()
        names = Counter(entry.name for entry in entries if "id" not in entry.members)
        for name, count in names.items():
            if count > 1:
                self._faults.append(f"channels: {count} are called {name}; give each its id")
        for entry in entries:
            channel_id = self._find(entry)
            if channel_id is None:
                continue
            if channel_id in seen:
                self._faults.append(f"{entry.place}: this channel is there twice")
                continue
            seen.add(channel_id) if channel_id else None
            step = self._change(entry, channel_id) if channel_id else self._add(entry)
            if step is not None:
                steps.append(step)
        if prune:
            for channel, _members in self._by_id.values():
                if channel.id not in seen:
                    steps.append(Step(part="channel", name=channel.name, doing="remove", channel_id=channel.id))
        return steps

    def _find(self, entry: Entry) -> int | None:
        """Return the channel that an entry means, 0 for a new one, `None` where it cannot be said."""
        wanted = entry.members.get("id")
        if wanted is not None:
            if wanted in self._by_id:
                return int(str(wanted))
            self._faults.append(f"{entry.place}: there is no channel {wanted}")
            return None
        ids = self._ids.get(entry.name, [])
        if len(ids) > 1:
            self._faults.append(
                f"{entry.place}: {len(ids)} channels are called so; give the id of the one that is meant"
            )
            return None
        return ids[0] if ids else 0

    def _add(self, entry: Entry) -> Step | None:
        missing = [name for name in ("type", "models") if not entry.members.get(name)]
        if missing:
            self._faults.append(f"{entry.place}: a new channel needs {' and '.join(missing)}")
            return None
        edit = self._edit(entry, None)
        note = "" if entry.members.get("key") else "has no key, so it is switched off until it gets one"
        told = {name: value for name, value in entry.members.items() if name not in ("name", "id")}
        return self._step(entry, "add", {}, told, edit, note=note)

    def _change(self, entry: Entry, channel_id: int) -> Step | None:
        channel, members = self._by_id[channel_id]
        told = {name: value for name, value in entry.members.items() if name != "id"}
        if told.get("key") == channel.key:
            del told["key"]
        if "config" in told:
            told["config"] = _without_blanks(told["config"])
        before = comparable({name: members.get(name, _EMPTY.get(name, "")) for name in told})
        after = comparable(told)
        if "type" in after:
            provider = self._provider(str(after["type"]))
            after["type"] = provider if provider is not None else after["type"]
        differing = [name for name in told if before[name] != after[name]]
        if not differing:
            return None
        return self._step(
            entry,
            "change",
            {name: before[name] for name in differing},
            {name: told[name] for name in differing},
            self._edit(entry, channel, only=differing),
            channel_id=channel_id,
        )

    def _step(
        self,
        entry: Entry,
        doing: Doing,
        before: Mapping[str, object],
        after: Mapping[str, object],
        edit: ChannelEdit | None,
        *,
        note: str = "",
        channel_id: int = 0,
    ) -> Step | None:
        if edit is None:
            return None
        differences = [
            Difference(name=name, before=_told(name, before.get(name)), after=_told(name, value))
            for name, value in after.items()
        ]
        return Step(
            part="channel",
            name=entry.name,
            doing=doing,
            differences=differences,
            note=note,
            channel_id=channel_id,
            edit=edit,
        )

    def _provider(self, text: str) -> str | None:
        provider = self._catalogue.provider(int(text)) if text.isdigit() else self._catalogue.by_key(text)
        return provider.key if provider is not None else None

    def _edit(
        self, entry: Entry, channel: Channel | None, *, only: Sequence[str] | None = None
    ) -> ChannelEdit | None:
        """Return what is written to a channel; `None`, and a fault noted, for what must not be."""
        m = {name: value for name, value in entry.members.items() if only is None or name in only or name == "name"}
        kind = 0
        if "type" in m:
            text = str(m["type"])
            provider = self._catalogue.provider(int(text)) if text.isdigit() else self._catalogue.by_key(text)
            if provider is None:
                self._faults.append(f"{entry.place}: unknown type {text}")
                return None
            kind = provider.id
        for group in _list(m.get("groups")) or []:
            if group not in self._groups:
                self._faults.append(f"{entry.place}: there is no group {group}")
                return None
        config = None
        if "config" in m:
            stored = channel.config if channel is not None else ""
            blanks = dict.fromkeys(SECRETS & read_config(stored).keys(), BLANK)
            config = with_kept_secrets(json.dumps(blanks | _table(m["config"]), ensure_ascii=False), stored)
        edit = ChannelEdit(
            name=entry.name,
            type=kind or None,
            key=_maybe(m, "key"),
            status=STATES[str(m["status"])] if "status" in m else None,
            weight=_whole(m, "weight"),
            base_url=_maybe(m, "base_url"),
            other=_maybe(m, "other"),
            models=_joined(m, "models"),
            model_configs=_json(m, "prices"),
            group=_joined(m, "groups"),
            model_mapping=_json(m, "model_mapping"),
            priority=_whole(m, "priority"),
            config=config,
            system_prompt=_maybe(m, "system_prompt"),
            ratelimit=_whole(m, "ratelimit"),
            testing_model=_maybe(m, "testing_model"),
            inference_profile_arn_map=_json(m, "inference_profiles"),
            tag=_maybe(m, "tag"),
            note=_maybe(m, "note"),
        )
        try:
            check_values(edit)
        except Refused as error:
            self._faults.append(f"{entry.place}: {error.message}")
            return None
        return edit


_EMPTY: Final[Mapping[str, object]] = {
    "priority": 0, "weight": 0, "ratelimit": 0, "groups": [], "models": [], "model_mapping": {}, "prices": {},
    "config": {}, "inference_profiles": {},
}  # fmt: skip


def _without_blanks(value: object) -> dict[str, object]:
    """Return settings as an export writes them: secrets that are blank, and names of headers, say nothing."""
    table = {name: one for name, one in _table(value).items() if one not in ("", None)}
    headers = table.get(HEADERS)
    if isinstance(headers, dict):
        table[HEADERS] = {name: text if isinstance(text, str) and text else BLANK for name, text in headers.items()}
    return table


def _told(name: str, value: object) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if name == "key":
        return MASK
    if name == "config":
        table = {key: MASK if key in SECRETS and one else one for key, one in _table(value).items()}
        if isinstance(table.get(HEADERS), dict):
            table[HEADERS] = {key: MASK if one else BLANK for key, one in _table(table[HEADERS]).items()}
        value = table
    if isinstance(value, list):
        return _short(", ".join(map(str, value)))
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _table(value: object) -> dict[str, object]:
    return {str(name): one for name, one in value.items()} if isinstance(value, dict) else {}


def _list(value: object) -> list[str] | None:
    return [str(one) for one in value] if isinstance(value, list) else None


def _maybe(m: Mapping[str, object], name: str) -> str | None:
    return str(m[name]) if name in m else None


def _whole(m: Mapping[str, object], name: str) -> int | None:
    return int(str(m[name])) if name in m else None


def _joined(m: Mapping[str, object], name: str) -> str | None:
    found = _list(m.get(name))
    return ",".join(found) if found is not None else None


def _json(m: Mapping[str, object], name: str) -> str | None:
    if name not in m:
        return None
    table = _table(m[name])
    return json.dumps(table, ensure_ascii=False) if table else ""
