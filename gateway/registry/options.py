"""Options: what root changes while the gateway runs.

`option_specs` has the table of them. `Options` is one immutable reading of the database's rows over those defaults;
the registry's snapshot carries it, so a relay sees one consistent set for its whole life.

OptionError   a new value is not stored; the message is for the person who sent it
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.registry.option_specs import DEFAULT_SERVER_ADDRESS, OPTION_SPECS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.registry.option_specs import OptionSpec

THEMES = ("default", "berry", "air", "modern")
_LONGEST_GROUP_NAME = 32
_LONGEST_PUBLIC_NAME = 60
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,16}", re.ASCII)


class OptionError(ValueError):
    """The value does not fit the option, or the option does not exist."""

    code = "option_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All options at one moment. Build it with `from_rows`; asking for an unknown name raises `KeyError`."""

    _texts: Mapping[str, str]
    _flags: Mapping[str, bool]
    _integers: Mapping[str, int]
    _numbers: Mapping[str, Decimal]
    _stored: Mapping[str, str]
    group_ratio: Mapping[str, Decimal]
    """Price factor of each group, in the order written."""
    problems: tuple[str, ...]
    """Stored values that could not be read, and what counts instead; for the operator."""

    @classmethod
    def from_rows(cls, rows: Mapping[str, str]) -> Options:
        """Read the rows of the option table over the defaults; unreadable values count as the default."""
        texts: dict[str, str] = {}
        problems: list[str] = []
        for spec in OPTION_SPECS.values():
            text = rows.get(spec.key, spec.default)
            try:
                if spec.kind != "flag":
                    _check(spec, text)
            except OptionError as error:
                problems.append(f"{error}; the default counts instead")
                text = spec.default
            texts[spec.key] = text
        return cls(
            _texts=texts,
            # Only the exact text counts, as it did in one-api.
            _flags={s.key: texts[s.key] == "true" for s in OPTION_SPECS.values() if s.kind == "flag"},
            _integers={s.key: int(texts[s.key]) for s in OPTION_SPECS.values() if s.kind == "integer"},
            _numbers={s.key: Decimal(texts[s.key]) for s in OPTION_SPECS.values() if s.kind == "number"},
            _stored=dict(rows),
            group_ratio=MappingProxyType(_ratios(texts["GroupRatio"])),
            problems=tuple(problems),
        )

    def text(self, key: str) -> str:
        """Return the text of any option."""
        return self._texts[key]

    def flag(self, key: str) -> bool:
        """Return whether a switch is on."""
        return self._flags[key]

    def integer(self, key: str) -> int:
        """Return an integer option."""
        return self._integers[key]

    def number(self, key: str) -> Decimal:
        """Return a number option, exactly as written."""
        return self._numbers[key]

    def public_names(self) -> dict[int, str]:
        """Return the channels that the status page shows, by id, with the name that it shows."""
        return _names(self._texts["StatusPageChannels"])

    @property
    def server_address(self) -> str:
        """Where people reach this site, without a slash at the end."""
        return self._texts["ServerAddress"].rstrip("/") or DEFAULT_SERVER_ADDRESS

    def money(self, units: int) -> str:
        """Write a number of quota units the way log texts show it."""
        if self._flags["DisplayInCurrencyEnabled"]:
            return f"\N{FULLWIDTH DOLLAR SIGN}{Decimal(units) / self._numbers['QuotaPerUnit']:.6f} quota"
        return f"{units} point quota"

    def listing(self) -> list[tuple[str, str]]:
        """Return names and values for root: no secrets, and the rarer ones only once they were written."""
        known = [
            (spec.key, self._texts[spec.key])
            for spec in OPTION_SPECS.values()
            if not spec.secret and (spec.listed or spec.key in self._stored)
        ]
        unknown = [
            (key, value)
            for key, value in self._stored.items()
            if key not in OPTION_SPECS and not key.endswith(("Token", "Secret", "SecretKey", "Password"))
        ]
        return known + unknown

    def accept(self, key: str, value: str) -> None:
        """Check that `value` may be stored under `key` now. Raises `OptionError`."""
        spec = OPTION_SPECS.get(key)
        if spec is None:
            raise OptionError(f"unknown option: {key}")
        _check(spec, value)
        if spec.needs and value == "true" and not self._texts[spec.needs]:
            raise OptionError(spec.needs_message)


def _check(spec: OptionSpec, value: str) -> None:
    if spec.kind == "flag":
        if value not in ("true", "false"):
            raise OptionError(f"{spec.key} must be true or false")
    elif spec.kind == "integer":
        if not _WHOLE_NUMBER.fullmatch(value):
            raise OptionError(f"{spec.key} must be a whole number")
        _check_bounds(spec, Decimal(int(value)))
    elif spec.kind == "number":
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise OptionError(f"{spec.key} must be a number") from None
        if not number.is_finite():
            raise OptionError(f"{spec.key} must be a number")
        _check_bounds(spec, number)
    elif spec.kind == "theme":
        if value not in THEMES:
            raise OptionError("invalid theme")
    elif spec.kind == "choice":
        if value not in spec.choices:
            raise OptionError(f"{spec.key} must be one of {', '.join(spec.choices)}")
    elif spec.kind == "ratios":
        _ratios(value)
    elif spec.kind == "names":
        _names(value)


def _check_bounds(spec: OptionSpec, number: Decimal) -> None:
    if not spec.least <= number <= spec.most:
        raise OptionError(f"{spec.key} must be between {spec.least} and {spec.most}")


def _ratios(text: str) -> dict[str, Decimal]:
    """Read the group table. Raises `OptionError`."""
    try:
        # Through text, so that 0.1 stays 0.1.
        table = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        raise OptionError("GroupRatio must be a JSON object of group names and numbers") from None
    if not isinstance(table, dict):
        raise OptionError("GroupRatio must be a JSON object of group names and numbers")
    for group, ratio in table.items():
        if not group.strip() or len(group) > _LONGEST_GROUP_NAME or "," in group:
            raise OptionError(f"GroupRatio: not a group name: {group[:_LONGEST_GROUP_NAME]!r}")
        if not isinstance(ratio, Decimal) or not ratio.is_finite() or not 0 <= ratio <= 10**6:
            raise OptionError(f"GroupRatio: {group} needs a number of 0 or more")
    return table


def _names(text: str) -> dict[int, str]:
    """Read public names of channels. Raises `OptionError`."""
    fault = "StatusPageChannels must be a JSON object of channel numbers and names"
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise OptionError(fault) from None
    if not isinstance(table, dict):
        raise OptionError(fault)
    for number, name in table.items():
        if not (number.isascii() and number.isdigit()) or not isinstance(name, str) or not name.strip():
            raise OptionError(fault)
        if len(name) > _LONGEST_PUBLIC_NAME:
            raise OptionError(f"StatusPageChannels: a name may have {_LONGEST_PUBLIC_NAME} characters")
    return {int(number): name.strip() for number, name in table.items()}
