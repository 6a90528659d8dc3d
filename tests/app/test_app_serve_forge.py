"""A whole server that asks a forge and a Jira about what a deployment carried, and shows it when both are gone."""

import asyncio
import datetime as dt
import json
import signal
import sys

import pytest

from lastgood.app.clock import SystemClock
from lastgood.app.doctor_forges import examine_forges, examine_forges_here
from lastgood.app.settings import read_settings
from lastgood.demo.repos import build_source_repo
from lastgood.demo.shop import source_history
from lastgood.targets.process import ProcessTarget
from twins.git_fixtures import git
from twins.raw_http import RawServer, answer

WAIT_S = 60
BUILD = "https://ci.example.com/runs/7"
API = "/api/v1/repos/o/shop"


def as_json(value) -> bytes:
    return answer(json.dumps(value).encode())


async def lastgood(folder, *arguments) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    command = (sys.executable, "-m", "lastgood", *arguments)
    running = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.PIPE)
    out, _ = await running.communicate()
    return running.returncode, out.decode()


@pytest.fixture
async def host():
    """Both the forge and its repos."""
    async with RawServer() as host:
        yield host


def served(host: RawServer, folder) -> dict[str, str]:
    """Let the host have a source repo, by Git's plain way over HTTP; return its revisions."""
    bare = folder / "shop.git"
    revisions = build_source_repo(bare, source_history(), now=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
    git(bare, "repack", "-adq")
    git(bare, "update-server-info")
    for file in bare.rglob("*"):
        if file.is_file():
            where = f"/o/shop.git/{file.relative_to(bare).as_posix()}"
            host.says[where] = answer(file.read_bytes(), kind="text/plain")
    return revisions


async def test_a_record_has_what_the_forge_says(host, tmp_path):
    """Title, labels, author, Jira's title and the build; the token is in no log, no answer and no record."""
    revisions = served(host, tmp_path)
    host.says |= {
        f"{API}/pulls/13": as_json(
            {"title": "Gifts <for> all", "labels": [{"name": "q4"}], "user": {"login": "ines-w", "full_name": "Ines W"}}
        ),
        "/jira/rest/api/2/issue/SHOP-107": as_json({"fields": {"summary": "Sell gifts", "labels": ["goal"]}}),
        f"{API}/commits/{revisions['gift']}/statuses": as_json([{"status": "success", "target_url": BUILD}]),
    }
    work = tmp_path / "work"
    (work / "apps" / "web").mkdir(parents=True)
    git(work, "init", "-q", "--initial-branch=main", ".")
    (work / "lastgood.yaml").write_text(
        "version: 1\napplications:\n  - {name: web, path: apps/web, destination: here}\n"
        f'sources:\n  - {{image: web, repo: "{host.url}/o/shop.git", issues: {{projects: [SHOP], '
        f'jira: "{host.url}/jira/"}}}}\n'
    )
    (tmp_path / "token").write_text("jira-hush\n")
    (tmp_path / "lastgood.toml").write_text(
        f'[[repos]]\nname = "config"\nurl = "{work}"\n[destinations.here]\ntype = "process"\nrun_as_agent = true\n'
        f'[[sources]]\nurl = "{host.url}/o/"\n[web]\nport = 0\n'
        f'[[forges]]\nurl = "{host.url}"\nkind = "gitea"\ntoken = "forge-hush"\n'
        f'[[trackers]]\nurl = "{host.url}/jira/"\ntoken_file = "token"\n'
    )

    def release(name):
        (work / "apps" / "web" / "process-compose.yaml").write_text(
            f"x-lastgood:\n  artifacts: {{web: {revisions[name]}}}\nprocesses:\n  web: {{command: exec sleep 600}}\n"
        )
        git(work, "add", ".")
        git(work, "commit", "-qm", f"Release {name}")

    release("merge-12")
    with (tmp_path / "serve.log").open("wb") as log:
        serving = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lastgood", "serve", cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        async with asyncio.timeout(WAIT_S):
            assert await serving.stdout.readline(), (tmp_path / "serve.log").read_text()
            while (await lastgood(tmp_path, "show", "web", "n1"))[0] != 0:
                assert serving.returncode is None
            release("gift")
            await lastgood(tmp_path, "sync")
            while "Gifts" not in (found := await lastgood(tmp_path, "show", "web", "current", "-o", "json"))[1]:
                assert serving.returncode is None
            _, where = await lastgood(tmp_path, "where", "PR-13", "-o", "json")
            host.says.clear()
            text = (await lastgood(tmp_path, "show", "web", "current"))[1]
            _, timeline = await lastgood(tmp_path, "timeline", "web", "--search", "goal", "-o", "json")
            _, live = await lastgood(tmp_path, "features", "web", "n1", "n2", "-o", "json")
            _, planned = await lastgood(tmp_path, "plan", "web", "--to", "n1", "-o", "json")
    finally:
        serving.send_signal(signal.SIGTERM)
        await serving.wait()
        # What runs outlives its server.
        target = ProcessTarget(
            tmp_path / "data" / "processes" / "here",
            name="here",
            find_source=None,
            clock=SystemClock(),
            run_as_agent=True,
        )
        await target.prune("web")

    entry = json.loads(found[1])
    pull, issue = entry["features"]
    assert (pull["title"], pull["labels"], pull["authors"][0]["name"]) == ("Gifts <for> all", ["q4"], "Ines W")
    assert (issue["id"], issue["title"], issue["labels"]) == ("SHOP-107", "Sell gifts", ["goal"])
    (plan,) = json.loads(planned)["applications"]
    for told in (json.loads(live)["entered"], plan["features"]["leaving"]):
        assert [(one["id"], one["title"], one["labels"]) for one in told] == [
            ("PR-13", "Gifts <for> all", ["q4"]),
            ("SHOP-107", "Sell gifts", ["goal"]),
        ]
        assert told[0]["authors"] == pull["authors"]
    # No name of the host tells what it is; the operator does.
    assert f"{host.url}/o/shop/commit/{revisions['gift']}" in where
    assert (pull["url"], entry["build"]) == (f"{host.url}/o/shop/pulls/13", BUILD)
    assert all(words in text for words in ("LABELS", "Gifts <for> all"))
    assert len(json.loads(timeline)) == 1
    written = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("records.db*"))
    for said in (found[1].encode(), text.encode(), (tmp_path / "serve.log").read_bytes(), written):
        assert b"hush" not in said


async def test_doctor_says_whether_forges_answer(host, tmp_path):
    """Reachable, token taken or not, as a stranger, and what to look at."""
    host.says |= {
        "/api/v4/version": answer(status=401),
        "/jira/rest/api/2/myself": answer(status=401),
        "/gitea/api/v1/user": as_json({"login": "lastgood"}),
        "/hub/api/v3/": as_json({}),
        "/lab/api/v4/version": answer(b"{}", status=403),
    }
    file = tmp_path / "lastgood.toml"
    file.write_text(
        f'[[forges]]\nurl = "{host.url}"\nkind = "gitlab"\n'
        f'[[forges]]\nurl = "{host.url}/gitea"\nkind = "gitea"\ntoken = "hush"\n'
        f'[[forges]]\nurl = "{host.url}/hub"\nkind = "github"\ntoken = "hush"\n'
        f'[[forges]]\nurl = "{host.url}/lab"\nkind = "gitlab"\ntoken = "hush"\n'
        f'[[forges]]\nurl = "{host.url}/none"\nkind = "gitea"\n'
        f'[[trackers]]\nurl = "{host.url}/jira"\nuser = "me@a.io"\ntoken_file = "token"\n'
    )
    (tmp_path / "token").write_text("hush")
    found = await asyncio.to_thread(examine_forges, read_settings(file))
    assert [(one.name.replace(host.url, ""), one.outcome, one.detail.partition(": ")[2]) for one in found] == [
        ("forge ", "ok", ""),
        ("forge /gitea", "ok", ""),
        ("forge /hub", "ok", ""),
        ("forge /lab", "wrong", "the token may not read there"),
        ("forge /none", "wrong", "it answers with HTTP status 404 where its API should be"),
        ("tracker /jira", "wrong", "it does not accept the token"),
    ]
    assert [one.detail for one in found[:3]] == ["it answers; asked as a stranger", *["it takes the token"] * 2]
    assert {one.hint for one in found[3:5]} == {"check `url`, `kind` and the token under [[forges]] in lastgood.toml"}
    assert found[5].hint == "check `url`, `user` and the token under [[trackers]] in lastgood.toml"
    assert "hush" not in repr(found)


async def test_doctor_in_a_clone_asks_the_forges_of_the_environment(host, tmp_path, monkeypatch):
    """As it does beside a server; the token's file counts from where one stands, or from home."""
    host.says |= {"/gitea/api/v1/user": as_json({"login": "lastgood"}), "/lab/api/v4/version": answer(status=401)}
    (tmp_path / "token").write_text("hush")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert await asyncio.to_thread(examine_forges_here, tmp_path) == []
    named = [
        {"url": f"{host.url}/gitea", "kind": "gitea", "token_file": "~/token"},
        {"url": f"{host.url}/lab", "kind": "gitlab", "token_file": "token"},
    ]
    monkeypatch.setenv("LASTGOOD_FORGES", json.dumps(named))
    taken, wrong = await asyncio.to_thread(examine_forges_here, tmp_path)
    assert (taken.outcome, taken.detail) == ("ok", "it takes the token")
    assert (wrong.outcome, wrong.hint) == (
        "wrong",
        "check `url`, `kind` and the token in the variable LASTGOOD_FORGES",
    )


@pytest.mark.parametrize(
    ("rights", "outcome", "detail"),
    [
        ({"permissions": {"push": True}}, "ok", "the token's account may open them"),
        ({"permissions": {"push": False}}, "warn", "the token may not open them, or the repo is not shown to it"),
        ({}, "warn", "not known whether the token may open them: the forge does not tell"),
        (None, "warn", "not known whether they may be opened: "),
    ],
)
async def test_doctor_says_whether_pull_requests_may_be_opened(host, tmp_path, monkeypatch, rights, outcome, detail):
    """Of each config repo, on a server; in a clone, of what it was cloned from."""
    host.says["/api/v3/"] = as_json({})
    host.says["/api/v3/repos/o/config"] = as_json(rights) if rights is not None else answer(status=502)
    file = tmp_path / "lastgood.toml"
    file.write_text(
        f'[[forges]]\nurl = "{host.url}"\nkind = "github"\ntoken = "hush"\n'
        f'[[repos]]\nname = "config"\nurl = "{host.url}/o/config.git"\n'
        '[[repos]]\nname = "elsewhere"\nurl = "https://me:hush@elsewhere.example.com/o/config.git"\n'
    )
    _, found, without = await asyncio.to_thread(examine_forges, read_settings(file))
    assert (found.name, found.outcome, found.detail[: len(detail)]) == ("pull requests of config", outcome, detail)
    git(tmp_path, "init", "-q", "-b", "main", "here")
    git(tmp_path / "here", "remote", "add", "origin", f"{host.url}/o/config.git")
    monkeypatch.setenv("LASTGOOD_FORGES", json.dumps([{"url": host.url, "kind": "github", "token": "hush"}]))
    _, here = await asyncio.to_thread(examine_forges_here, tmp_path / "here")
    assert (here.name, here.outcome, here.detail) == ("pull requests", found.outcome, found.detail)
    assert (without.outcome, without.detail) == (
        "warn",
        "no forge with a token is named for https://elsewhere.example.com/o/config.git",
    )
    assert "hush" not in repr([found, without, here])
