"""One gateway for the whole matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compatibility.house import House, house
from tests.compatibility.printing import WRITE
from tests.support.background import Background, in_background

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known when this folder is run by itself."""
    parser.addoption(WRITE, action="store_true", help="write docs/compatibility.md from this run")


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background[House]]:
    """Gateway and mock, in a thread of their own."""
    with in_background(house(tmp_path_factory.mktemp("house"))) as running:
        yield running


@pytest.fixture
def here(everything: Background[House]) -> House:
    """The same, with nothing asked yet."""
    everything.value.stage.clear()
    return everything.value
