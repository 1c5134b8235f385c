"""The page of all parts, for whoever changes how they look."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.admin_ui.browser import Site, reader, running_site
from tests.admin_ui.looks import ALL_LOOKS, faults_of
from tests.support.tls import no_tls


@pytest.mark.slow
def test_all_parts_are_clean_in_every_look(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> None:
    with running_site(tmp_path_factory.mktemp("kit"), DEBUG="true") as site:
        with reader(browser, site) as one:
            one.sign_in("root", "123456")
            state = one.context.storage_state()
        wrong: list[str] = []
        for look in [*ALL_LOOKS, (320, "en", "light")]:
            width, language, theme = look
            with reader(browser, site, width=width, language=language, theme=theme, state=state) as one:
                wrong += faults_of(one, "/ui-kit", role="root", look=look)
        assert wrong == []


def test_it_is_not_there_otherwise(site: Site) -> None:
    assert httpx2.get(f"{site.url}/ui-kit", trust_env=False, verify=no_tls()).status_code == 404
