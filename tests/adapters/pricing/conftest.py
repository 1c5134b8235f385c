import pytest

from adapters.pricing.book import PriceBook
from adapters.providers.catalogue import load_catalogue


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return load_catalogue().prices
