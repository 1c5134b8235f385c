"""Reading a form: every value checked, every fault at its field, everything typed kept.

A view makes a `Form` from what is stored (GET) or from what was sent (`await read_form()`), asks it for typed values,
and shows it again with status 422 while it has errors. Rules beyond the form of a value are the services' own; what
they refuse is put at the field that it is about, or on top.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import _, told
from admin_ui.shown import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from gateway.accounts.refusals import Refused
    from gateway.registry.options import Options

_MOST = 2**53 - 1
_SUMMARY = "<ul data-faults>"
_FAULTS = re.compile(rf"(?<={_SUMMARY}).*?(?=</ul>)", re.DOTALL)
_FAULT = re.compile(r'<li><a href="#([^"]+)">.*?</li>', re.DOTALL)
_UNITS = re.compile(r"\s*(units?|单位)$", re.IGNORECASE)


@dataclass(slots=True)
class Form:
    """Texts by field name, and what is wrong with them. `many` holds the fields that may be sent repeatedly."""

    values: dict[str, str] = field(default_factory=dict)
    many: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    """What is wrong with no field in particular."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found wrong so far."""
        return not self.errors and not self.general

    def fault(self, name: str, text: str) -> None:
        """Note what is wrong with a field; the first fault counts."""
        self.errors.setdefault(name, text)

    def refuse(self, refused: Refused, fields: Mapping[str, str] | None = None) -> None:
        """Note why a service refused; `fields` says which words of its message point at which field."""
        text = told(refused.message)
        for words, name in (fields or {}).items():
            if words.lower() in refused.message.lower():
                self.fault(name, text)
                return
        self.general.append(text)

    def text(self, name: str, *, required: bool = False, least: int = 0, most: int = 0, most_bytes: int = 0) -> str:
        """Return a text without blanks around it; `least` counts once there is any.

        Lengths are in characters, but for names that one-api measures in bytes of UTF-8.
        """
        value = self.values.get(name, "").replace("\x00", "").strip()
        if required and not value:
            self.fault(name, _("Please fill this in."))
        elif value and len(value) < least:
            self.fault(name, _("At least {n} characters.", n=least))
        elif len(value) > (most or most_bytes or len(value)):
            self.fault(name, _("At most {n} characters.", n=most or most_bytes))
        elif most_bytes and len(value.encode()) > most_bytes:
            n, k = most_bytes, most_bytes // 3
            self.fault(name, _("At most {n} bytes: {n} Latin letters, or {k} Chinese characters.", n=n, k=k))
        return value

    def secret(self, name: str, *, required: bool = False) -> str:
        """Return a text exactly as it was typed."""
        value = self.values.get(name, "")
        if required and not value:
            self.fault(name, _("Please fill this in."))
        return value

    def flag(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return self.values.get(name, "") not in ("", "false", "0")

    def integer(self, name: str, *, default: int = 0, least: int = -_MOST, most: int = _MOST) -> int:
        """Return a whole number; digits may be grouped."""
        text = self.values.get(name, "").strip().replace(",", "").replace(" ", "")
        if not text:
            return default
        digits = text.lstrip("+-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 16 or len(text) - len(digits) > 1:
            self.fault(name, _("Please enter a whole number."))
            return default
        return self._within(name, int(text), least, most)

    def choice(self, name: str, known: Sequence[str], *, default: str = "") -> str:
        """Return one of `known`."""
        value = self.values.get(name, "") or default
        if value not in known:
            self.fault(name, _("Please choose one of these."))
            return default
        return value

    def units(self, name: str, options: Options, *, required: bool = True, signed: bool = False) -> int:
        """Return quota units: what was typed is money where the site shows money, else units.

        Either can be meant anywhere: `$10`, `5,000,000 units`.
        """
        text, is_money = _amount(self.values.get(name, ""))
        if not text:
            if required:
                self.fault(name, _("Please fill this in."))
            return 0
        try:
            amount = Decimal(text.replace("\N{MINUS SIGN}", "-"))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite():
            self.fault(name, _("Please enter a number."))
            return 0
        if options.flag("DisplayInCurrencyEnabled") if is_money is None else is_money:
            amount *= options.number("QuotaPerUnit")
        return self._within(name, round(amount), -_MOST if signed else 0, _MOST)

    def units_change(self, name: str, options: Options) -> int:
        """Return by how many quota units an amount was changed since the form was made.

        The field `{name}_was` carries the units of then. What is spent meanwhile must not be given back by saving
        something else, so a form says what to add, and not how much there is to be.
        """
        was = self.values.get(f"{name}_was", "")
        text = self.values.get(name)
        if text is None or not was.lstrip("-").isdigit() or len(was) > 20 or text == as_amount(int(was), options):
            return 0
        return self.units(name, options) - int(was)

    def worth(self, name: str, options: Options) -> str:
        """Return what was typed for an amount in the other measure, for people to see both; empty if it is none."""
        other = Form(values={"amount": self.values.get(name, "")})
        units = other.units("amount", options, signed=True)
        if not other.is_sound:
            return ""
        if _amount(other.values["amount"])[1] is not False and options.flag("DisplayInCurrencyEnabled"):
            return _("= {n} units", n=f"{units:,}")
        return "= " + dollars(Decimal(units) / options.number("QuotaPerUnit"))

    def moment(self, name: str, zone: tzinfo) -> int | None:
        """Return a local date and time as Unix seconds."""
        text = self.values.get(name, "").strip()
        if not text:
            return None
        try:
            return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
        except (ValueError, OverflowError, OSError):
            self.fault(name, _("Please enter a date and a time."))
            return None

    def names(self, name: str) -> list[str]:
        """Return a list of names: ticked boxes, and texts divided by commas, blanks or lines; doubles are dropped."""
        found: dict[str, None] = {}
        for text in self.many.get(name, [self.values.get(name, "")]):
            for part in text.replace("，", ",").replace("\n", ",").replace(" ", ",").replace("\t", ",").split(","):  # noqa: RUF001
                if part.strip():
                    found[part.strip()] = None
        return list(found)

    def _within(self, name: str, value: int, least: int, most: int) -> int:
        if not least <= value <= most:
            if most >= _MOST:
                self.fault(name, _("Must not be below {n}.", n=f"{least:,}"))
            elif least <= -_MOST:
                self.fault(name, _("Must not be above {n}.", n=f"{most:,}"))
            else:
                self.fault(name, _("Must be between {a} and {b}.", a=f"{least:,}", b=f"{most:,}"))
        return value


def _amount(text: str) -> tuple[str, bool | None]:
    """Return what was typed without signs of its measure, and whether that is money; `None`: it does not say."""
    plain = text.strip().replace(",", "")
    bare = _UNITS.sub("", plain)
    if bare != plain:
        return bare.strip(), False
    signless = plain.replace("$", "", 1).strip()
    return signless, True if signless != plain else None


def in_field_order(html: str) -> str:
    """Return a page whose summary of faults is in the order of the fields, which only the whole page tells.

    Faults are found in the order in which they are looked for: services refuse last what stands first.
    """
    if _SUMMARY not in html:
        # Most pages, and long ones: the expression takes milliseconds to find nothing.
        return html

    def place(fault: re.Match[str]) -> int:
        at = html.find(f' id="{fault[1]}"')
        return at if at >= 0 else len(html)

    return _FAULTS.sub(
        lambda faults: "".join(each[0] for each in sorted(_FAULT.finditer(faults[0]), key=place)), html
    )


async def read_form() -> Form:
    """Return what was sent, texts and lists."""
    sent = await request.form
    return Form(
        values={name: sent[name].replace("\r\n", "\n").replace("\x00", "") for name in sent},
        many={name: [text.replace("\x00", "") for text in sent.getlist(name)] for name in sent},
    )


def fingerprint(values: Mapping[str, object]) -> str:
    """Return a mark of stored values, to notice that somebody else changed them while a form was open."""
    text = "\x1f".join(f"{name}={values[name]}" for name in sorted(values))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_amount(units: int, options: Options) -> str:
    """Return quota units as a field shows them: the exact amount of money where the site shows money."""
    if options.flag("DisplayInCurrencyEnabled"):
        return f"{(Decimal(units) / options.number('QuotaPerUnit')).normalize():f}"
    return str(units)
