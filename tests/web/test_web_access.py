"""Who gets in: tokens, sessions, hosts, forgeries, sizes."""

import pytest

from lastgood.core.commit import Person
from lastgood.core.errors import SettingsWrong
from lastgood.web.access import (
    SESSION_S,
    Access,
    Doorkeeper,
    NamedPerson,
    check_address,
    host_name,
    is_loopback,
    token_hash,
)
from lastgood.web.guard import BODY_BYTES, COOKIE
from twins.door import HOST, LENAS_TOKEN, TOKEN
from twins.lastgood import HOSTILE

PAGES = (
    "/",
    "/applications",
    "/timeline",
    "/apps/web-production/timeline",
    "/apps/web-production/plan",
    "/operations/x",
)
API = ("/api/v1/apps", "/api/v1/timeline", "/api/v1/events", "/api/v1/openapi.json", "/api/v1/version")


def csrf_of(browser, path="/apps/web-production/pause"):
    page = browser.get(path).text
    return page.split('name="csrf" value="')[1].split('"')[0]


@pytest.mark.parametrize("path", [*PAGES, *API, "/events"])
def test_a_stranger_gets_nothing_but_the_sign_in(stranger, path, lastgood):
    """Without token or session every page and every route answers 401, and nothing is asked of lastgood."""
    answer = stranger.get(path)

    assert answer.status_code == 401
    assert lastgood.calls == []
    assert "web-production" not in answer.text.replace(path, "")


def test_health_is_open_and_says_only_that(stranger):
    """A load balancer may ask without a token, and learns nothing."""
    assert stranger.get("/healthz").json() == {"status": "ok"}


def test_the_printed_link_opens_a_session_and_loses_its_token(stranger):
    """The token leaves the address at once; the cookie cannot be read by scripts nor sent from other sites."""
    answer = stranger.get(f"/apps/web-production/timeline?q=cart&token={TOKEN}")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/apps/web-production/timeline?q=cart"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/applications").status_code == 200


def test_the_redirect_of_a_link_never_leads_to_another_site(stranger):
    """`//elsewhere/?token=` would be a link to another host if it were repeated."""
    answer = stranger.get(f"http://{HOST}//elsewhere.example/?token={TOKEN}")

    assert answer.headers["location"].startswith("/elsewhere.example")


def test_a_wrong_token_opens_nothing(stranger):
    """A guess gets the sign-in page and no cookie."""
    answer = stranger.get("/?token=guess")

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8484", "", "localhost.evil.example"]
)
def test_another_host_name_is_refused_even_with_a_session(browser, host):
    """DNS rebinding: a page elsewhere that points its own name to this address gets nothing."""
    answer = browser.get("/applications", headers={"Host": host})

    assert answer.status_code == 421
    assert "web-production" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8484", "127.0.0.1", "[::1]:8484", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(script, host):
    """With and without port, in any case."""
    assert script.get("/api/v1/version", headers={"Host": host}).status_code == 200


def test_a_form_without_the_sessions_field_changes_nothing(browser, lastgood):
    """The cookie alone is not enough: the form must come from our page."""
    for fields in ({}, {"csrf": "0" * 64}, {"csrf": ""}):
        answer = browser.post("/apps/web-production/pause", data={"scope": "application", **fields})
        assert answer.status_code == 403
    assert lastgood.orders == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_changes_nothing(browser, lastgood, headers):
    """Even with the right field: what the browser says of the form's origin decides."""
    fields = {"scope": "application", "csrf": csrf_of(browser)}

    assert browser.post("/apps/web-production/pause", data=fields, headers=headers).status_code == 403
    assert lastgood.orders == []


def test_a_form_of_our_own_page_is_carried_out(browser, lastgood):
    """With session, field and origin in order, the order is given in the person's name."""
    fields = {"scope": "application", "csrf": csrf_of(browser), "reason": "stock-taking"}
    headers = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}

    assert browser.post("/apps/web-production/pause", data=fields, headers=headers).status_code == 303
    assert lastgood.orders[0].by == Person(name="Priya Raman", email="priya@example.com")


def test_a_session_ends_after_twelve_hours(access, clock):
    """A forgotten browser does not stay signed in for ever, and a cookie from the future is not one of ours."""
    doorkeeper = Doorkeeper(access)
    cookie = doorkeeper.open_session(TOKEN, clock.now())
    later = clock.now().timestamp() + SESSION_S

    at = clock.now().fromtimestamp
    assert doorkeeper.by_session(cookie, clock.now()) is not None
    assert doorkeeper.by_session(cookie, at(later + 1, clock.now().tzinfo)) is None
    assert doorkeeper.by_session(cookie, at(clock.now().timestamp() - 60, clock.now().tzinfo)) is None


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "..", "é.1.2", f"{'0' * 16}.1795098720.{'0' * 64}"])
def test_a_forged_session_is_nobodys(access, clock, cookie):
    """Nothing that was not signed here is taken, nor does it break anything."""
    assert Doorkeeper(access).by_session(cookie, clock.now()) is None


def test_a_person_whose_token_was_taken_back_is_out(access, clock):
    """The cookie of somebody who is no longer named opens nothing."""
    cookie = Doorkeeper(access).open_session(LENAS_TOKEN, clock.now())
    without = Access(token=access.token, operator=access.operator, session_key=access.session_key)

    assert Doorkeeper(access).by_session(cookie, clock.now()).person.name == "Lena Fischer"
    assert Doorkeeper(without).by_session(cookie, clock.now()) is None


def test_a_named_person_signs_in_with_the_form(stranger, lastgood):
    """The sign-in page takes the token, and what the person does is in their name."""
    answer = stranger.post("/sign-in", data={"token": LENAS_TOKEN, "back": "/timeline"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/timeline")

    stranger.post("/apps/web-production/pause", data={"scope": "everything", "csrf": csrf_of(stranger)})

    assert lastgood.orders[0].by.name == "Lena Fischer"
    assert lastgood.orders[0].name is None


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_sign_in_never_leads_to_another_site(stranger, back):
    """Whatever the link said, a person stays here."""
    answer = stranger.post("/sign-in", data={"token": TOKEN, "back": back})

    assert answer.headers["location"] == "/applications"


def test_a_form_that_signs_a_victim_in_from_elsewhere_is_refused(stranger):
    """Login forgery: another site cannot put its session into this browser."""
    answer = stranger.post("/sign-in", data={"token": TOKEN}, headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_a_wrong_bearer_token_is_not_saved_by_a_cookie(browser):
    """Who says who they are is judged by that alone."""
    assert browser.get("/api/v1/apps", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_bodies_and_queries_are_bounded(script, browser):
    """A flood is refused before it is read whole."""
    assert script.post("/api/v1/plans", content=b"x" * (BODY_BYTES + 1)).status_code == 413
    assert (
        browser.post("/apps/web-production/pause", data={"csrf": csrf_of(browser), "reason": "x" * 70_000}).status_code
        == 413
    )
    assert script.get("/api/v1/apps?" + "x" * 9000).status_code == 414
    assert browser.post("/apps/web-production/pause", data={f"f{n}": "1" for n in range(300)}).status_code == 400


def test_every_answer_carries_the_security_headers(browser, stranger, script):
    """Pages, refusals, files and JSON alike; pages and answers are kept by nobody."""
    for answer in (
        browser.get("/applications"),
        stranger.get("/applications"),
        script.get("/api/v1/apps"),
        stranger.get("/static/lastgood.css"),
        browser.get("/nowhere"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert browser.get("/applications").headers["cache-control"] == "no-store"
    assert script.get("/api/v1/apps").headers["cache-control"] == "no-store"


def test_no_page_shows_a_token_or_the_session_key(browser, access):
    """What opens the door is never in HTML, not even hashed."""
    secrets = (TOKEN, LENAS_TOKEN, access.session_key, token_hash(TOKEN), token_hash(LENAS_TOKEN))
    for path in PAGES[1:5]:
        page = browser.get(path).text
        assert not [secret for secret in secrets if secret in page]


def test_an_error_says_hostile_text_as_text(browser):
    """What was asked for comes back as text, never as markup."""
    answer = browser.get(f"/apps/{HOSTILE.replace('/', '')}/timeline")

    assert answer.status_code == 404
    assert "<script>" not in answer.text.replace("<script src=", "")


def test_other_addresses_need_named_people(access):
    """Loopback does with the printed token; anything that others reach wants sign-in configured."""
    alone = Access(token="t", operator=access.operator, session_key="k")
    for host in ("127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8"):
        check_address(host, alone)
    for host in ("0.0.0.0", "::", "192.168.1.4", "lastgood.example.com", ""):  # noqa: S104 - the very address that must be refused
        with pytest.raises(SettingsWrong):
            check_address(host, alone)
        check_address(host, access)


def test_a_server_that_nobody_could_use_is_refused(access):
    """No token and no people; or a token hash that is none."""
    with pytest.raises(SettingsWrong):
        check_address("127.0.0.1", Access(token=None, operator=access.operator, session_key="k"))
    wrong = NamedPerson(name="x", email="x", token_sha256="the token itself")
    with pytest.raises(SettingsWrong):
        check_address("127.0.0.1", Access(token="t", operator=access.operator, session_key="k", people=(wrong,)))


@pytest.mark.parametrize(
    ("header", "name"),
    [("localhost:1", "localhost"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("A.example", "a.example"), ("::1", "")],
)
def test_host_names_are_read_without_port(header, name):
    """As browsers write them."""
    assert host_name(header) == name


def test_a_name_is_not_loopback_because_it_looks_so():
    """Only the address itself, or localhost, is this machine."""
    assert not is_loopback("127.0.0.1.example.com")
    assert is_loopback("127.0.0.1")
