"""The file: settings, groups and channels as YAML that people read and keep under version control.

What a file names gets that value; what it does not name stays. Secrets are never written. One that is in a file (a
channel's `key`) is taken over.

BadDocument   the text is no such file; `faults` say what is wrong, each with its place
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import yaml

from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION: Final = 1
LONGEST: Final = 4 << 20
"""Characters of a file; 2,000 channels with long lists of models have about two million."""
_MOST_FAULTS: Final = 30
_TOP: Final = ("version", "settings", "groups", "channels")
_TEXTS: Final = (
    "base_url",
    "system_prompt",
    "testing_model",
    "other",
    "tag",
    "note",
    "key",
    "type",
    "status",
    "name",
)
_NUMBERS: Final = ("id", "priority", "weight", "ratelimit")
_LISTS: Final = ("groups", "models")
_TABLES: Final = ("model_mapping", "prices", "config", "inference_profiles")
MEMBERS: Final = (*_TEXTS, *_NUMBERS, *_LISTS, *_TABLES)
STATES: Final = {"enabled": 1, "disabled": 2, "auto-disabled": 3}


class BadDocument(Refused):
    """The text is no configuration."""

    code = "bad_document"

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One channel of a file: its members as they were read, each of the right kind."""

    name: str
    members: Mapping[str, object]
    place: str
    """For messages: `channels[2] (Azure EU)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read."""

    settings: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Decimal] | None = None
    channels: Sequence[Entry] | None = None
    """`None`: the file says nothing of channels."""


def read_document(text: str) -> Document:
    """Read a file. Raises `BadDocument`."""
    if len(text) > LONGEST:
        raise BadDocument([f"the file is longer than {LONGEST >> 20} million characters"])
    try:
        content: object = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader without aliases
    except yaml.YAMLError as error:
        raise BadDocument([_where(error)]) from error
    except (RecursionError, ValueError) as error:
        raise BadDocument(["the file cannot be read"]) from error
    reading = _Reading()
    found = reading.document(content)
    if reading.faults:
        raise BadDocument(reading.faults[:_MOST_FAULTS])
    return found


def write_document(
    *, settings: Mapping[str, str], groups: Mapping[str, Decimal], channels: Sequence[Mapping[str, object]]
) -> str:
    """Return the text of a file. Synchronous, and slow with many channels: call it in a thread."""
    head = (
        "# The configuration of a One API gateway, without secrets. Apply it with `one-api config apply FILE`,\n"
        "# or under Settings, As a file. What is not named here stays as it is.\n"
    )
    content = {"version": VERSION, "settings": dict(settings), "groups": dict(groups), "channels": list(channels)}
    body = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return f"{head}{body}"


class _Reading:
    """Faults while a file is being read."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def document(self, content: object) -> Document:
        if not isinstance(content, dict):
            self.faults.append("the file must begin with names such as `settings:` or `channels:`")
            return Document()
        for name in content:
            if name not in _TOP:
                self.faults.append(f"unknown part {name!r}; known are {', '.join(_TOP)}")
        if content.get("version", VERSION) != VERSION:
            self.faults.append(f"version {content['version']!r} is not known here, only {VERSION}")
        return Document(
            settings=self._settings(content.get("settings")),
            groups=self._groups(content.get("groups")),
            channels=self._channels(content.get("channels")),
        )

    def _settings(self, content: object) -> dict[str, str]:
        if content is None:
            return {}
        if not isinstance(content, dict):
            self.faults.append("settings must be names with values")
            return {}
        found = {}
        for key, value in content.items():
            if isinstance(value, bool):
                found[str(key)] = "true" if value else "false"
            elif value is None or isinstance(value, str | int | float):
                found[str(key)] = "" if value is None else str(value)
            else:
                self.faults.append(f"settings.{key} must be one value")
        return found

    def _groups(self, content: object) -> dict[str, Decimal] | None:
        if content is None:
            return None
        if not isinstance(content, dict) or not content:
            self.faults.append("groups must be names with numbers, one at least")
            return None
        found: dict[str, Decimal] = {}
        for name, value in content.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                self.faults.append(f"groups.{name} must be a number of 0 or more")
            else:
                found[str(name)] = Decimal(str(value))
        return found

    def _channels(self, content: object) -> list[Entry] | None:
        if content is None:
            return None
        if not isinstance(content, list):
            self.faults.append("channels must be a list")
            return None
        found = [self._channel(number, one) for number, one in enumerate(content)]
        return [one for one in found if one is not None]

    def _channel(self, number: int, content: object) -> Entry | None:
        place = f"channels[{number}]"
        if not isinstance(content, dict) or not str(content.get("name") or "").strip():
            self.faults.append(f"{place} needs a name")
            return None
        name = str(content["name"]).strip()
        place = f"{place} ({name})"
        members: dict[str, object] = {}
        for key, value in content.items():
            if key not in MEMBERS:
                self.faults.append(f"{place}: unknown member {key!r}")
            elif value is not None:
                members[str(key)] = self._member(place, str(key), value)
        members["name"] = name
        return Entry(name=name, members=members, place=place)

    def _member(self, place: str, key: str, value: object) -> object:
        if key in _TEXTS:
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                if key == "status" and value not in STATES:
                    self.faults.append(f"{place}: status must be one of {', '.join(STATES)}")
                return str(value)
            self.faults.append(f"{place}: {key} must be a text")
        elif key in _NUMBERS:
            if isinstance(value, int) and not isinstance(value, bool):
                return value
            self.faults.append(f"{place}: {key} must be a whole number")
        elif key in _LISTS:
            items = value if isinstance(value, list) else [value]
            if all(isinstance(one, str | int | float) and str(one).strip() and "," not in str(one) for one in items):
                return [str(one).strip() for one in items]
            self.faults.append(f"{place}: {key} must be a list of names")
        elif isinstance(value, dict):
            return value
        else:
            self.faults.append(f"{place}: {key} must be names with values")
        return None


class _Loader(yaml.SafeLoader):
    """Safe, and without aliases, of which a short text makes a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse aliases."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not taken", self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


class _Dumper(yaml.SafeDumper):
    """Without aliases, and with texts of several lines as blocks."""

    def ignore_aliases(self, _data: object) -> bool:
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not re.search(r"[^\S\n]\n|\t|\r", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    text = f"{number:f}"
    kind = "float" if "." in text else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", text)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Decimal, _number)
# YAML 1.1 takes 1:30 for a number of minutes and `on` for true; names of models and channels must stay what they are.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, expression) for tag, expression in found if not tag.endswith((":timestamp", ":int", ":bool", ":float"))
    ]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_INTEGER: Final = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT: Final = re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?$")
# What writes must quote whatever this loader, or one of YAML 1.1, would take for something else than a text.
for _one in (_Loader, _Dumper):
    _one.add_implicit_resolver("tag:yaml.org,2002:int", _INTEGER, list("-+0123456789"))
    _one.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
    _one.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "this is not YAML"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark is not None else str(problem)
