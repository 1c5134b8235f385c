"""Addresses that somebody typed: each is answered with a page, whatever it says."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.admin_ui.browser import PASSWORD, Site
from tests.admin_ui.test_pages import PAGES

pytestmark = pytest.mark.slow

LONG = "9" * 30
NUMBERS = ("abc", "0", "-1", LONG, "%00", "%C2%B2", "1%27", "%F0%9F%92%A9", "%ff")
THINGS = (
    "audit/{}",
    "channels/{}",
    "channels/{}/edit",
    "channels/{}/history",
    "channels/{}/models",
    "channels/{}/keys",
    "channels/{}/test",
    "codes/{}",
    "codes/{}/delete",
    "models/{}",
    "requests/{}",
    "routing/shadows/{}",
    "settings/{}",
    "settings/alerts/{}",
    "tokens/{}",
    "tokens/{}/edit",
    "users/{}",
    "users/{}/edit",
    "users/{}/topup",
)
QUERIES = (
    "page=-1&p=-1&size=99999&more=99999&range=nonsense&sort=nonsense&order=up&dir=older&before=abc&view=x&kind=x",
    "range=custom&from=2026-99-99&to=x&since=9999-99-99&until=x&month=0000-00&day=x",
    "range=custom&from=0001-01-01&to=9999-12-31&since=9999-12-31&until=0001-01-01",
    f"id={LONG}&channel={LONG}&user={LONG}&who={LONG}&object={LONG}&status={LONG}&type={LONG}&page={LONG}&of={LONG}",
    "q=%00%ff&user=%00&model=%00&channel=%00&group=%00&token=%00&tag=%00&next=%00&who=%C2%B2&id=%C2%B2&min_cost=nan",
)


@pytest.fixture(scope="module")
def by_hand(site: Site) -> Iterator[httpx2.Client]:
    """Root, who types addresses and is led nowhere else."""
    client = site.api("root", PASSWORD)
    client.follow_redirects = False
    yield client
    client.follow_redirects = True


@pytest.mark.parametrize("thing", THINGS)
def test_what_does_not_exist_is_said_on_a_page(by_hand: httpx2.Client, thing: str) -> None:
    odd: dict[str, object] = {}
    for number in NUMBERS:
        answer = by_hand.get("/" + thing.format(number))
        # A model of any name has a page, and settings without a section their first one.
        if answer.status_code not in (404, 200, 303) or (answer.status_code != 303 and "<h1" not in answer.text):
            odd[number] = answer.status_code
        if thing.startswith(("channels", "users", "codes", "tokens")) and answer.status_code == 200:
            odd[number] = "shown"
    assert odd == {}


@pytest.mark.parametrize("path", [path for path in PAGES["root"] if "?" not in path])
def test_wishes_that_cannot_be_leave_the_page_as_it_is(by_hand: httpx2.Client, path: str) -> None:
    expected = by_hand.get(path).status_code
    assert {query: by_hand.get(f"{path}?{query}").status_code for query in QUERIES} == dict.fromkeys(
        QUERIES, expected
    )


def test_what_a_service_refuses_is_said_in_a_sentence(by_hand: httpx2.Client) -> None:
    answer = by_hand.get("/channels/4711", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert '<p role="alert">Channel 4711 was not found.</p>' in answer.text
