"""The REST API: every route answers what the OpenAPI document describes, errors in one shape, authors as signed in."""

import json

import msgspec
import pytest

from lastgood.core import errors
from lastgood.core.errors import (
    Blocked,
    BranchMoved,
    LastgoodError,
    NotAllowed,
    NotHealthyInTime,
    PushUnknown,
    RemoteUnreachable,
    StoreFull,
    TargetFailed,
    UnknownApplication,
)
from lastgood.core.pod import PodLogRequest
from lastgood.web.api import ROUTES, WAIT_MOST_S, http_status
from lastgood.web.openapi import openapi
from lastgood.web.query import query_fields
from twins.door import LENAS_TOKEN
from twins.lastgood import PRIYA, sample_operation
from twins.schema import mismatches

POD = "/api/v1/apps/web-production/pods/web-7d4-x2x"
ROLLBACK = {"apps": ["web-production"], "to": "c40d9a7", "despite": ["held"]}


def plan_of(script):
    return script.post("/api/v1/plans", json=ROLLBACK).json()


def asked(script, lastgood):
    """Every route once, with a request that it takes."""
    lastgood.operations["op1"] = sample_operation("op1", PRIYA)
    plan = plan_of(script)
    hold = {"app": "web-production", "version": "e81f4b2"}
    pause = {"scope": "environment", "name": "production"}
    undo = {"app": "web-production"}
    return {
        ("GET", "/apps"): script.get("/api/v1/apps"),
        ("GET", "/apps/{name}"): script.get("/api/v1/apps/web-production"),
        ("GET", "/timeline"): script.get("/api/v1/timeline?limit=3"),
        ("GET", "/apps/{name}/timeline"): script.get("/api/v1/apps/web-production/timeline?outcome=failed"),
        ("GET", "/apps/{name}/versions/{version}"): script.get("/api/v1/apps/web-production/versions/n6"),
        ("GET", "/apps/{name}/diff"): script.get("/api/v1/apps/web-production/diff?from=previous"),
        ("GET", "/apps/{name}/features"): script.get("/api/v1/apps/web-production/features?from=n1"),
        ("GET", "/where"): script.get("/api/v1/where?feature=PR-481"),
        ("GET", "/apps/{name}/changelog"): script.get("/api/v1/apps/web-production/changelog"),
        ("GET", "/metrics"): script.get("/api/v1/metrics?environment=production"),
        ("GET", "/compare"): script.get("/api/v1/compare?environment=staging&other=production"),
        ("GET", "/apps/{name}/tree"): script.get("/api/v1/apps/web-production/tree"),
        ("GET", "/apps/{name}/services"): script.get("/api/v1/apps/web-production/services"),
        ("GET", "/apps/{name}/pods/{pod}/events"): script.get(f"{POD}/events?namespace=shop"),
        ("GET", "/apps/{name}/pods/{pod}/log"): script.get(f"{POD}/log?tail_lines=3&previous=true"),
        ("POST", "/plans"): script.post("/api/v1/plans", json=ROLLBACK),
        ("POST", "/rollbacks"): script.post("/api/v1/rollbacks", json={"request": ROLLBACK, "planned": plan}),
        ("POST", "/undo/plans"): script.post("/api/v1/undo/plans", json=undo),
        ("POST", "/undo"): script.post("/api/v1/undo", json={"request": undo, "planned": None}),
        ("POST", "/holds"): script.post("/api/v1/holds?dry_run=true", json=hold),
        ("POST", "/unholds"): script.post("/api/v1/unholds", json=hold),
        ("POST", "/pauses"): script.post("/api/v1/pauses", json=pause),
        ("POST", "/resumes"): script.post("/api/v1/resumes", json=pause),
        ("POST", "/retries"): script.post("/api/v1/retries?dry_run=true", json={"app": "web-production"}),
        ("POST", "/sync"): script.post("/api/v1/sync", json={"app": None}),
        ("POST", "/repos/{name}/refresh"): script.post("/api/v1/repos/shop-config/refresh"),
        ("POST", "/forgets"): script.post(
            "/api/v1/forgets?dry_run=true", json={"app": "tax-production", "prune": True}
        ),
        ("GET", "/operations/{id}"): script.get("/api/v1/operations/op1"),
        ("GET", "/problems"): script.get("/api/v1/problems?app=web-production"),
        ("POST", "/waits"): script.post("/api/v1/waits", json={"plan": plan, "timeout_s": 5}),
        ("GET", "/checks"): script.get("/api/v1/checks"),
    }


def test_every_route_answers_what_is_described(script, lastgood):
    """Schema and answer are the same, field by field, for every route of the table."""
    document = script.get("/api/v1/openapi.json").json()
    components = document["components"]["schemas"]
    answers = asked(script, lastgood)

    assert set(answers) == {(route.method, route.path) for route in ROUTES}
    for (method, path), answer in answers.items():
        described = document["paths"][f"/api/v1{path}"][method.lower()]["responses"]["200"]
        assert answer.status_code == 200, (path, answer.text)
        schema = described["content"]["application/json"]["schema"]
        assert mismatches(answer.json(), schema, components, path) == []


def test_errors_are_described_as_they_are_sent(script):
    """The one shape, in the document too."""
    document = script.get("/api/v1/openapi.json").json()
    answer = script.get("/api/v1/apps/nothing")
    described = document["paths"]["/api/v1/apps/{name}"]["get"]["responses"]["default"]

    schema = described["content"]["application/json"]["schema"]
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown-application"
    assert mismatches(answer.json(), schema, document["components"]["schemas"]) == []


def test_the_document_is_whole():
    """OpenAPI 3.1; every reference leads somewhere; every word in braces is a parameter; names are unique."""
    document = openapi("0.1.0")
    text = json.dumps(document)
    names = [way["operationId"] for path in document["paths"].values() for way in path.values()]

    assert document["openapi"] == "3.1.0"
    for reference in set(text.split('"$ref": "')[1:]):
        assert reference.split('"')[0].rpartition("/")[2] in document["components"]["schemas"]
    for path, ways in document["paths"].items():
        for way in ways.values():
            given = {one["name"] for one in way.get("parameters", ()) if one["in"] == "path"}
            assert given == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert len(names) == len(set(names))


def test_render_is_not_offered(script):
    """It shows Secrets as they are."""
    assert script.get("/api/v1/apps/web-production/render").status_code == 404
    assert "render" not in json.dumps(list(openapi("0")["paths"]))


def test_the_documentation_pages_of_the_framework_are_off(script):
    """They would load scripts from elsewhere."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert script.get(path).status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.CommandLineWrong("x"), 422),
        (UnknownApplication(name="x"), 404),
        (Blocked(app="x", blocking="held", checks=["held"]), 409),
        (BranchMoved(app="x", branch="main", planned_on="a", found="b"), 409),
        (NotAllowed(action="x"), 403),
        (NotHealthyInTime(app="x", commit="a", health="Degraded"), 504),
        (PushUnknown(commit="a", branch="main"), 502),
        (StoreFull(reason="x"), 503),
        (RemoteUnreachable(remote="x"), 503),
        (errors.RenderFailed(app="x", reason="y"), 500),
    ],
)
def test_an_error_has_the_status_of_its_class(script, lastgood, error, status):
    """As the table of the API says, with the parts that the command line prints."""
    lastgood.fails = error

    answer = script.get("/api/v1/apps")

    assert answer.status_code == status == http_status(error)
    assert answer.json() == error.as_json()


def test_no_error_of_ours_is_taken_for_success():
    """Every class has a status that a client reads as a failure."""
    todo, seen = [LastgoodError], []
    while todo:
        kind = todo.pop()
        seen.append(kind)
        todo += kind.__subclasses__()

    assert len(seen) > 25
    assert all(http_status(kind.__new__(kind)) >= 400 for kind in seen)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/plans", b"", 400),
        ("/plans", b"[]", 400),
        ("/plans", b'{"apps": "web"}', 400),
        ("/plans", b'{"apps": ["web-production"], "modee": "revert"}', 400),
        ("/plans", b'{"apps": ["web-production"], "mode": "hard"}', 400),
        ("/plans", b"\xff\xfe", 400),
        ("/plans", b"[" * 5000, 400),
        ("/rollbacks", b'{"request": {"apps": ["web-production"], "dispite": []}}', 400),
        ("/rollbacks", b'{"request": {}, "planned": null}', 400),
        ("/waits", b'{"plan": {}}', 400),
        ("/pauses", b'{"scope": 3, "name": null}', 400),
    ],
)
def test_a_body_that_is_not_understood_whole_is_refused(script, lastgood, path, body, status):
    """A misspelt option is not ignored: nothing is asked of lastgood."""
    answer = script.post(f"/api/v1{path}", content=body)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "unreadable"
    assert lastgood.calls == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit is from 1 to 1000"),
        ("limit=1001", "limit is from 1 to 1000"),
        ("limit=x", "limit is from 1 to 1000"),
        ("since=yesterday", "since is a time with its offset from UTC, such as 2026-11-20T14:00:00Z"),
        ("since=2026-11-19T10:00:00", "since is a time with its offset from UTC, such as 2026-11-20T14:00:00Z"),
        ("until=5", "until is a time with its offset from UTC, such as 2026-11-20T14:00:00Z"),
        ("held=maybe", "held is true or false"),
        ("outcome=fine", "outcome is one of failed, in-progress, partial, succeeded, superseded"),
        ("colour=red", "there is no field 'colour' to ask with"),
        ("search=a%00b", "search: a value has control characters"),
        (f"search={'a' * 501}", "search: a value has 501 characters; the limit is 500"),
        ("feature=", "feature is empty"),
        ("feature=%20", "feature is empty"),
        ("feature=a&feature=b", "feature is given twice"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(script, lastgood, query, said):
    """Rather than answered with everything; in words that say what it takes."""
    answer = script.get(f"/api/v1/timeline?{query}")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (400, "command-line-wrong", said)
    assert lastgood.calls == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_route_takes_a_field_that_it_does_not_declare(script, lastgood, route):
    """Whatever it is asked for; the nearest name is told, else all that there are."""
    path = route.path.replace("{name}", "web-production").replace("{version}", "n1").replace("{pod}", "p")
    query = "&".join(f"{one.name}=web-production" for one in query_fields(route.query) if one.required)
    answer = script.request(route.method, f"/api/v1{path}?{query}&featur=x".replace("{id}", "op1"), json={})

    error = answer.json()["error"]
    names = [one.name for one in query_fields(route.query)]
    assert (answer.status_code, error["message"]) == (400, "there is no field 'featur' to ask with")
    assert all(name in error["hint"] for name in names)
    assert ("did you mean feature?" in error["hint"]) == ("feature" in names)
    assert lastgood.calls == []


def test_what_needs_a_field_says_so(script, lastgood):
    """And what it is."""
    error = script.get("/api/v1/compare?environment=staging").json()["error"]
    assert (error["message"], error["hint"]) == ("other is missing", "other is another one")
    assert script.get("/api/v1/version?x=1").status_code == 400
    assert script.get("/api/v1/openapi.json?x=1").status_code == 400
    assert script.get("/api/v1/events?x=1").status_code == 400
    assert lastgood.calls == []


def test_the_document_describes_what_a_query_takes():
    """From the declaration that checks it: form, bounds and meaning."""
    fields = openapi("0")["paths"]["/api/v1/timeline"]["get"]["parameters"]
    limit = next(one for one in fields if one["name"] == "limit")
    assert limit == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        "description": "at most so many entries",
    }
    (feature,) = openapi("0")["paths"]["/api/v1/where"]["get"]["parameters"]
    assert (feature["required"], feature["schema"]) == (True, {"type": "string", "minLength": 1, "maxLength": 500})


def test_a_log_is_asked_for_as_the_query_says(script, lastgood):
    """What is not given has its default."""
    script.get(f"{POD}/log?container=side&tail_lines=3&limit_bytes=10&previous=true&namespace=shop")
    script.get(f"{POD}/log")
    assert lastgood.orders == [
        PodLogRequest(
            app="web-production",
            pod="web-7d4-x2x",
            namespace="shop",
            container="side",
            tail_lines=3,
            limit_bytes=10,
            previous=True,
        ),
        PodLogRequest(app="web-production", pod="web-7d4-x2x"),
    ]


@pytest.mark.parametrize(
    "query", ["log?tail_lines=many", "log?previous=1x", "log?follow=true", "log?container=%00", "events?uid=1"]
)
def test_what_cannot_be_asked_of_a_pod_is_refused(script, lastgood, query):
    """In words, and before anything is asked."""
    answer = script.get(f"{POD}/{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "command-line-wrong")
    assert lastgood.calls == []


def test_a_destination_that_does_not_answer_is_unavailable(script, lastgood):
    """A log that the cluster does not give is no mistake of ours, and may be had later."""
    lastgood.fails = TargetFailed(app="web-production", destination="east", reason="the node does not answer")
    answer = script.get(f"{POD}/log")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "target-failed")


def test_a_timeline_is_read_page_by_page(script):
    """The cursor of the last entry continues; together the pages are the whole, nothing twice."""
    path, seen, before = "/api/v1/apps/web-production/timeline?limit=4", [], ""
    while page := script.get(path + before).json():
        seen += [entry["cursor"] for entry in page]
        before = f"&before={page[-1]['cursor']}"

    whole = script.get("/api/v1/apps/web-production/timeline").json()
    assert seen[:4] == [entry["cursor"] for entry in whole[:4]]
    assert len(seen) >= len({entry["cursor"] for entry in whole})


def test_a_version_may_hold_slashes(script):
    """Branches are versions, and have them."""
    answer = script.get("/api/v1/apps/web-production/versions/feature/x")

    assert answer.json()["error"]["facts"]["version"] == "feature/x"


def test_the_servers_own_token_may_say_who_acts(script, lastgood):
    """Its holder runs the server; without `by` it is the operator."""
    script.post("/api/v1/rollbacks", json={"request": ROLLBACK | {"by": {"name": "Noah", "email": "noah@example.com"}}})
    script.post("/api/v1/rollbacks", json={"request": ROLLBACK})

    assert [request.by.name for request, _ in lastgood.orders] == ["Noah", "Priya Raman"]


def test_a_named_person_cannot_act_as_somebody_else(script, lastgood):
    """What `by` says is not believed."""
    request = ROLLBACK | {"by": {"name": "Priya Raman", "email": "priya@example.com"}}
    headers = {"Authorization": f"Bearer {LENAS_TOKEN}"}

    script.post("/api/v1/rollbacks", json={"request": request}, headers=headers)

    assert lastgood.orders[0][0].by.name == "Lena Fischer"


def test_a_blocked_rollback_is_a_conflict(script, lastgood):
    """With the names of the checks, as facts."""
    answer = script.post("/api/v1/rollbacks", json={"request": ROLLBACK | {"despite": []}})

    assert answer.status_code == 409
    assert answer.json()["error"]["facts"]["checks"] == ["held"]
    assert lastgood.orders == []


def test_waiting_is_bounded(script, lastgood):
    """No request is held for ever, whatever it asks for."""
    plan = plan_of(script)
    for timeout_s in (99999, -5):
        script.post("/api/v1/waits", json={"plan": plan, "timeout_s": timeout_s})

    assert lastgood.calls[-2:] == [f"wait {WAIT_MOST_S:g}", "wait 0"]


def test_an_unknown_repo_is_said_to_be_unknown(script):
    """A webhook for a repo that is not followed hears so."""
    assert script.post("/api/v1/repos/other/refresh").status_code == 404


def test_answers_are_the_values_of_core(script):
    """What the API sends can be read back as the value it came from."""
    from lastgood.core.timeline import TimelineEntry  # noqa: PLC0415 - beside the one use

    sent = script.get("/api/v1/timeline").content
    read = msgspec.json.decode(sent, type=list[TimelineEntry])
    assert msgspec.json.encode(read) == sent
