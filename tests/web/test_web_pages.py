"""The pages: what each shows, that it is well made and reachable by everybody, and how little it asks."""

import functools
import itertools

import msgspec
import pytest
from starlette.testclient import TestClient

from lastgood.core.discovery import Problem
from lastgood.core.errors import StoreUnavailable, UnknownFeature
from lastgood.core.record import Pause
from lastgood.web.app import create_web
from lastgood.web.pages import brief
from twins.clock import ManualClock
from twins.door import HOST, TOKEN, open_access
from twins.html import Page
from twins.lastgood import (
    HOSTILE,
    NOW,
    PRIYA,
    TOMASZ,
    MemoryLastgood,
    MemoryRecords,
    oid,
    sample_chain,
    sample_operation,
    version,
)

PATHS = {
    "/applications": ["apps", "problems"],
    "/applications?show=attention&q=web&environment=production": ["apps", "problems"],
    "/timeline": ["timeline", "apps"],
    "/apps/web-production/timeline": ["timeline", "status", "apps"],
    "/apps/web-production/timeline?outcome=failed&from=2026-11-01&to=2026-11-30": ["timeline", "status", "apps"],
    "/apps/images-staging/timeline": ["timeline", "status", "apps"],
    "/apps/tax-production/timeline": ["timeline", "status", "apps"],
    "/apps/search-production/timeline": ["timeline", "status", "apps"],
    "/apps/stock-production/timeline": ["timeline", "status", "apps"],
    "/apps/cart-production/timeline": ["timeline", "status", "apps"],
    "/apps/web-production/services": ["status", "services", "apps"],
    "/apps/tax-production/services?q=web&health=Unknown": ["status", "services", "apps"],
    "/apps/web-production/services?q=nowhere": ["status", "services", "apps"],
    "/apps/web-production/state": ["status", "tree", "apps"],
    "/apps/web-production/state?q=x2x&kind=Pod": ["status", "tree", "apps"],
    "/apps/web-production/state?q=nowhere": ["status", "tree", "apps"],
    "/apps/web-production/state?r=/Pod/web/web-7d4-x2x": ["status", "tree", "pod_events web", "pod_log", "apps"],
    "/apps/web-production/state?r=apps/Deployment/web/web": ["status", "tree", "apps"],
    "/apps/web-production/records/n6": ["show"],
    "/apps/web-production/records/n8": ["show"],
    "/apps/web-production/plan?to=c40d9a7": ["plan", "status", "apps"],
    "/apps/web-production/plan?to=c40d9a7&app=cart-production&mode=revert": ["plan", "status", "apps"],
    "/apps/web-production/plan?to=c40d9a7&mode=revert": ["plan", "status", "apps", "timeline"],
    "/apps/web-production/undo": ["plan_undo", "status"],
    "/apps/web-production/hold": ["status"],
    "/apps/web-production/hold?version=e81f4b2": ["status", "hold"],
    "/apps/web-production/unhold": ["status"],
    "/apps/web-production/pause": ["status"],
    "/apps/search-production/resume": ["status"],
    "/apps/web-production/retry": ["status", "retry"],
    "/apps/tax-production/forget": ["status", "forget"],
    "/features": ["apps"],
    "/features?q=PR-481": ["where", "apps"],
    "/features?a=staging&b=production": ["apps", "compare"],
    "/features?a=staging&b=nowhere": ["apps", "compare"],
    "/figures": ["figures", "figures", "apps"],
    "/figures?weeks=52&app=web-production": ["figures", "figures", "apps"],
    "/figures?by=group&environment=production": ["figures", "figures", "apps"],
    "/operations/op1": ["operation", "status"],
    "/sign-in": [],
}

NOTE = "note t-bad"
OPERATIONS = ("op1", "11111111-2222-3333-4444-555555555555")


@pytest.fixture(autouse=True)
def _an_operation(lastgood):
    for name in OPERATIONS:
        lastgood.operations[name] = sample_operation(name, PRIYA)


@pytest.mark.parametrize(("path", "calls"), PATHS.items(), ids=list(PATHS))
def test_a_page_asks_a_fixed_number_of_questions(browser, lastgood, records, path, calls):
    """However many records and applications there are; the chart costs two counts."""
    assert browser.get(path).status_code == 200
    assert lastgood.calls == calls
    assert records.calls == (["buckets", "count"] if "timeline" in calls and "plan" not in calls else [])


@pytest.fixture(scope="module")
def read():
    """Read pages that nothing changes: each one once."""
    lastgood = MemoryLastgood()
    for name in OPERATIONS:
        lastgood.operations[name] = sample_operation(name, PRIYA)
    web = create_web(lastgood, MemoryRecords(lastgood), access=open_access(), clock=ManualClock(NOW), version="0.1.0")
    browser = TestClient(web, base_url=f"http://{HOST}", follow_redirects=False)
    assert browser.get(f"/?token={TOKEN}").status_code == 303
    return functools.cache(browser.get)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_well_made_and_reachable(read, path):
    """Tags nest; ids are unique; one h1, no heading skipped; every field, link, button and picture has a name."""
    page = Page(read(path).text)

    ids = [element.given["id"] for element in page.elements if "id" in element.given]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
    assert [element.given.get("lang") for element in page.all("html")] == ["en"]
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    levels = [int(element.tag[1]) for element in page.elements if element.tag in {"h1", "h2", "h3", "h4", "h5"}]
    in_main = levels[levels.index(1) :]
    assert all(after - before <= 1 for before, after in itertools.pairwise(in_main)), levels
    labelled = {element.given.get("for") for element in page.all("label")}
    for field in [*page.all("input"), *page.all("select"), *page.all("textarea")]:
        if field.given.get("type") != "hidden":
            assert field.given.get("id") in labelled or field.within("label"), field.given
    for element in [*page.all("a"), *page.all("button"), *page.all("summary")]:
        assert element.text.strip() or element.given.get("aria-label"), element.given
    for element in page.all("a"):
        assert element.given.get("href"), element.given
    for element in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            if name in element.given:
                assert set(element.given[name].split()) <= set(ids), element.given
        assert int(element.given.get("tabindex") or 0) <= 0
    for icon in page.all("use"):
        assert icon.given["href"][1:] in ids, icon.given
    for table in page.all("table"):
        assert any(cell.given.get("scope") for cell in page.all("th") if cell.within("table") is table)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_no_script_or_style_of_its_own(read, path):
    """So that the strictest policy holds, and hostile text has nothing to break out into."""
    page = Page(read(path).text)

    assert all(
        element.given.get("src", "").startswith("/static/") and not element.text for element in page.all("script")
    )
    assert page.all("style") == []
    for element in page.elements:
        assert "style" not in element.given
        assert not [name for name in element.given if name.startswith(("on", "hx-on", "hx-vals"))], element.given
        for name in ("href", "src", "action", "formaction"):
            value = element.given.get(name, "/")
            assert value.startswith(("/", "#", "data:,", "?", "https://git.example.com/")), (name, value)


@pytest.mark.parametrize("path", PATHS)
def test_every_link_leads_somewhere(read, path):
    """No link of a page is dead."""
    page = Page(read(path).text)
    links = {
        element.given["href"].partition("#")[0] for element in page.all("a") if element.given["href"].startswith("/")
    }

    for link in sorted(links)[:40]:
        assert read(link).status_code in {200, 303}, link


@pytest.mark.parametrize(
    "path",
    [
        "/timeline",
        "/apps/web-production/timeline",
        "/apps/web-production/records/n1",
        "/apps/web-production/records/n8",
        "/features?a=staging&b=production",
        "/apps/web-production/services",
        "/apps/images-staging/state?r=/Pod/images/web-7d4-x2x",
    ],
)
def test_hostile_text_from_git_is_text(browser, path):
    """Subjects, names, messages and images of the worst kind stay inside their elements."""
    html = browser.get(path).text
    page = Page(html)

    assert HOSTILE not in html
    assert any(HOSTILE in element.text for element in page.elements)
    assert not list(page.all("img"))
    assert "49" not in [element.text.strip() for element in page.elements]


def test_a_record_shows_what_it_carried(browser):
    """What entered, what left, what is not known and why, and how much is not kept; each with its counts."""
    page = Page(browser.get("/apps/web-production/records/n8").text)
    assert "#1304, #1302" in [" ".join(element.text.split()) for element in page.all("dd")]

    headings = [element.text for element in page.all("h5")]
    assert headings == ["Entered (1)", "Left (1)"]
    items = [" ".join(element.text.split()) for element in page.all("li") if "#482" in element.text]
    assert items == [f"Gift message on checkout web, #482, {TOMASZ.name}"]
    assert [one.text for one in page.all("span") if one.given.get("class") == "chip"][-2:] == ["q4", HOSTILE]
    shown = [" ".join(element.text.split()) for element in page.all("p")]
    assert "3 more features are not kept with the record." in shown
    assert "Not known of search: its tag tells no revision" in shown
    assert "web: built from ccccccc of https://git.example.com/shop/web, as its tag tells" in shown
    assert "search: its source revision is not known" in shown


def test_a_record_shows_the_settings_that_it_changed(browser):
    """Each with before and after, a secret without them, and how many more; the timeline counts them."""
    page = Page(browser.get("/apps/web-production/records/n2").text)

    rows = [" ".join(element.text.split()) for element in page.all("tr")]
    assert "spec.memory Process web512Mi768Mi" in rows
    assert "spec.env.API_TOKEN Process webhiddenhidden" in rows
    assert "And 4 more; see the difference of the two versions." in [e.text for e in page.all("p")]
    assert HOSTILE not in browser.get("/apps/web-production/records/n2").text
    timeline = Page(browser.get("/apps/web-production/timeline").text)
    assert "7 settings only" in [" ".join(element.text.split()) for element in timeline.all("span")]


def test_a_step_without_words_takes_no_line_for_them(browser):
    """Its time stands right below its name."""
    html = browser.get("/operations/op1").text

    assert "" not in [one.text for one in Page(html).all("span") if one.given.get("class") == "dim wrapany"]
    assert "</b><br>" not in html


def test_an_application_that_was_forgotten_has_its_records(browser, lastgood):
    """Nothing of now is shown, but that it is gone; what never was has no page."""
    del lastgood.views["web-production"]
    page = Page(browser.get("/apps/web-production/timeline").text)

    assert [element.text for element in page.all("h1")] == ["web-production"]
    assert "there is no application web-production" in [element.text for element in page.all("b")]
    assert "/apps/web-production/records/n9" in {element.given.get("href") for element in page.all("a")}
    part = browser.get("/apps/web-production/timeline?outcome=failed", headers={"HX-Request": "true"}).text
    assert "<h1" not in part
    assert browser.get("/apps/never-was/timeline").status_code == 404


def test_the_page_of_features_answers_by_environment_and_compares(browser, lastgood):
    """Yes, no and not known with since, through and why; a feature that nobody knows is said, and escaped."""
    page = Page(browser.get("/features?q=PR-481").text)
    assert [element.text for element in page.all("h4")] == ["production", "staging", "without an environment"]
    answers = [" ".join(element.text.split()) for element in page.all("p") if element.given.get("class") == "answer"]
    assert "Yes web-production" in answers

    links = {element.given["href"] for element in page.all("a")}
    assert "/apps/web-production/records/n9" in links
    image = Page(browser.get("/features?q=web:1.4.2").text)
    assert ([e.text for e in page.all("h3")], [e.text for e in image.all("h3")]) == (
        ["Gift message on checkout"],
        ["web:1.4.2"],
    )
    assert "/timeline?image=web%3A1.4.2" in {element.given["href"] for element in image.all("a")}
    tag = Page(browser.get("/features?q=1.4.2").text)
    assert "/timeline?image=1.4.2" in {element.given["href"] for element in tag.all("a")}

    assert {"q4", HOSTILE} <= {element.text for element in page.all("span") if element.given.get("class") == "chip"}

    steps = [" ".join(element.text.split()) for element in page.all("li")]
    assert [step for step in steps if step.startswith(("Issue", "Pull", "Build", "Image", "Deployment"))] == [
        "Issue SHOP-107",
        "Pull request PR-481Gift message on checkout, by Tomasz Wrona",
        "Build the build's page",
        f"Image shop/web:1.4.2@sha256:{'b' * 12}… built from c0ffee{oid('c0ffee')[6]}",
        "Deployment n8 succeeded4 h ago, took 5 min",
    ]
    assert "/apps/web-production/records/n8" in links
    assert "https://git.example.com/runs/2231" in links
    assert not [one for one in links if one.startswith("javascript")]

    compared = Page(browser.get("/features?a=staging&b=production").text)
    cells = [" ".join(element.text.split()) for element in compared.all("li")]
    assert any(cell.startswith("Gift message on checkout #482since 2 days ago") for cell in cells), cells
    assert any(f"{HOSTILE}:aaaaaaa" in element.text for element in compared.all("td"))
    assert any("From the deployment records. web: the repo is gone" in e.text for e in compared.all("td"))
    assert "no application is in the environment staging" in browser.get("/features?a=staging&b=nowhere").text

    async def unknown(feature):
        raise UnknownFeature(feature=feature, repo="shop")

    lastgood.where = unknown
    answer = browser.get("/features", params={"q": HOSTILE})
    assert answer.status_code == 200
    assert "No source repo knows this feature" in answer.text
    assert HOSTILE not in answer.text


LEFT = "arrived with c40d9a7, left 1 h later with rollback 5b2aa38, 3 h ago: "


def test_an_application_without_the_feature_says_whether_it_left_or_was_never_there(browser, lastgood):
    """Left, and with what; not there yet; simply no; each part that is not known with its reason, and none invented."""
    answer = lastgood.where

    async def without(feature):
        return [msgspec.structs.replace(one, contains=False, via=None) for one in await answer(feature)]

    lastgood.where = without
    lastgood.chains |= {
        "web-staging": sample_chain(
            build=None, images=(), config=None, deployment=None, left_config=None, left=None, held=False
        ),
        "cart-staging": sample_chain(
            build=None, images=(), config=None, deployment=None, left_config=None, left=None, held=False,
            unknown={"left": "no tag", "deployment": "no tag"},
        ),
    }  # fmt: skip
    html = browser.get("/features?q=PR-481").text
    page = Page(html)
    shown = [" ".join(element.text.split()) for element in page.all("p")]
    answers = [one for one in shown if one.startswith(("No", "Yes"))]
    assert "No, it left web-production Held" in answers
    assert {"Not yet web-staging", "No cart-staging", "No search-production"} <= set(answers)
    assert any(one.startswith(LEFT) for one in shown), shown
    assert HOSTILE not in html
    steps = [" ".join(element.text.split()) for element in page.all("li")]
    assert "Deployment Not there yet" in steps
    assert "Deployment Not knownno tag" in steps
    summaries = [" ".join(element.text.split()) for element in page.all("summary")]
    assert {"How it came to web-production", "How it comes to web-staging"} <= set(summaries)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("1.4.2", "1.4.2"),
        ("a" * 40, "aaaaaaa"),
        (f"1.4.2@sha256:{'0' * 64}", "1.4.2@sha256:000000000000…"),
        ("a" * 41, "a" * 41),
    ],
)
def test_a_reference_is_written_as_people_tell_it(reference, expected):
    """Of an id or a digest the beginning; a tag whole."""
    assert brief(reference) == expected


def test_a_link_of_another_kind_than_http_is_only_text(browser):
    """A pull request whose address is `javascript:` is not a link."""
    page = Page(browser.get("/apps/web-production/records/n8").text)

    assert any("#1304" in element.text for element in page.all("dd"))
    assert not [element for element in page.all("a") if element.given["href"].startswith("javascript")]


def test_the_part_that_htmx_fetches_is_the_part_that_the_page_includes(browser):
    """One template for both: the fragment stands in the whole page, letter for letter."""
    pages = ("/applications", "/timeline?outcome=failed", "/apps/web-production/timeline", "/operations/op1")
    inside = ("/apps/web-production/services", "/apps/web-production/state?r=/Pod/web/web-7d4-x2x")
    for path in (*pages, *inside):
        whole = browser.get(path).text
        part = browser.get(path, headers={"HX-Request": "true"}).text
        assert "<html" not in part
        assert part.strip() in whole


def test_a_page_that_history_brings_back_is_whole(browser):
    """Htmx asks for it when its own copy is gone."""
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}

    assert "<html" in browser.get("/applications", headers=headers).text


def test_what_is_wrong_in_a_repo_stands_above_the_applications(browser, lastgood):
    """Its file, line, reason and what to do; what concerns one application alone is said in its own row."""
    wrong = Problem(app=None, file="lastgood.yaml", line=4, reason="no key 'pth'", hint="did you mean path?", repo="a")
    away = Problem(app=None, file="", line=None, reason="the repo b is unreachable: no route", hint="it is asked again")
    one = Problem(app="web-production", file="lastgood.yaml", line=9, reason="its path is missing", repo="a")
    lastgood.wrong = [away, wrong, one]

    notes = [note.text for note in Page(browser.get("/applications").text).all("p") if note.given.get("class") == NOTE]
    assert notes == [
        "the repo b is unreachable: no route; it is asked again",
        "a: lastgood.yaml:4: no key 'pth'; did you mean path?",
    ]
    lastgood.views = {}
    assert "no route" in browser.get("/applications").text


def test_a_trouble_of_the_repo_is_said_once_on_the_pages_of_an_application(browser, lastgood):
    """Not as a state, a warning and a repository's trouble at once."""
    lastgood.repo_state = ("broken", "lastgood.yaml:4: there is no key 'pth' here")
    facts = browser.get("/apps/web-production/timeline").text.partition("<main")[0]

    assert facts.count("no key") == 1


def test_an_application_without_an_environment_is_shown_beside_those_with_one(browser, lastgood):
    """Its version has a cell, though no column is named after where it runs."""
    from twins.lastgood import view  # noqa: PLC0415 - beside the one use

    lastgood.views = {"web-production": view("web-production", "web", "production"), "solo": view("solo", "solo", None)}
    page = Page(browser.get("/applications").text)

    assert [cell.text for cell in page.all("th") if cell.given.get("scope") == "col"] == [
        "Application", "Health", "Sync", "production", "Elsewhere", "Last change",
    ]  # fmt: skip
    cells = [cell.text for cell in page.all("td") if cell.given.get("data-l") == "Elsewhere"]
    assert len(cells) == 2
    assert sum("Not deployed here" in cell for cell in cells) == 1


def test_what_needs_a_person_comes_first(browser):
    """The worst first, then what is out of the ordinary, then everything that is fine."""
    page = Page(browser.get("/applications").text)
    heads = [element for element in page.all("th") if element.given.get("scope") == "row"]
    rows = [link.text for link in page.all("a") if link.parent in heads]

    assert rows[:3] == ["images", "web", "mail-and-newsletter-dispatcher"]
    assert rows[-2:] == ["cart", "night-jobs"]


def test_the_verdict_urges_only_when_something_is_wrong(browser):
    """A solid button where production is bad; an outline where going back is possible, not urged."""
    bad = browser.get("/apps/web-production/timeline").text
    good = browser.get("/apps/cart-production/timeline").text

    assert 'btn primary big full" href="/apps/web-production/plan?to=c40d9a7' in bad
    assert "What went wrong" in bad
    assert 'btn big full" href="/apps/cart-production/plan?to=c40d9a7' in good
    assert "Nothing is wrong" in good


def test_what_is_not_known_is_said_to_be_unknown(browser):
    """Never fine, no or zero for something nobody looked at; and no good version is not guessed."""
    page = browser.get("/apps/mail-and-newsletter-dispatcher-production/timeline").text

    assert "In production now: not known" in page
    assert "No other good version yet" in page
    assert "Nothing is wrong" not in page


def test_a_chart_that_cannot_be_counted_leaves_the_list(browser, records, monkeypatch):
    """A part that failed says so in its place; the rest stays."""

    async def locked(*_args):
        raise StoreUnavailable(reason="locked")

    monkeypatch.setattr(records, "deployment_buckets", locked)
    page = browser.get("/apps/web-production/timeline").text

    assert "cannot be counted now" in page
    assert "Release cart 3.13.0" in page


def test_a_chart_of_what_began_today_shows_hours(browser, lastgood, records, monkeypatch):
    """A month of which only the end is filled says little; who chose a period gets the one that was chosen."""
    monkeypatch.setattr(
        lastgood, "entries", [e for e in lastgood.entries if e.deployment and e.app == "web-production"][:1]
    )
    hours = browser.get("/apps/web-production/timeline").text
    chosen = browser.get("/apps/web-production/timeline?from=2026-11-01").text

    assert "Deployments per hour" in hours
    assert "Deployments per day" in chosen
    assert records.calls == ["buckets", "buckets", "count", "buckets", "count"]


def test_older_records_are_a_link_by_key(browser, lastgood):
    """50 on a page; the link continues after the last one, with the filters kept, and htmx gets the records alone."""
    one = next(entry for entry in lastgood.entries if entry.number == 8)
    import msgspec  # noqa: PLC0415 - beside the one use

    lastgood.entries = [msgspec.structs.replace(one, number=n, cursor=f"key-{n}") for n in range(120, 0, -1)]
    page = Page(browser.get("/apps/web-production/timeline?author=tomasz").text)
    older = next(element for element in page.all("a") if element.text == "Older records")

    assert len(page.all("article")) == 50
    assert older.given["href"] == "/apps/web-production/timeline?author=tomasz&before=key-71"
    part = browser.get(older.given["href"], headers={"HX-Request": "true"}).text
    assert part.count("<article") == 50
    assert "<main" not in part
    last = browser.get("/apps/web-production/timeline?author=tomasz&before=key-21").text
    assert "Older records" not in last
    assert "This is the beginning" in last


def test_a_filter_that_matches_nothing_offers_the_way_out(browser):
    """The words say so, and one link clears it."""
    page = browser.get("/apps/web-production/timeline?q=giftcard").text

    assert "No record matches" in page
    assert 'href="/apps/web-production/timeline">Clear search and filters' in page
    assert "lies in the future" not in page
    for query, why in (
        ("from=2099-01-01", "The period lies in the future."),
        ("from=2026-11-10&to=2026-11-08", "The period ends before it begins."),
    ):
        said = browser.get(f"/timeline?{query}").text
        assert why in said
        assert "in this period" not in said
        assert "cannot be counted" not in said


@pytest.mark.parametrize("query", ["from=2026-13-01", "outcome=good", "q=" + "x" * 600, "to=x", "from=0001-01-01"])
def test_a_filter_that_nobody_can_read_is_said_to_be_wrong(browser, query):
    """As a page, with status 422; nothing breaks."""
    assert browser.get(f"/apps/web-production/timeline?{query}").status_code == 422


def test_a_lane_leads_from_a_rollback_to_the_same_content(browser):
    """Over the records between, and past a healing of the same commit."""
    page = Page(browser.get("/apps/web-production/timeline").text)
    lanes = {element.given["id"]: element.given["class"].split()[1] for element in page.all("article")}

    assert lanes["r-web-production-n6"] == "out"
    assert lanes["r-web-production-n5"] == "mid"
    assert lanes["r-web-production-n4"] == "mid"
    assert lanes["r-web-production-n3"] == "in"
    assert lanes["r-web-production-n2"] not in {"out", "mid", "in"}


def test_a_pause_says_so_on_every_page_of_the_application(browser, lastgood):
    """Whose scope it is, by whom, and why."""
    lastgood.pauses.append(Pause(scope="environment", name="production", reason="audit", by="Lena", since=NOW))
    page = browser.get("/apps/web-production/timeline").text

    assert "Paused" in page
    assert "environment production" in page
    assert "audit" in page


def test_the_address_of_an_application_leads_to_its_timeline(browser):
    """Who shortens an address, or writes one, is not told that there is no such page."""
    answer = browser.get("/apps/web-production")

    assert (answer.status_code, answer.headers["location"]) == (303, "/apps/web-production/timeline")


def test_the_theme_is_kept_in_a_cookie(browser):
    """Forced by the link, without JavaScript; the way back is the page it came from."""
    answer = browser.get("/theme/dark?back=/timeline%3Foutcome=failed")
    assert (answer.status_code, answer.headers["location"]) == (303, "/timeline?outcome=failed")

    assert '<html lang="en" data-theme="dark">' in browser.get("/applications").text
    assert "data-theme" not in browser.get("/theme/pink?back=//evil.example", follow_redirects=True).text.replace(
        'data-theme="dark"', ""
    )


def test_static_files_are_ours_and_the_installed_packages(stranger):
    """With the mark of their content they may be kept for ever; nothing else is served."""
    for name in ("lastgood.css", "htmx.js", "sse.js", "live.js", "live-worker.js"):
        assert stranger.get(f"/static/{name}").status_code == 200
    assert stranger.get("/static/../app.py").status_code in {401, 404}
    assert stranger.get("/static/app.py").status_code == 404
    page = stranger.get("/sign-in").text
    marked = page.split('href="')[2].split('"')[0]
    assert "immutable" in stranger.get(marked).headers["cache-control"]
    assert "immutable" not in stranger.get("/static/live.js?v=0").headers["cache-control"]


def test_many_environments_share_one_column(browser, lastgood):
    """A table does not grow sideways without end."""
    from twins.lastgood import view  # noqa: PLC0415 - beside the one use

    lastgood.views = {f"web-{n}": view(f"web-{n}", "web", f"env{n}") for n in range(6)}
    page = Page(browser.get("/applications").text)

    assert [cell.text for cell in page.all("th") if cell.given.get("scope") == "col"] == [
        "Application", "Health", "Sync", "Environments", "Last change",
    ]  # fmt: skip
    assert version("abc", "x", PRIYA, NOW).short == "abc"


def test_no_application_says_what_to_do_first(browser, lastgood):
    """An empty server explains itself."""
    lastgood.views = {}

    assert "lastgood init" in browser.get("/applications").text


def test_what_the_render_warned_of_is_on_the_page_of_the_application(browser, lastgood):
    """An unsupported key is named there for as long as that version runs."""
    before = lastgood.views["cart-production"]
    lastgood.views["cart-production"] = msgspec.structs.replace(before, message="log_level is not supported")

    facts = browser.get("/apps/cart-production/timeline").text.partition("<main")[0]
    assert facts.count("log_level is not supported") == 1
