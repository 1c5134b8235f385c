"""The tables of a channel's form, model names and prices: each with its JSON as a second view of the same.

A form carries the JSON as it was shown beside the one that may have been edited. Where the two are equal the table
counts, else the JSON; so both can be used, with and without scripts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from admin_ui.i18n import _
from gateway.accounts.refusals import Refused
from gateway.channels import mapping, price_table
from gateway.channels.price_table import Own

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.providers.provider import Provider
    from admin_ui.forms import Form
    from admin_ui.ui import Ui
    from gateway.channels.price_table import PriceRow

MAPPING: Final = "model_mapping"
PROFILES: Final = "inference_profile_arn_map"
PRICES: Final = "model_configs"
EVERY_PRICE: Final = "every_price"
"""Field of the form: all prices of a long list are wanted."""
_WAS = "_was"
_COLUMNS = ("price_input", "price_output", "price_cached", "price_limit")
_SPARE = 2
_MORE_ROWS = 5
_MANY = 60
"""Models whose prices are shown without being asked for: each has four fields."""


@dataclass(frozen=True, slots=True)
class _Names:
    """A table of names for names: the column that it stands for, its two fields, and its own name."""

    column: str
    left: str
    right: str
    name: str


_TABLES: Final = {
    MAPPING: _Names(MAPPING, "map_from", "map_to", "mapping"),
    PROFILES: _Names(PROFILES, "arn_model", "arn_of", "profiles"),
}


def settle(ui: Ui, form: Form, provider: Provider) -> None:
    """Make one of what was typed into tables and into their JSON; faults are noted at the view that was edited."""
    for table in _TABLES.values():
        _settle_names(form, table)
    _settle_prices(ui, form, provider)


def name_rows(form: Form, column: str) -> list[tuple[str, str]]:
    """Return a table of names to show, with spare rows at its end."""
    table = _TABLES[column]
    if column in form.errors or table.name in form.errors:
        rows = [row for row in _typed_names(form, table) if any(row)]
    else:
        rows = list(mapping.read_mapping(form.values.get(column)).items())
    return [*rows, *[("", "")] * spare(form, table.name)]


def price_rows(ui: Ui, form: Form, provider: Provider) -> list[PriceRow]:
    """Return the table of prices to show."""
    text = form.values.get(PRICES, "")
    names = mapping.read_mapping(form.values.get(MAPPING))
    rows = price_table.price_rows(ui.services, provider.id, form.names("models"), names, text)
    if "prices" in form.errors or PRICES in form.errors:
        return price_table.with_typed(ui.services, provider.id, rows, _typed_prices(form))
    return rows


def worth_showing(form: Form, rows: Sequence[PriceRow]) -> list[PriceRow]:
    """Return the prices of a long list that say something: of its own, of no table, of models that are not served.

    All of them where they are few, and where somebody asked for them.
    """
    if len(rows) <= _MANY or form.flag(EVERY_PRICE) or form.values.get("do") == "all-prices":
        form.values[EVERY_PRICE] = "1" if len(rows) > _MANY else ""
        return list(rows)
    return [row for row in rows if any(row.own) or not row.has_price or not row.is_listed]


def spare(form: Form, name: str) -> int:
    """Return how many empty rows a table has at its end."""
    return _MORE_ROWS if form.values.get("do") == f"more-{name}" else _SPARE


def set_default_prices(ui: Ui, form: Form, provider: Provider) -> None:
    """Fill in the default prices as if somebody had typed them."""
    rows = [row for row in price_rows(ui, form, provider) if row.is_listed and row.has_price]
    typed = {row.model: row.defaults for row in rows}
    filled = price_table.with_typed(ui.services, provider.id, rows, typed)
    put(form, PRICES, price_table.configs_of(filled, form.values.get(PRICES)))


def _settle_names(form: Form, table: _Names) -> None:
    column = table.column
    text, was = form.values.get(column, "").strip(), form.values.get(column + _WAS, "").strip()
    rows = _typed_names(form, table)
    if text == was:
        if rows:
            _settle_rows(form, table, rows)
        return
    edited = {asked.strip(): sent.strip() for asked, sent in rows if asked.strip() or sent.strip()}
    if rows and edited != mapping.read_mapping(was):
        form.fault(column, _("The table and its JSON were both changed. Take one of the changes back."))
        return
    found = json_object(form, column, text)
    if found is None:
        return
    if not all(isinstance(value, str) for value in found.values()):
        form.fault(column, _("A JSON object of texts is needed."))
        return
    try:
        if column == MAPPING:
            mapping.check_mapping({name: str(value) for name, value in found.items()})
    except Refused as error:
        form.refuse(error, {"": column})
        return
    put(form, column, text)


def _settle_rows(form: Form, table: _Names, rows: list[tuple[str, str]]) -> None:
    try:
        put(form, table.column, mapping.mapping_of(rows))
    except Refused as error:
        form.refuse(error, {"": table.name})


def _settle_prices(ui: Ui, form: Form, provider: Provider) -> None:
    text, was = form.values.get(PRICES, "").strip(), form.values.get(PRICES + _WAS, "").strip()
    typed = _typed_prices(form)
    names = mapping.read_mapping(form.values.get(MAPPING))
    rows = price_table.price_rows(ui.services, provider.id, form.names("models"), names, was)
    filled = price_table.with_typed(ui.services, provider.id, rows, typed)
    if text != was:
        if any(row.own != row.stored for row in filled):
            form.fault(PRICES, _("The table and its JSON were both changed. Take one of the changes back."))
            return
        table = json_object(form, PRICES, text)
        if table is None:
            return
        try:
            price_table.check_configs(table)
        except Refused as error:
            form.refuse(error, {"": PRICES})
            return
        put(form, PRICES, text)
        return
    if not typed:
        return
    try:
        put(form, PRICES, price_table.configs_of(filled, was))
    except Refused as error:
        form.refuse(error, {"": "prices"})


def _typed_names(form: Form, table: _Names) -> list[tuple[str, str]]:
    asked, sent = form.many.get(table.left, []), form.many.get(table.right, [])
    return list(zip(asked, sent, strict=False)) if len(asked) == len(sent) else []


def _typed_prices(form: Form) -> Mapping[str, Own]:
    """Return what the price table was sent with; its fields are lists of equal length, one entry a row."""
    names = form.many.get("price_model", [])
    columns = [form.many.get(name, []) for name in _COLUMNS]
    if any(len(column) != len(names) for column in columns):
        return {}
    rows = zip(names, *columns, strict=True)
    return {name.strip(): Own(*(text.strip() for text in texts)) for name, *texts in rows if name.strip()}


def json_object(form: Form, name: str, text: str) -> dict[str, object] | None:
    """Return the JSON object that a field holds; `None`, and a fault with line and column, where it holds none."""
    try:
        table: object = json.loads(text or "{}")
    except ValueError as error:
        where = f"{getattr(error, 'lineno', 1)}:{getattr(error, 'colno', 1)}"
        form.fault(name, _("This is not JSON: look at line and column {where}.", where=where))
        return None
    if not isinstance(table, dict):
        form.fault(name, _("A JSON object is needed."))
        return None
    return table


def pretty(text: str | None) -> str:
    """Return JSON as people read it, and other text as it is."""
    if not (text or "").strip():
        return ""
    try:
        table: object = json.loads(text or "")
    except ValueError:
        return text or ""
    return json.dumps(table, ensure_ascii=False, indent=2) if table else ""


def put(form: Form, name: str, text: str) -> None:
    """Put a table's JSON into its field, and note that it says what the table says."""
    form.values[name] = form.values[name + _WAS] = pretty(text)
