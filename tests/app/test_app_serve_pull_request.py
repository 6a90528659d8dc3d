"""The whole way of a rollback by pull request: from a clone, and beside a server that deploys what was merged."""

import asyncio
import json
import os
import signal
import sys

import pytest

from lastgood.app.clock import SystemClock
from lastgood.targets.process import ProcessTarget
from twins.git_fixtures import bare, git
from twins.pull_requests import ServedPullRequests
from twins.raw_http import RawServer

WAIT_S = 60
CONFIG = "version: 1\napplications:\n  - {name: web, path: apps/web, destination: here}\n"


class Place:
    """A forge that has a config repo, and a work tree of somebody who pushes to it."""

    def __init__(self, server, folder):
        self.forge = ServedPullRequests(server, "gitea")
        self.folder, self.work = folder, folder / "work"
        self.origin = bare(folder / "config.git")
        self.url = f"{server.url}/o/config.git"
        (folder / "gitconfig").write_text(
            f'[url "file://{self.origin}"]\n\tinsteadOf = {self.url}\n[user]\n\tname = Priya\n\temail = p@example.com\n'
        )
        self.environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(folder / "gitconfig")}
        git(folder, "clone", "-q", f"file://{self.origin}", "work")
        git(self.work, "switch", "-q", "-C", "main")
        git(self.work, "config", "user.name", "Priya")
        git(self.work, "config", "user.email", "p@example.com")
        git(self.work, "remote", "set-url", "origin", self.url)
        git(self.work, "config", f"url.file://{self.origin}.insteadOf", self.url)
        self.write("lastgood.yaml", CONFIG)

    def write(self, name, text):
        (self.work / name).parent.mkdir(parents=True, exist_ok=True)
        (self.work / name).write_text(text)

    def release(self, seconds):
        self.write("apps/web/process-compose.yaml", f"processes:\n  web: {{command: exec sleep {seconds}}}\n")
        git(self.work, "add", ".")
        git(self.work, "commit", "-qm", f"Release {seconds}")
        git(self.work, "push", "-q", "origin", "main")

    def squash(self, plan, number=1):
        """Do what the forge's button does."""
        git(self.work, "fetch", "-q", "origin", "main", f"lastgood/rollback/{plan['id']}")
        git(self.work, "reset", "-q", "--hard", "origin/main")
        git(self.work, "merge", "-q", "--squash", plan["result"]["commit"])
        git(self.work, "commit", "-qm", "Go back (#1)")
        git(self.work, "push", "-q", "origin", "main")
        merged = git(self.work, "rev-parse", "HEAD")
        self.forge.end(number, "merged", merged_as=merged)
        return merged

    async def lastgood(self, *words, folder=None, **environment):
        """Run a command; return its exit code, its JSON and what it said."""
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lastgood", *words, "-o", "json",
            cwd=folder or self.folder, env={**self.environment, **environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await running.communicate()
        return running.returncode, json.loads(out) if out else None, err.decode()


@pytest.fixture
async def place(tmp_path):
    async with RawServer() as server:
        yield Place(server, tmp_path)


async def test_from_a_clone(place):
    """The variable names the forge; exit 8 until it is merged, then 0; the undo is a push."""
    place.release(600)
    place.release(700)
    forges = json.dumps([{"url": place.forge.server.url, "kind": "gitea", "token": "forge-hush"}])

    async def run(*words):
        return await place.lastgood(*words, folder=place.work, LASTGOOD_FORGES=forges)

    asked = ("rollback", "web", "--previous", "--via", "pr", "--reason", "broken", "--yes")
    code, plan, said = await run(*asked)
    assert code == 8, said
    url = f"{place.forge.server.url}/o/config/pulls/1"
    assert (plan["via"], plan["result"]["pull_request"], plan["result"]["pushed"]) == ("pr", url, False)
    assert place.forge.sent[1]["source"] == f"lastgood/rollback/{plan['id']}"
    code, again, said = await run(*asked)
    assert (code, again["result"]) == (8, plan["result"]), said
    code, status, said = await run("status", "web")
    assert [one["url"] for one in status["waiting"]] == [url]
    code, listed, said = await run("timeline", "web")
    assert [[one["url"] for one in entry["waiting"]] for entry in listed] == [[url], []], said

    merged = place.squash(plan)
    code, _, said = await run("undo", "web", "--yes")
    assert code == 0, said
    assert git(place.origin, "rev-parse", "main^") == merged
    assert git(place.origin, "show", "main:apps/web/process-compose.yaml").endswith("sleep 700}")
    code, status, _ = await run("status", "web")
    assert status["waiting"] == []
    assert ".lastgood" not in git(place.origin, "ls-tree", "--name-only", "main")
    kept = b"".join(file.read_bytes() for file in (place.work / ".git" / "lastgood").rglob("*.json"))
    assert b"hush" not in kept + said.encode()


async def test_the_same_command_says_that_it_was_merged(place):
    """Planned anew, it would be about the version before, or blocked by the very hold that came with the merge."""
    for seconds in (600, 700, 800):
        place.release(seconds)
    forges = json.dumps([{"url": place.forge.server.url, "kind": "gitea", "token": "forge-hush"}])

    async def run(*words):
        return await place.lastgood(*words, folder=place.work, LASTGOOD_FORGES=forges)

    asked = ("rollback", "web", "--previous", "--via", "pr", "--reason", "broken", "--yes")
    code, plan, said = await run(*asked)
    assert code == 8, said
    code, waits, said = await run(*asked)
    assert (code, waits["result"], waits["head"]) == (8, plan["result"], plan["head"]), said
    assert waits["notes"] == []
    there = dict(place.forge.server.says)
    place.forge.go_away()
    code, waits, said = await run(*asked)
    assert (code, waits["result"]) == (8, plan["result"])
    assert waits["notes"] == [f"{plan['result']['pull_request']}: the forge does not show it any more"]
    place.forge.server.says |= there
    place.forge.end(1, "closed")
    code, plan, said = await run(*asked)
    assert (code, plan["result"]["pull_request"]) == (8, waits["result"]["pull_request"].replace("pulls/1", "pulls/2"))
    assert plan["notes"] == [f"{waits['result']['pull_request']} was closed without merging; nothing was deployed"]
    merged = place.squash(plan, 2)
    code, done, said = await run(*asked)
    assert (code, done["id"], done["result"]["commit"], done["result"]["pushed"]) == (0, plan["id"], merged, True), said
    code, status, _ = await run("status", "web")
    assert status["waiting"] == []
    assert len(place.forge.kept) == 2


async def test_without_a_forge_in_a_clone(place):
    """It says what to set, and nothing was pushed."""
    place.release(600)
    place.release(700)
    code, wrong, said = await place.lastgood("rollback", "web", "--previous", "--via", "pr", "--yes", folder=place.work)
    assert code == 2
    assert "LASTGOOD_FORGES" in wrong["error"]["hint"], said
    assert "lastgood" not in git(place.origin, "for-each-ref")


async def test_beside_a_server(place):
    """What is merged is deployed as that rollback, with its hold, and the token is in no log and no record."""
    place.release(600)
    (place.folder / "lastgood.toml").write_text(
        f'[[repos]]\nname = "config"\nurl = "{place.url}"\n[destinations.here]\ntype = "process"\nrun_as_agent = true\n'
        f'[web]\nport = 0\n[[forges]]\nurl = "{place.forge.server.url}"\nkind = "gitea"\ntoken = "forge-hush"\n'
    )
    with (place.folder / "serve.log").open("wb") as log:
        serving = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lastgood", "serve", cwd=place.folder, env=place.environment,
            stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        async with asyncio.timeout(WAIT_S):
            assert await serving.stdout.readline(), (place.folder / "serve.log").read_text()
            while (await place.lastgood("show", "web", "n1"))[0] != 0:
                assert serving.returncode is None
            place.release(700)
            await place.lastgood("sync")
            while (await place.lastgood("show", "web", "n2"))[0] != 0:
                assert serving.returncode is None
            code, plan, said = await place.lastgood(
                "rollback", "web", "--to", "n1", "--via", "pr", "--reason", "broken", "--yes"
            )
            assert code == 8, said
            _, waits, _ = await place.lastgood("status", "web")
            _, listed, _ = await place.lastgood("timeline")
            merged = place.squash(plan)
            # Whoever asks again need not wait for the next look, and is not refused by the hold that was merged.
            code, done, said = await place.lastgood("rollback", "web", "--to", "n1", "--via", "pr", "--yes")
            assert (code, done["id"], done["result"]["commit"], done["result"]["pushed"]) == (
                0,
                plan["id"],
                merged,
                True,
            )
            while (shown := await place.lastgood("show", "web", "n3"))[0] != 0:
                assert serving.returncode is None
            _, status, _ = await place.lastgood("status", "web")
    finally:
        serving.send_signal(signal.SIGTERM)
        await serving.wait()
        # What runs outlives its server.
        target = ProcessTarget(
            place.folder / "data" / "processes" / "here",
            name="here",
            find_source=None,
            clock=SystemClock(),
            run_as_agent=True,
        )
        await target.prune("web")
    url = f"{place.forge.server.url}/o/config/pulls/1"
    assert [(one["url"], one["message"]) for one in waits["waiting"]] == [(url, "")]
    assert [one["url"] for entry in listed for one in entry["waiting"]] == [url]
    entry = shown[1]
    assert entry["commit"] == merged
    assert entry["deployment"]["trigger"] == "rollback"
    assert (entry["operation"]["id"], entry["operation"]["recorded"]) == (plan["id"], True)
    assert (status["waiting"], [hold["reason"] for hold in status["holds"]]) == ([], ["broken"])
    written = b"".join(file.read_bytes() for file in (place.folder / "data").glob("records.db*"))
    assert b"hush" not in written + (place.folder / "serve.log").read_bytes()
