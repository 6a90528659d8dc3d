"""The field names of `cli.md` are a promise to scripts: each command's JSON has every one of them."""

import io

import pytest

from lastgood.cli.call import Call

VERSION = {"version", "path_tree", "commit", "short", "subject", "author", "committed_at", "ran"}
APPS = {
    *("name", "group", "environment", "repo", "branch", "path", "destination", "renderer", "health", "sync"),
    *("observed_at", "desired", "running", "last_good", "held", "paused", "refused", "updated_at"),
}
ENTRY = {
    *("app", "number", "version", "path_tree", "inputs", "commit", "short", "subject", "body", "author", "committer"),
    *("committed_at", "ran", "current", "last_good", "held", "same_as", "operation", "deployment", "images"),
    *("features", "pull_requests", "issues", "committers", "health", "sync"),
}
PLAN = {
    *("id", "mode", "via", "branch", "head", "applications", "also_affected", "checks", "git", "result"),
}
PLANNED_APP = {
    *("app", "from", "to", "version", "path_tree", "files", "resources", "renders_as_ran", "images", "features"),
    *("hold", "deployment"),
}
RESULT = {"tree", "commit", "pushed", "head", "pull_request"}
CHECK = {"name", "app", "outcome", "detail", "hint", "overridden"}


def test_apps_in_a_clone_say_what_git_knows_and_null_for_the_rest(clone, lastgood):
    """Every field is there; health, sync, what runs, what is good and pauses are null."""
    said = lastgood("apps", "-o", "json")

    assert said.code == 0
    assert said.err == ""
    assert [app["name"] for app in said.json] == ["web-production", "web-staging"]
    app = said.json[0]
    assert set(app) >= APPS
    assert set(app["desired"]) == VERSION
    assert set(app["desired"]["author"]) == {"name", "email"}
    assert app["desired"]["commit"] == clone.c4
    assert (app["group"], app["environment"], app["path"]) == ("web", "production", "apps/web/production")
    assert app["renderer"] == "process-compose"
    unknown = ("health", "sync", "observed_at", "running", "last_good", "paused", "refused")
    assert [app[name] for name in unknown] == [None] * len(unknown)
    assert app["held"] == 0


def test_a_timeline_in_a_clone_has_one_entry_for_each_change_of_the_version(clone, lastgood):
    """Newest first; `ran`, `health`, `sync`, `deployment` are null; current, last_good, held are booleans."""
    said = lastgood("timeline", "web-production", "-o", "json")

    assert said.code == 0
    assert [entry["commit"] for entry in said.json] == [clone.c4, clone.c2, clone.c1]
    for entry in said.json:
        assert set(entry) >= ENTRY
        nothing = (entry["ran"], entry["health"], entry["sync"], entry["deployment"], entry["number"])
        assert nothing == (None,) * len(nothing)
        assert [set(one) for one in entry["inputs"]] == [{"path", "oid", "shared_with"}]
    assert [entry["current"] for entry in said.json] == [True, False, False]
    assert [entry["last_good"] for entry in said.json] == [False] * 3
    assert said.json[0]["images"] == [{"name": "web", "from": "r2", "to": "r3", "in_registry": None}]


def test_everything_is_on_one_timeline(clone, lastgood):
    """Without an application, entries of all of them come newest first; an environment narrows it."""
    said = lastgood("timeline", "-o", "json")
    assert [entry["commit"] for entry in said.json] == [clone.c4, clone.c3, clone.c2, clone.c1]

    said = lastgood("timeline", "--environment", "staging", "-o", "json")
    assert [entry["app"] for entry in said.json] == ["web-staging"]


def test_a_return_to_an_old_version_names_the_commit_that_had_it(clone, lastgood):
    """`same_as` is the newest earlier commit with the same version, however the return was made."""
    git_again = {"apps/web/production/process-compose.yaml": None}
    removed = clone.commit("Remove web", git_again)
    from_before = (clone.folder / "apps/web/staging/process-compose.yaml").read_text()
    back = clone.commit("Bring web back", {"apps/web/production/process-compose.yaml": from_before})

    entries = lastgood("timeline", "web-production", "-o", "json").json

    assert [entry["commit"] for entry in entries[:2]] == [back, removed]
    assert entries[0]["same_as"] == clone.c4
    assert [entries[1][name] for name in ("version", "path_tree", "same_as")] == [None, None, None]


def test_plan_prints_its_object(clone, lastgood):
    """`plan -o json` has every field of the promise and exit code 0 where nothing blocks; Git stays as it is."""
    said = lastgood("plan", "web-production", "--previous", "-o", "json")

    assert said.code == 0
    assert set(said.json) >= PLAN
    app = said.json["applications"][0]
    assert set(app) >= PLANNED_APP
    assert set(app["from"]) == set(app["to"]) == VERSION
    assert (app["from"]["commit"], app["to"]["commit"]) == (clone.c4, clone.c2)
    assert set(app["features"]) == {"leaving", "returning", "unknown", "recorded"}
    assert all(set(file) >= {"path", "change", "added", "removed"} for file in app["files"])
    assert all(set(check) == CHECK for check in said.json["checks"])
    assert set(said.json["result"]) == RESULT
    assert said.json["result"]["commit"] is None
    assert clone.remote_head() == clone.c4


@pytest.mark.parametrize("place", ["before", "after"])
def test_global_options_stand_before_or_after_the_command(clone, lastgood, monkeypatch, tmp_path, place):
    """`-C DIR -o json` mean the same on both sides of the command."""
    monkeypatch.chdir(tmp_path)
    words = ["-C", str(clone.folder), "-o", "json"]
    said = lastgood(*words, "apps") if place == "before" else lastgood("apps", *words)

    assert said.code == 0
    assert len(said.json) == 2


def test_show_and_diff_have_their_fields(clone, lastgood):
    """`show` prints one entry; `diff` the two versions and what differs."""
    shown = lastgood("show", "web-production", "previous", "-o", "json")
    assert set(shown.json) >= ENTRY
    assert shown.json["commit"] == clone.c2

    diff = lastgood("diff", "web-production", clone.c1, "-o", "json").json
    assert (diff["from"]["commit"], diff["to"]["commit"]) == (clone.c1, clone.c4)
    assert diff["rendered"] is True
    assert {"group", "kind", "namespace", "name", "change", "diff"} == set(diff["resources"][0])


def test_render_prints_an_array(clone, lastgood):
    """`render -o json` prints the manifests in the renderer's order."""
    manifests = lastgood("render", "web-production", "-o", "json").json
    assert all({"apiVersion", "kind", "metadata"} <= set(one) for one in manifests)


def test_an_error_is_one_json_object_on_stdout(clone, lastgood):
    """Every failure without an object of its own prints {error: {code, message, app, hint, facts}}."""
    said = lastgood("-o", "json", "status", "web-productoin")

    assert said.code == 5
    assert said.err == ""
    assert said.json == {
        "error": {
            "code": "unknown-application",
            "message": "there is no application web-productoin",
            "app": "web-productoin",
            "hint": "did you mean web-production?",
            "facts": {"name": "web-productoin", "nearest": ["web-production"]},
        }
    }


def test_json_is_indented_and_takes_any_text(monkeypatch):
    """Two spaces, text as it is; what is no UTF-8 goes out as it came in."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="utf-8", errors="surrogateescape"))
    call = Call()
    call.print_json({"a": [1, {"b": "é"}], "c": [], "d": {}})
    call.print_json(["\udcff"])
    call.flush()
    text = '{\n  "a": [\n    1,\n    {\n      "b": "é"\n    }\n  ],\n  "c": [],\n  "d": {}\n}\n'
    assert written.getvalue() == text.encode() + b'[\n  "\xff"\n]\n'
