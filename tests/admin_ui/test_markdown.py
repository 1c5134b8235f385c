"""Sentences of ours with names of variables in them."""

from __future__ import annotations

from admin_ui.i18n import load_catalogue
from admin_ui.markdown import in_line
from gateway.config.settings import SPECS


def test_names_and_warnings_are_marked_and_all_else_is_text() -> None:
    assert in_line("`a_b` is <b>. **Take care**.") == "<code>a_b</code> is &lt;b&gt;. <strong>Take care</strong>."
    assert in_line("2 * 3 ** 4") == "2 * 3 ** 4"


def test_no_help_of_a_variable_shows_its_marks() -> None:
    texts = load_catalogue("zh").texts
    for spec in SPECS:
        for text in (spec.variable.meaning, texts[spec.variable.meaning]):
            assert "`" not in in_line(text)
            assert "**" not in in_line(text)
