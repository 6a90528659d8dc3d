"""The dashboard of a running server in a real Chromium: what a tired person looks at, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from twins.lastgood import sample_chain

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_link_opens_the_applications_and_leads_to_a_timeline_and_a_plan(server, chromium, javascript):
    """From the printed link to the plan of a rollback by clicks alone; no page complains in the console."""
    page = chromium.new_context(java_script_enabled=javascript).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.server.page)
    assert "token" not in page.url
    page.goto(f"{server.server.url}/apps/web-production/timeline")
    expect(page.get_by_text("Release web to production").first).to_be_visible()
    page.get_by_role("link", name="Roll back").first.click()
    expect(page).to_have_url(re.compile("/plan"))
    expect(page.get_by_text("Nothing has changed yet")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["/applications", "/timeline", "/apps/web-production/timeline"])
def test_no_page_scrolls_sideways(server, chromium, width, path):
    """Nothing is wider than the screen, on a phone or on a desk."""
    page = chromium.new_context(viewport={"width": width, "height": 800}).new_page()
    page.goto(server.server.page)
    page.goto(server.server.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_stranger_sees_nothing(server, chromium):
    """Without the token there is no application on the page."""
    page = chromium.new_context().new_page()
    answer = page.goto(f"{server.server.url}/applications")
    assert answer is not None
    assert answer.status == 401
    assert "web-production" not in page.content()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_way_of_a_feature_is_read_without_javascript(shop, chromium, width, theme):
    """The first way is open, the next opens by a press, and nothing is wider than the screen."""
    shop.lastgood.chains["web-staging"] = sample_chain(left=None, left_config=None)
    page = chromium.new_context(
        java_script_enabled=False, viewport={"width": width, "height": 800}, color_scheme=theme
    ).new_page()
    page.goto(shop.page)
    page.goto(f"{shop.url}/features?q=PR-481")
    ways = page.locator("details.chainbox")
    assert [ways.nth(n).locator(".chain").is_visible() for n in range(ways.count())] == [True, False]
    ways.nth(1).locator("summary").click()
    expect(ways.nth(1).get_by_text("Config commit")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
