"""The environment, read once into one frozen object.

`load_settings` is given the environment and answers with `Settings` and warnings, or raises `ConfigurationError`
with every problem there is. Nothing else in the program looks at `os.environ`.

Rules of reading: the real environment wins over the `.env` file, which wins over flags (as in one-api). An empty
value is a missing one, except that it makes a boolean false and a list empty.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.config.behaviour_group import Accounts, Channels, Images, Limits, Relay
from gateway.config.process_group import Cluster, Console, Databases, Server
from gateway.config.rules import Fault, contradictions
from gateway.config.specs import Spec, read_specs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

GROUPS: tuple[type[BaseSettings], ...] = (
    Server, Databases, Cluster, Console, Relay, Images, Channels, Limits, Accounts,
)  # fmt: skip
"""In the order of `--help` and the docs."""


class Settings(Server, Databases, Cluster, Console, Relay, Images, Channels, Limits, Accounts):
    """Every setting, under its variable's name in lower case. Made without arguments it has all defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments only: `load_settings` reads the environment it is given, and reports all problems."""
        return (init_settings,)

    @property
    def uses_redis(self) -> bool:
        """Whether there is a Redis to connect to."""
        return bool(self.redis_conn_string) and self.sync_frequency > 0

    @property
    def is_master(self) -> bool:
        """Whether this node changes the database's structure."""
        return self.node_type != "slave"

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Hide secrets in `repr`."""
        secret = {spec.field for spec in SPECS if spec.variable.is_secret}
        for name, value in super().__repr_args__():
            yield name, "***" if name in secret and value else value


SPECS: tuple[Spec, ...] = read_specs(GROUPS)
"""One row per variable, in the order of the docs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A variable that cannot be used. Secrets are masked in `read` already."""

    variable: str
    read: str
    expected: str
    reason: str = ""

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.variable}: read {self.read}{reason}, expected {self.expected}"


class ConfigurationError(Exception):
    """The configuration cannot be used. The operator must correct every one of `problems`."""

    code = "configuration"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings, and what the operator should know about them."""

    settings: Settings
    warnings: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    """Fields that have a value from outside, not their default."""


def load_settings(
    environ: Mapping[str, str], *, dotenv_path: Path | None = None, flags: Mapping[str, str] | None = None
) -> Loaded:
    """Read all variables.

    `flags` are values from the command line by field name. Raises `ConfigurationError` with all problems.
    """
    reading = _Reading()
    named: dict[str, str] = {}
    if dotenv_path is not None:
        named |= reading.dotenv(dotenv_path)
    named |= environ
    for spec in SPECS:
        reading.take(spec, named, (flags or {}).get(spec.field))
    settings = reading.settle()
    if reading.problems:
        order = [name for spec in SPECS for name in spec.names]
        raise ConfigurationError(
            sorted(reading.problems, key=lambda p: order.index(p.variable) if p.variable in order else -1)
        )
    return Loaded(settings=settings, warnings=tuple(reading.warnings), given=frozenset(reading.values))


class _Reading:
    """Values, problems and warnings while variables are being read."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.sources: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def dotenv(self, path: Path) -> dict[str, str]:
        """Return what the `.env` file says; a file that is not there says nothing."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "bytes that are not UTF-8"
            self.problems.append(Problem(variable=str(path), read=str(reason), expected="a readable text file"))
            return {}
        for binding in parse_stream(io.StringIO(text)):
            if binding.error:
                # Only the line's number: a broken line may hold half a secret.
                self.problems.append(
                    Problem(variable=str(path), read=f"line {binding.original.line}", expected="NAME=value")
                )
        values = dotenv_values(stream=io.StringIO(text))
        return {name: value for name, value in values.items() if value is not None}

    def take(self, spec: Spec, named: Mapping[str, str], flag: str | None) -> None:
        """Find the text of one variable and turn it into something that pydantic can judge."""
        source, text = next(((name, named[name]) for name in spec.names if name in named), ("", None))
        if flag is not None:
            if text:
                if flag != text:
                    self.warnings.append(f"{source} is set and wins over {spec.flag} on the command line")
            else:
                source, text = spec.flag, flag
        if text is None or (text == "" and not spec.empty_means_something):
            return
        self.sources[spec.field] = source
        if spec.kind == "boolean":
            self._take_boolean(spec, source, text)
        elif spec.kind == "list":
            self.values[spec.field] = tuple(item for item in re.split(r"[\s,]+", text) if item)
        elif spec.kind == "whole number" and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
            self._refuse(spec, text)  # pydantic would take 1.0 and 1_0
        else:
            self.values[spec.field] = text

    def _take_boolean(self, spec: Spec, source: str, text: str) -> None:
        word = text.lower()
        if word not in {"true", "false", "0", ""}:
            if not spec.variable.is_original:
                self._refuse(spec, text)
                return
            self.warnings.append(
                f"{source}: read {text!r}, which counts as false, as it did in one-api; only 'true' is true"
            )
        self.values[spec.field] = word == "true"

    def settle(self) -> Settings:
        """Return the settings, with defaults in place of what is wrong; problems say what that is."""
        try:
            settings = Settings.model_validate(self.values)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_context=False):
                spec = next(spec for spec in SPECS if spec.field == item["loc"][0])
                self._refuse(spec, str(item["input"]))
                self.values.pop(spec.field, None)
            settings = Settings.model_validate(self.values)
        wrong = {problem.variable for problem in self.problems}
        found = contradictions(settings)
        for fault in found.faults:
            spec = next(spec for spec in SPECS if spec.field == fault.field)
            source = self.sources.get(fault.field, spec.name)
            if source not in wrong:
                self._refuse(spec, str(getattr(settings, fault.field)), fault)
        self.warnings.extend(found.warnings)
        return settings

    def _refuse(self, spec: Spec, text: str, fault: Fault | None = None) -> None:
        if spec.variable.is_secret:
            shown = spec.shown(text)
        else:
            shown = repr(text if len(text) <= 200 else text[:200] + "…")
        source = self.sources.get(spec.field, spec.name)
        reason, _, wanted = fault.reason.partition("; expected ") if fault else ("", "", "")
        expected = wanted or (fault.expected if fault else "") or spec.expected
        self.problems.append(Problem(variable=source, read=shown, expected=expected, reason=reason))
