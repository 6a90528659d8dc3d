"""Acting from the pages in a real Chromium, as it sends forms: the plan, the button, and what follows live."""

import re

import pytest
from playwright.sync_api import Page, expect

from lastgood.demo.shop import NOAH
from twins.shop import ShopServer

pytestmark = pytest.mark.browser
HEALTHY_MS = 60_000
LOADED = 100


def open_page(server: ShopServer, chromium, **context) -> tuple[Page, list[str]]:
    """Sign in with the printed link; returns the page, and what it complains of."""
    page = chromium.new_context(**context).new_page()
    page.set_default_timeout(HEALTHY_MS / 3)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.server.page)
    return page, complaints


def test_a_rollback_from_the_page_is_followed_live_to_healthy_and_undone(server, chromium):
    """Plan, reason, button; the same page shows every step until Healthy, never loaded again; undo leads back."""
    page, complaints = open_page(server, chromium)
    page.goto(f"{server.server.url}/apps/web-production/timeline")
    page.get_by_role("link", name=re.compile("^Roll back")).first.click()
    page.get_by_label("Reason").fill("the gift message is lost")
    page.get_by_role("button", name=re.compile("^Roll back to")).click()

    expect(page).to_have_url(re.compile("/operations/"))
    page.evaluate("window.stays = true")
    expect(page.locator("#progress")).to_contain_text("web-production runs", timeout=HEALTHY_MS)
    expect(page.locator("ol.steps [aria-current]")).to_have_count(0)
    assert page.evaluate("window.stays") is True

    page.get_by_role("link", name="Undo this rollback").click()
    page.get_by_role("button", name=re.compile("^Undo|^Roll back")).click()
    expect(page).to_have_url(re.compile("/operations/"))
    expect(page.locator("#progress")).to_contain_text("web-production runs", timeout=HEALTHY_MS)
    assert complaints == []


@pytest.mark.parametrize(("tab", "revision"), [("services", "merge-16"), ("state", "gift")])
def test_what_runs_is_followed_live(server, chromium, tab, revision):
    """While somebody else releases, the page of what runs shows it, never loaded again, its filter kept."""
    page, complaints = open_page(server, chromium)
    page.goto(f"{server.server.url}/apps/cart-production/{tab}?q=cart")
    part = page.locator(f"#{tab}")
    expect(part).to_contain_text("cart")
    expect(page.locator("#live")).to_have_text("Live")
    page.evaluate(f"window.stays = true; document.getElementById({tab!r}).dataset.old = 'yes'")

    server.shop.writer.pull()
    server.shop.release("cart", revision, NOAH)

    expect(page.locator(f"#{tab}[data-old]")).to_have_count(0, timeout=HEALTHY_MS)
    expect(part).to_contain_text("cart")
    assert page.evaluate("window.stays") is True
    assert page.url.endswith("?q=cart")
    assert complaints == []
    server.settle()


def test_without_javascript_a_rollback_works_with_forms_alone(server, chromium):
    """Chromium says where a form comes from in its own way; the door understands it."""
    page, _ = open_page(server, chromium, java_script_enabled=False)
    page.goto(f"{server.server.url}/apps/cart-staging/timeline")
    page.get_by_role("link", name=re.compile("^Roll back")).first.click()
    page.get_by_label("Reason").fill("VAT is wrong")
    page.get_by_role("button", name=re.compile("^Roll back to")).click()

    expect(page).to_have_url(re.compile("/operations/"))
    # Whoever asks for the page before the agent saw the commit has to load it anew.
    for _ in range(LOADED):
        page.goto(f"{server.server.url}/apps/cart-staging/timeline")
        if "VAT is wrong" in page.content():
            break
        page.wait_for_timeout(HEALTHY_MS / LOADED)
    assert "VAT is wrong" in page.content()
