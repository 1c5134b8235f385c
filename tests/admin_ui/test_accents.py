"""Colours of the style sheets are read from them, and computed: each accent is readable in both themes."""

from __future__ import annotations

import re

import pytest

from admin_ui.assets import load_assets
from admin_ui.views.option_sections import setting_of
from gateway.registry.option_specs import ACCENTS

_TEXT, _PART = 4.5, 3.0
_PAIR = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")


def style(name: str) -> str:
    found = load_assets().get(f"app/{name}.css")
    assert found is not None
    return found.plain.decode()


def colours(accent: str) -> tuple[dict[str, str], dict[str, str]]:
    """All colours with an accent, in the light theme and in the dark one."""
    own = re.search(rf'\[data-accent="{accent}"\] {{(.*?)}}', style("accents"), re.DOTALL)
    pairs = _PAIR.findall(style("ui")) + (_PAIR.findall(own[1]) if own else [])
    return {name: light for name, light, _ in pairs}, {name: dark for name, _, dark in pairs}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_wcag_has_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("accent", ACCENTS)
def test_each_accent_is_readable_in_both_themes(accent: str) -> None:
    if accent != ACCENTS[0]:
        assert f'[data-accent="{accent}"]' in style("accents")
    for c in colours(accent):
        texts = [(c[ink], c[ground]) for ink in ("accent", "accent-strong")
                 for ground in ("canvas", "surface", "sunken", "raised", "accent-tint")]  # fmt: skip
        texts += [(c["on-accent"], c["accent"]), (c["on-accent"], c["accent-strong"])]
        texts += [(c["text"], c["accent-tint"]), (c["muted"], c["accent-tint"])]
        assert min(contrast(*pair) for pair in texts) >= _TEXT, accent
        # Rings and filled switches beside the lines of fields.
        assert contrast(c["accent"], c["canvas"]) >= _PART


def test_every_accent_can_be_chosen() -> None:
    setting = setting_of("Accent")
    assert setting is not None
    assert tuple(value for value, _ in setting.choices) == ACCENTS
