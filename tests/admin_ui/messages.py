"""All texts that the UI shows, found in its source: in templates by their syntax tree, in Python by theirs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent.parent / "admin_ui"
_NAMES = {"_", "_n", "mark"}


def messages() -> dict[str, str]:
    """Every text that is looked up in a catalogue, with the file where it stands."""
    found: dict[str, str] = {}
    for path in sorted(ROOT.rglob("*.html")):
        for text in _in_template(path.read_text("utf-8")):
            found.setdefault(text, path.name)
    for path in sorted(ROOT.rglob("*.py")):
        for text in _in_python(path.read_text("utf-8")):
            found.setdefault(text, path.name)
    return found


def places(text: str) -> set[str]:
    """The `{names}` in a text."""
    return set(re.findall(r"\{[a-z_0-9]*\}", text))


def _in_template(source: str) -> Iterator[str]:
    for call in Environment().parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _NAMES:
            arguments = [node.value for node in call.args if isinstance(node, nodes.Const)]
            texts = [value for value in arguments if isinstance(value, str)]
            if texts:
                yield texts[1] if call.node.name == "_n" else texts[0]


def _in_python(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _NAMES:
            texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if texts:
                yield texts[1] if call.func.id == "_n" else texts[0]
