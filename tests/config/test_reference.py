"""The table of variables: complete, honest, and the same in --help and in the docs."""

from __future__ import annotations

import ast
from pathlib import Path

from gateway.config.reference import as_markdown, as_text
from gateway.config.settings import GROUPS, SPECS
from tests.config.original import VARIABLES

ROOT = Path(__file__).parent.parent.parent


def test_help_and_docs_list_every_variable():
    text, page = as_text(100), as_markdown()
    for spec in SPECS:
        assert f"  {spec.name}  (" in text
        for name in spec.names:
            assert f"`{name}`" in page
    assert all(name in page for name in VARIABLES)


def test_lines_of_help_fit_the_terminal():
    # Names with long defaults may stick out; explanations may not.
    assert all(len(line) <= 80 for line in as_text(80).splitlines() if line.startswith("      "))


def test_the_page_in_docs_is_fresh():
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == as_markdown(), "run scripts/docs"


def test_every_variable_is_told_of_in_a_sentence():
    for spec in SPECS:
        assert spec.variable.meaning.endswith("."), spec.name
        assert len(spec.variable.meaning) > 12, spec.name
    assert {spec.group for spec in SPECS} == {(group.__doc__ or "").rstrip(".") for group in GROUPS}


def test_a_variable_has_an_effect_exactly_if_the_docs_do_not_deny_it():
    """Some code outside of the configuration reads the setting, or the docs say that it does nothing."""
    used: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        if "config" not in path.relative_to(ROOT).parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {"redis_conn_string", "sync_frequency", "node_type"}  # through properties of the settings
    silent = {spec.field for spec in SPECS if spec.field not in used}
    denied = {spec.field for spec in SPECS if spec.variable.no_effect}
    assert silent - denied == set(), "nothing reads these: read them, or say so with `no_effect`"
    assert denied - silent == set(), "these are read: take their `no_effect` away"
