"""Pages are complete, and their links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "changes").glob("*.md"))]


def codes_in_code() -> Iterator[tuple[str, str]]:
    """Give each error code with where it stands: of a class, or given to an error as it is made."""
    for folder in ("gateway", "storage", "adapters"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                values: list[ast.expr | None] = []
                if isinstance(node, ast.ClassDef):
                    values = [
                        item.value
                        for item in node.body
                        if isinstance(item, ast.Assign | ast.AnnAssign) and "code" in names(item)
                    ]
                elif isinstance(node, ast.Call):
                    values = [word.value for word in node.keywords if word.arg in {"code", "upstream_code"}]
                for value in values:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                        yield value.value, f"{path.relative_to(ROOT)}:{value.lineno}"


def names(item: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = item.targets if isinstance(item, ast.Assign) else [item.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def documented_codes() -> set[str]:
    rows = [line for line in (ROOT / "docs/errors.md").read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_error_code_is_documented():
    known = documented_codes()
    missing = {code: where for code, where in codes_in_code() if code not in known}
    assert missing == {}, "add them to docs/errors.md"


def test_no_error_code_is_documented_that_the_code_does_not_have():
    assert documented_codes() - {code for code, _ in codes_in_code()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readme_opens_with_the_two_commands():
    lines = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert lines[1].split()[0] == "scripts/run"
    assert lines[2].split()[0] == "scripts/test"


def test_news_fragments_have_a_known_kind_and_say_something():
    for path in (ROOT / "changes").iterdir():
        if path.name != "README.md":
            assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name), path.name
            assert path.read_text(encoding="utf-8").strip(), path.name


@pytest.mark.parametrize("name", ["runtime", "dev", "build", "servers"])
def test_lock_files_pin_every_package_by_hash_and_name_no_index(name):
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.partition("\n")[2].strip())
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+==\S+ ", block), block
        assert "--hash=sha256:" in block
