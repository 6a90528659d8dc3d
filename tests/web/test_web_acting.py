"""Planning and acting through the pages, with forms alone: no script is needed to get out of trouble."""

import pytest
from msgspec.structs import replace

from lastgood.core.errors import BranchMoved, PushRefused, PushUnknown
from lastgood.core.plan import Check, PlannedFeatures
from lastgood.core.setting import SettingChange, Settings
from lastgood.core.source_features import NotKnown
from twins.html import Page
from twins.lastgood import HOSTILE, PRIYA, ago, oid

PLAN = "/apps/web-production/plan"
START = "/apps/web-production/rollbacks"


def form_of(browser, path):
    """The fields that a browser would send from the plan page, boxes as they stand."""
    page = Page(browser.get(path).text)
    fields = []
    for field in [*page.all("input"), *page.all("textarea")]:
        kind, name = field.given.get("type"), field.given.get("name")
        form = field.within("form")
        if name is None or form is None or form.given.get("id", "plan") != "plan" or "disabled" in field.given:
            continue
        if kind in {"radio", "checkbox"} and "checked" not in field.given:
            continue
        fields.append((name, field.given.get("value", field.text if field.tag == "textarea" else "")))
    return fields


def send(browser, path, fields):
    from urllib.parse import urlencode  # noqa: PLC0415 - beside the one use

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return browser.post(path, content=urlencode(fields), headers=headers)


def change(fields, **changed):
    return [pair for pair in fields if pair[0] not in changed] + [
        (name, value) for name, value in changed.items() if value is not None
    ]


@pytest.fixture
def free(lastgood):
    """Nothing blocks."""
    lastgood.plan_checks = tuple(check for check in lastgood.plan_checks if check.outcome != "block")


def test_a_blocked_plan_cannot_be_started_from_the_page(browser):
    """The button is off and says which check blocks; the blocker comes first."""
    page = Page(browser.get(f"{PLAN}?to=c40d9a7").text)
    start = next(element for element in page.all("button") if element.given.get("id") == "start")
    checks = [element.text for element in page.all("b") if element.parent.tag == "li"]

    assert "disabled" in start.given
    assert checks == ["held", "other-writer", "failed-before", "renders"]
    assert "held blocks" in next(element.text for element in page.elements if element.given.get("id") == "why-off")


def test_a_blocked_plan_is_not_started_whatever_the_form_says(browser, lastgood):
    """The server decides: the page comes back with what blocks, status 409, and the reason that was typed."""
    fields = change(form_of(browser, f"{PLAN}?to=c40d9a7"), reason="it is night", despite="nonsense")
    answer = send(browser, START, fields)

    assert answer.status_code == 409
    assert "blocked by held" in answer.text
    assert "it is night</textarea>" in answer.text
    assert lastgood.orders == []


def test_a_blocker_is_overridden_by_typing_its_name(browser, lastgood):
    """One at a time; another word overrides nothing; the override can be taken back; then it is recorded."""
    fields = form_of(browser, f"{PLAN}?to=c40d9a7")
    wrong = send(browser, PLAN, change(fields, override="all"))
    assert 'id="why-off"' in wrong.text

    right = send(browser, PLAN, change(fields, override="held", reason="INC-211"))
    assert 'id="why-off"' not in right.text
    assert '<input type="hidden" name="despite" value="held">' in right.text
    assert "INC-211</textarea>" in right.text

    back = send(browser, PLAN, [*change(fields, override=""), ("despite", "held"), ("enforce", "held")])
    assert 'id="why-off"' in back.text

    done = send(browser, START, [*change(fields, reason="INC-211"), ("despite", "held")])
    assert done.status_code == 303
    assert lastgood.orders[0][0].despite == ("held",)


def test_a_check_that_may_not_be_overridden_offers_nothing(browser, lastgood):
    """`reset-policy` is the repo's word; typing it changes nothing."""
    lastgood.plan_checks = (Check(name="reset-policy", app=None, outcome="block", detail="the repo refuses resets"),)
    page = browser.get(f"{PLAN}?to=c40d9a7").text
    assert 'name="override"' not in page

    send(browser, PLAN, change(form_of(browser, f"{PLAN}?to=c40d9a7"), override="reset-policy"))
    assert lastgood.calls.count("plan") == 3
    assert 'name="despite"' not in send(browser, PLAN, [*form_of(browser, PLAN), ("override", "reset-policy")]).text


def test_what_was_seen_is_what_is_started(browser, lastgood, free):
    """The request carries the versions that the page showed, and the plan itself; the person is the one signed in."""
    answer = send(browser, START, change(form_of(browser, f"{PLAN}?to=c40d9a7"), reason="payments does not start"))
    request, planned = lastgood.orders[0]

    assert answer.status_code == 303
    assert answer.headers["location"] == "/operations/5f0c2a7e-0000-4000-8000-000000000001"
    assert request.apps == ("web-production",)
    assert request.to == "c40d9a7"
    assert request.expect_versions == {"web-production": oid("version e81f4b2")}
    assert request.reason == "payments does not start"
    assert request.hold is True
    assert request.by == PRIYA
    assert planned is not None
    assert planned.id == "5f0c2a7e-0000-4000-8000-000000000001"
    assert browser.get(answer.headers["location"]).status_code == 200


def test_choices_of_the_form_reach_the_plan(browser, lastgood, free):
    """Mode, commits, hold and other applications, without script: compute again, then start."""
    fields = form_of(browser, f"{PLAN}?to=c40d9a7")
    chosen = [*change(fields, mode="revert", hold=None), ("commit", oid("e81f4b2")), ("app", "cart-production")]

    page = send(browser, PLAN, chosen)
    assert page.status_code == 200
    again = [*chosen, ("expect-cart-production", oid("version d2c81f4"))]
    assert send(browser, START, again).status_code == 303
    request, _ = lastgood.orders[0]

    assert request.mode == "revert"
    assert request.commits == (oid("e81f4b2"),)
    assert request.hold is False
    assert request.apps == ("web-production", "cart-production")
    assert request.expect_versions["cart-production"] == oid("version d2c81f4")


@pytest.mark.parametrize(("link", "expected"), [("?without=PR-16", ("PR-16", None)), ("?with=%23%C3%A4", (None, "#ä"))])
def test_a_link_may_choose_by_a_feature(browser, lastgood, free, link, expected):
    """The form keeps the choice, and an empty one is none."""
    fields = form_of(browser, f"{PLAN}{link}&to=")
    send(browser, START, form_of(browser, PLAN + link))
    request, _ = lastgood.orders[0]
    assert (request.without, request.with_, request.to, request.last_good) == (*expected, None, False)
    assert dict(fields).keys() & {"without", "with"} == {link[1:].partition("=")[0]}


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("", (None, False, False)),
        ("?to=last-good", (None, True, False)),
        ("?to=previous", (None, False, True)),
        ("?to=n41", ("n41", False, False)),
    ],
)
def test_a_link_names_its_version_as_the_command_line_does(browser, lastgood, free, link, expected):
    """last-good and previous are choices of their own; nothing is the last good one, too."""
    send(browser, START, form_of(browser, PLAN + link))
    request, _ = lastgood.orders[0]

    assert (request.to, request.last_good, request.previous) == expected


@pytest.mark.parametrize(
    "query", ["?mode=reset", "?mode=x", "?to=" + "x" * 600, "?" + "&".join(f"app=a{n}" for n in range(60))]
)
def test_a_plan_that_makes_no_sense_is_refused(browser, query):
    """A reset is made from a clone; everything is bounded."""
    assert browser.get(PLAN + query).status_code == 422


@pytest.mark.parametrize(
    "error",
    [
        BranchMoved(app="web-production", branch="main", planned_on=oid("a1"), found=oid("b2")),
        PushRefused(branch="main", remote_message="protected <b>branch</b>"),
    ],
)
def test_a_refusal_comes_back_as_the_plan_with_what_happened(browser, lastgood, free, monkeypatch, error):
    """The sentence, the hint, and a plan made anew beside it: what to do next is on the same page."""
    fields = change(form_of(browser, f"{PLAN}?to=c40d9a7"), reason="kept")

    async def refused(*_args, **_named):
        raise error

    monkeypatch.setattr(lastgood, "rollback", refused)
    answer = send(browser, START, fields)
    page = Page(answer.text)

    assert answer.status_code >= 400
    assert error.message in " ".join(element.text for element in page.elements if element.given.get("role") == "alert")
    assert "kept</textarea>" in answer.text
    assert "<b>branch</b>" not in answer.text


def test_a_push_without_a_clear_answer_is_not_called_a_failure(browser, lastgood, free, monkeypatch):
    """Nobody knows whether it arrived, and the page says so."""
    fields = form_of(browser, f"{PLAN}?to=c40d9a7")

    async def silent(*_args, **_named):
        raise PushUnknown(commit=oid("d5e9c01"), branch="main")

    monkeypatch.setattr(lastgood, "rollback", silent)
    answer = send(browser, START, fields)

    assert answer.status_code == 502
    assert "it is not known whether" in answer.text


def test_where_no_plan_can_be_made_the_page_says_why(browser):
    """Nothing to undo: the sentence, the way on, and a button that is off."""
    answer = browser.get("/apps/cart-production/undo")

    assert "there is no operation of cart-production to undo" in answer.text
    assert "There is no plan to start" in answer.text


def test_an_undo_is_planned_and_started_the_same_way(browser, lastgood, free):
    """Its own plan, its own route, the same person."""
    answer = send(
        browser, "/apps/web-production/undo", change(form_of(browser, "/apps/web-production/undo"), reason="wrong app")
    )

    assert answer.status_code == 303
    assert lastgood.orders[0][0].reason == "wrong app"
    assert lastgood.calls[-1] == "undo"


def test_a_plan_that_changes_nothing_cannot_be_started(browser, lastgood, free, monkeypatch):
    """The button is off and says so."""
    plan = lastgood._plan(
        ("web-production",), type("Asked", (), {"despite": (), "reason": "", "hold": False})(), kind="rollback"
    )
    empty = replace(plan, applications=(replace(plan.applications[0], files=(), resources=(), images=()),))

    async def nothing(_request):
        return empty

    monkeypatch.setattr(lastgood, "plan", nothing)

    assert "Nothing would change in Git." in browser.get(f"{PLAN}?to=c40d9a7").text


def test_a_required_reason_is_asked_for(browser, lastgood):
    """The policy of the application decides; the field says so."""
    lastgood.reason_required = True
    page = Page(browser.get(f"{PLAN}?to=c40d9a7").text)

    assert "required" in page.all("textarea")[0].given


@pytest.mark.parametrize(
    ("path", "fields", "after"),
    [
        ("/apps/web-production/hold", {"version": "e81f4b2", "reason": "bad", "until": "2026-12-24"}, "/operations/"),
        ("/apps/web-production/unhold", {"version": "7d03f1c"}, "/operations/"),
        ("/apps/web-production/pause", {"scope": "repo", "reason": "audit"}, "/apps/web-production/timeline"),
        ("/apps/search-production/resume", {"scope": "application"}, "/apps/search-production/timeline"),
        ("/apps/web-production/retry", {}, "/apps/web-production/timeline"),
        ("/apps/tax-production/forget", {"prune": "yes"}, "/applications"),
    ],
)
def test_small_pages_show_first_and_then_do(browser, lastgood, path, fields, after):
    """The link shows what would happen and changes nothing; the form does it and leads on."""
    shown = browser.get(path, params={"version": fields["version"]} if "version" in fields else {})
    assert shown.status_code == 200
    assert lastgood.orders == []

    csrf = shown.text.split('name="csrf" value="')[1].split('"')[0]
    answer = browser.post(path, data={**fields, "csrf": csrf})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(after)
    assert len(lastgood.orders) == 1


def test_the_loss_of_an_application_is_accepted_by_a_retry(browser, lastgood, monkeypatch):
    """There is no version to start, and all the same something to agree to: the page says what."""
    real = lastgood.retry

    async def lost(request, *, dry_run=False):
        return replace(await real(request, dry_run=dry_run), version=None, accepts_loss=True)

    monkeypatch.setattr(lastgood, "retry", lost)
    shown = browser.get("/apps/web-production/retry").text
    assert "Nothing is stopped or deleted by it" in shown
    button = next(b for b in Page(shown).all("button") if "Accept that it is gone" in b.text)
    assert "disabled" not in button.given

    csrf = shown.split('name="csrf" value="')[1].split('"')[0]
    assert browser.post("/apps/web-production/retry", data={"csrf": csrf}).status_code == 303
    assert len(lastgood.orders) == 1


def test_a_retry_without_a_version_offers_nothing(browser, lastgood, monkeypatch):
    """Nothing to start and nothing to accept: the button is dead."""
    real = lastgood.retry

    async def nothing(request, *, dry_run=False):
        return replace(await real(request, dry_run=dry_run), version=None)

    monkeypatch.setattr(lastgood, "retry", nothing)
    page = Page(browser.get("/apps/web-production/retry").text)
    assert "disabled" in next(b for b in page.all("button") if "Try again now" in b.text).given


def test_a_pause_names_what_its_scope_means(browser, lastgood):
    """The environment or repo of this application, nothing for everything."""
    for scope in ("application", "environment", "repo", "everything"):
        send(browser, "/apps/web-production/pause", [*form_csrf(browser), ("scope", scope)])

    assert [(one.scope, one.name) for one in lastgood.orders] == [
        ("application", "web-production"),
        ("environment", "production"),
        ("repo", "shop-config"),
        ("everything", None),
    ]


def form_csrf(browser):
    page = browser.get("/apps/web-production/pause").text
    return [("csrf", page.split('name="csrf" value="')[1].split('"')[0])]


@pytest.mark.parametrize(
    ("path", "fields"),
    [("pause", {"scope": "galaxy"}), ("hold", {"version": "x", "until": "soon"}), ("pause", {"reason": "x" * 3000})],
)
def test_a_form_that_makes_no_sense_is_refused(browser, lastgood, path, fields):
    """By the server, whatever the page would have let through."""
    csrf = dict(form_csrf(browser))

    assert browser.post(f"/apps/web-production/{path}", data={**fields, **csrf}).status_code == 422
    assert lastgood.orders == []


def test_the_plan_page_names_what_leaves_what_returns_and_what_is_not_known(browser, lastgood, free):
    """Titles come from strangers: they are text. What is not known is said, and so is every note of the plan."""
    asked = lastgood.plan

    async def plan(request):
        found = await asked(request)
        feature = next(one for entry in lastgood.entries for one in entry.features)
        named = PlannedFeatures(
            leaving=(replace(feature, id="PR-9", title=HOSTILE, at=ago(days=3)),),
            returning=(feature,),
            unknown=(NotKnown(image="payments", reason="it has a digest and no tag"),),
            recorded=(NotKnown(image="search", reason=HOSTILE),),
        )
        limit = SettingChange(
            kind="Deployment", namespace="shop", name="web", path="spec.limit", before=HOSTILE, after=None
        )
        secret = replace(limit, path="spec.token", before=None, hidden=True)
        settings = Settings(changes=(limit, secret, *[limit] * 30), more=5)
        apps = tuple(replace(app, features=named, settings=settings) for app in found.applications)
        return replace(found, applications=apps, notes=("with PR-9 2 other features leave, too",))

    lastgood.plan = plan
    text = browser.get(f"{PLAN}?to=c40d9a7").text
    said = " ".join(" ".join(element.text for element in Page(text).elements).split())
    for words in ("Leaving (1)", "3 days ago", "Returning (1)", "Unknown (1)", "payments it has a digest and no tag"):
        assert words in said
    assert f"From the records (1) search {' '.join(HOSTILE.split())}" in said
    assert "with PR-9 2 other features leave, too" in said
    assert HOSTILE not in text
    assert "1 feature leaves. 1 feature returns. 37 settings change." in said
    assert "spec.token Deployment web hidden hidden" in said
    assert "And 17 more; see the difference of the two versions." in said


def test_a_plan_offers_a_pull_request_only_where_one_can_be_opened(browser, lastgood, free):
    """The default is what the repo says; another choice goes into the request, and the button says what it does."""
    assert "Delivery" not in browser.get(f"{PLAN}?to=c40d9a7").text
    lastgood.plan_delivery = "push"
    fields = form_of(browser, f"{PLAN}?to=c40d9a7")
    assert ("via", "") in fields
    send(browser, START, fields)
    assert lastgood.orders[-1][0].via is None

    chosen = send(browser, PLAN, change(fields, via="pr"))
    start = next(one for one in Page(chosen.text).all("button") if one.given.get("id") == "start")
    assert start.text == "Open a pull request"
    assert "main stays as it is until that is merged." in chosen.text
    chosen = send(browser, PLAN, [*change(fields, via="pr", mode="revert"), ("commit", "9f31c2a")])
    assert "Open a pull request" in chosen.text
    send(browser, START, change(fields, via="pr"))
    assert lastgood.orders[-1][0].via == "pr"
    assert send(browser, PLAN, change(fields, via="mail")).status_code == 422


@pytest.mark.parametrize(
    ("delivery", "offered"),
    [
        ("pull-request", ["Pull request (default)", "Push"]),
        ("pull-request-if-refused", ["Push (default)", "Pull request"]),
    ],
)
def test_what_the_repo_says_is_the_default(browser, lastgood, free, delivery, offered):
    """Whatever that is, it is first and chosen."""
    lastgood.plan_delivery = delivery
    page = Page(browser.get(f"{PLAN}?to=c40d9a7").text)
    radios = [one for one in page.all("input") if one.given.get("name") == "via"]
    assert [("checked" in one.given, one.given["value"] == "") for one in radios] == [(True, True), (False, False)]
    labels = [one.text for one in page.all("b") if one.text.removesuffix(" (default)") in {"Push", "Pull request"}]
    assert labels == offered


@pytest.mark.parametrize(("pushed", "stands"), [(True, "was merged as d5e9c01"), (False, "is not merged yet")])
def test_a_plan_that_was_asked_for_before_says_so(browser, lastgood, free, pushed, stands):
    """With the address and how it stands; there is nothing to start."""
    url = "https://git.example.com/o/config/pulls/7"
    lastgood.plan_result = {"pull_request": url, "commit": "d5e9c01" + "0" * 33, "pushed": pushed}
    page = Page(browser.get(f"{PLAN}?to=c40d9a7").text)
    assert any(f"{url} {stands}." in " ".join(one.text.split()) for one in page.all("span"))
    (start,) = [one for one in page.all("button") if one.given.get("id") == "start"]
    assert "disabled" in start.given


def test_an_operation_that_waits_links_to_its_pull_request(browser, lastgood):
    """On its own page and on the application's; the word is what it waits for."""
    url = "https://git.example.com/o/config/pulls/7"
    lastgood.wait_for(url)
    page = browser.get("/operations/op-waiting").text
    assert f'href="{url}"' in page
    assert "waiting for the pull request" in page
    assert "Close the pull request at the forge: then nothing changes." in page
    assert f'href="{url}"' in browser.get("/apps/web-production/timeline").text


@pytest.mark.parametrize("ended", ["done", "failed"])
def test_a_pull_request_that_is_over_is_told_as_such(browser, lastgood, ended):
    """Merged or not, what happened is in its log; one that was not merged goes on no more. A hold deploys nothing."""
    url = "https://git.example.com/o/config/pulls/7"
    closed = f"{url} was closed without merging; nothing was deployed"
    lastgood.wait_for(url)
    waits = lastgood.operations["op-waiting"]
    lastgood.operations["op-waiting"] = replace(waits, step=ended, message=closed, finished_at=waits.requested_at)
    page = browser.get("/operations/op-waiting").text
    if ended == "failed":
        assert "The pull request did not bring what was planned" in page
        assert f"<span>{closed}</span>" in page
        assert "This goes on without the page." not in page
    else:
        assert f"<span>{url} merged as d5e9c01</span>" in page
    moved = replace(waits.moved[0], to=waits.moved[0].from_)
    plan = {**(waits.plan or {}), "message": "Hold 457fe3e in web-production\n\nslow"}
    lastgood.operations["op-waiting"] = replace(waits, kind="hold", moved=(moved,), plan=plan)
    page = browser.get("/operations/op-waiting").text
    assert "is not merged yet. Until then nothing changes." in page
    assert "<p>Hold 457fe3e in web-production. Asked for by" in page


def test_what_waits_stands_above_the_timeline(browser, lastgood):
    """Of everything, apart from the deployments: which application, whose, where, and what is in the way."""
    assert "Waiting to be merged" not in browser.get("/timeline").text
    url = "https://git.example.com/o/config/pulls/7"
    lastgood.wait_for(url)
    page = Page(browser.get("/timeline").text)
    (waits,) = [one for one in page.all("section") if one.given.get("aria-labelledby") == "waiting-title"]
    said = " ".join(waits.text.split())
    assert "Roll back web-production to 3515c7a (web-production), asked for by Priya Raman" in said
    assert "waits for its pull request to be merged. Open the pull request" in said
    assert [one.given["href"] for one in page.all("a") if one.text == "Open the pull request"] == [url]
