"""Numbers, money and times as people read them."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from admin_ui.i18n import _, _n

if TYPE_CHECKING:
    from datetime import tzinfo

    from gateway.registry.options import Options

_SMALLEST = Decimal("0.000001")


def number(value: float | Decimal | None) -> str:
    """Write 1,234; nothing is a dash."""
    if value is None:
        return "—"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def written(value: str) -> str:
    """Write the value of a variable: what stands for none, or for one that is not told, in the reader's language."""
    words = {"": _("Empty"), "(unset)": _("Not set"), "(hidden)": _("Hidden"), "(random)": _("Random")}
    return words.get(value, value)


def short(value: float) -> str:
    """Write 12.3 K, for charts and tiles; the exact value belongs in a title."""
    for limit, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= limit:
            return f"{value / limit:.1f}".removesuffix(".0") + f" {sign}"
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def dollars(amount: Decimal) -> str:
    """Write an amount in dollars: two digits from $1 up, otherwise up to six significant ones."""
    sign, size = ("\N{MINUS SIGN}" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size < _SMALLEST:
        return f"{sign}<$0.000001"
    if size >= 1:
        return f"{sign}${size:,.2f}"
    text = f"{size:.6f}".rstrip("0")
    whole, _dot, digits = text.partition(".")
    return f"{sign}${whole}.{digits.ljust(2, '0')}"


def exact(value: float) -> Decimal:
    """Return a number as it is written, without the tail that binary floats have."""
    return Decimal(str(value))


def changed(share: float) -> str:
    """Write a change with its sign, in percent."""
    percent = round(share * 100, 1)
    return f"{percent:+.1f} %".replace("-", "\N{MINUS SIGN}") if percent else "0 %"


def money(units: int, options: Options) -> str:
    """Write quota units the way the site shows them."""
    if options.flag("DisplayInCurrencyEnabled"):
        return dollars(Decimal(units) / options.number("QuotaPerUnit"))
    return f"{units:,}"


def moment(seconds: float, zone: tzinfo) -> str:
    """Write a time in full, to the second, in the reader's zone."""
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def clock(seconds: float, zone: tzinfo, *, now: float | None = None) -> Markup:
    """Write a time of day to the second, with the day before it unless that is today: for lists of what happened."""
    exact = datetime.fromtimestamp(seconds, zone)
    today = datetime.fromtimestamp(time.time() if now is None else now, zone)
    form = "%H:%M:%S" if exact.date() == today.date() else "%m-%d %H:%M:%S"
    if exact.year != today.year:
        form = "%Y-%m-%d %H:%M:%S"
    return _time(exact, exact.strftime(form))


def bucket(seconds: float, zone: tzinfo) -> str:
    """Write where a bucket of a chart begins, to the minute."""
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M")


def when(seconds: float, zone: tzinfo, *, now: float | None = None) -> Markup:
    """Write a time as people say it, with the exact one beside it for those who point at it; 0 is a dash."""
    if seconds <= 0:
        return Markup('<span class="muted">—</span>')
    passed = (time.time() if now is None else now) - seconds
    exact = datetime.fromtimestamp(seconds, zone)
    return _time(exact, _ago(passed, exact))


def _time(exact: datetime, text: str) -> Markup:
    # Put together by hand, since Markup.format takes ten times as long and lists have one in each row.
    full = escape(f"{exact:%Y-%m-%d %H:%M:%S} {exact.tzname()}")
    machine = exact.isoformat(timespec="seconds")
    return Markup(f'<time datetime="{machine}" title="{full}">{escape(text)}</time>')  # noqa: S704 - escaped above


def _ago(passed: float, exact: datetime) -> str:
    if abs(passed) < 45:
        return _("just now")
    future, size = passed < 0, abs(passed)
    for limit, unit in ((2700.0, 60), (79_200.0, 3600), (2_246_400.0, 86_400)):
        if size < limit:
            n = max(round(size / unit), 1)
            break
    else:
        return exact.strftime("%Y-%m-%d")
    if unit == 60:
        return _n("in {n} minute", "in {n} minutes", n) if future else _n("{n} minute ago", "{n} minutes ago", n)
    if unit == 3600:
        return _n("in {n} hour", "in {n} hours", n) if future else _n("{n} hour ago", "{n} hours ago", n)
    return _n("in {n} day", "in {n} days", n) if future else _n("{n} day ago", "{n} days ago", n)


def duration(milliseconds: float) -> str:
    """Write a span of time; below a second in milliseconds."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {rest:02d} s"


def size(count: int) -> str:
    """Write a number of bytes."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def masked(secret: str, prefix: str = "") -> str:
    """Write a secret so that its owner knows which one it is."""
    return f"{prefix}{secret[:2]}…{secret[-4:]}" if len(secret) > 12 else f"{prefix}…"


def attributes(values: dict[str, object]) -> Markup:
    """Write HTML attributes; `None` and `False` leave one out, `True` writes its name alone."""
    parts = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        parts.append(f" {escape(name)}" if value is True else f' {escape(name)}="{escape(value)}"')
    return Markup("".join(parts))  # noqa: S704 - each part is escaped above
