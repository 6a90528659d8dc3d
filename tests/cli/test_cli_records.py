"""Beside a lastgood.toml whose server does not run: the records are read, and a way back through Git stays open."""

import asyncio
import datetime as dt
import os

import msgspec
import pytest

from lastgood.core.application import Refusal
from lastgood.core.carried import Carried
from lastgood.core.feature import Feature
from lastgood.core.hold import Hold
from lastgood.core.observation import Observation
from lastgood.core.record import DeploymentQuery, HoldRecord
from lastgood.core.resource import ImageChange
from lastgood.core.version import version_at
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.store.sql_store import SqlStore
from twins.git_fixtures import git
from twins.store import NOON, make_application, make_deployment

APP = "web-production"


@pytest.fixture
def beside(clone, tmp_path, monkeypatch):
    """An operator's folder that follows the clone's remote; its server deployed r2 and r3, and has ended."""
    folder = tmp_path / "ops"
    folder.mkdir()
    url = f"file://{clone.origin}"
    (folder / "lastgood.toml").write_text(f'[[repos]]\nname = "config"\nurl = "{url}"\n')
    mirror = MirrorConfigRepo(folder / "data" / "mirrors" / "config.git", url, "config")
    asyncio.run(mirror.fetch("main"))
    asyncio.run(_record(folder, clone, mirror))
    monkeypatch.chdir(folder)
    return folder


async def _record(folder, clone, mirror):
    store = SqlStore.open(folder / "data" / "records.db")
    versions = []
    for oid in (clone.c2, clone.c4):
        commit = await mirror.commit(oid)
        tree = git(clone.origin, "rev-parse", f"{oid}:apps/web/production")
        versions.append(version_at(commit, version=tree, path_tree=tree, ran=True))
        ended = {"outcome": "succeeded", "finished_at": NOON, "baked_at": NOON}
        images = (ImageChange(name="web", from_=versions[-2].version if len(versions) > 1 else None, to=tree),)
        run = make_deployment(app=APP, commit=commit, version=tree, path_tree=tree, images=images, **ended)
        await store.start_deployment(run)
    old, new = versions
    await store.save_application(
        make_application(
            name=APP, repo="config", path="apps/web/production", desired=new, running=new, current=new, last_good=old
        )
    )
    store.close()


def test_the_records_are_read_without_a_server(beside, clone, lastgood):
    """Health, versions and numbers come from the records; that nobody looks now is said on stderr."""
    apps = lastgood("apps", "-o", "json")
    assert apps.code == 0
    assert apps.err == "note: no server runs here; this is what the last one recorded\n"
    (app,) = apps.json
    assert (app["name"], app["running"]["commit"], app["last_good"]["commit"]) == (APP, clone.c4, clone.c2)
    assert app["paused"] is False

    entries = lastgood("timeline", APP, "-o", "json").json
    assert [(one["number"], one["commit"]) for one in entries[:2]] == [(2, clone.c4), (1, clone.c2)]
    assert lastgood("show", APP, "n1", "-o", "json").json["commit"] == clone.c2
    assert lastgood("diff", APP, "n1", "-o", "json").json["to"]["commit"] == clone.c4


def test_where_a_feature_is_the_records_tell(beside, clone, lastgood):
    """No source repo is read here: what the deployments carried is known all the same, and since which."""
    asyncio.run(_carry(beside))
    entry = next(one for one in lastgood("where", "PR-31", "-o", "json").json if one["app"] == APP)
    assert (entry["contains"], entry["deployment"], entry["reason"]) == (
        True,
        2,
        "by its deployment records: n2 brought it",
    )
    other = next(one for one in lastgood("where", "PR-99", "-o", "json").json if one["app"] == APP)
    assert other["contains"] is None
    assert other["reason"].endswith("no deployment on record names PR-99")


async def _carry(folder):
    store = SqlStore.open(folder / "data" / "records.db")
    newest, oldest = await store.deployments(DeploymentQuery(app=APP))
    gift = Feature(
        id="PR-31", repo="o/shop", kind="pull_request", title="Gift message", url=None, authors=(), commits=("a" * 40,),
        type=None, breaking=False, at=NOON - dt.timedelta(days=30),
    )  # fmt: skip
    await store.save_carried(Carried(deployment=oldest.id, found_at=NOON))
    await store.save_carried(Carried(deployment=newest.id, found_at=NOON, entered=(gift,)))
    store.close()


def test_render_reads_the_records_even_where_a_server_runs(beside, lastgood):
    """No server offers it, and nobody has to ask one."""
    (beside / "data" / "server.json").write_text(f'{{"url": "http://127.0.0.1:9", "token": "t", "pid": {os.getpid()}}}')
    said = lastgood("render", APP, "-o", "json")
    assert (said.code, [one["kind"] for one in said.json]) == (0, ["Process"])


def test_a_rollback_is_pushed_and_recorded_without_a_server(beside, clone, lastgood, monkeypatch):
    """The person that Git names is its author; nobody deploys it, so nothing is waited for."""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ines Okafor")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ines@example.com")
    refused = lastgood("rollback", APP, "--yes", "--wait")
    assert (refused.code, refused.err.split("\n")[0]) == (1, "error: `--wait` needs a running lastgood server")

    done = lastgood("rollback", APP, "--reason", "checkout returns 500", "--yes", "-o", "json")
    assert (done.code, done.json["result"]["pushed"]) == (0, True)
    assert clone.remote_head() == done.json["result"]["commit"]
    assert git(clone.origin, "log", "-1", "--format=%an <%ae>", "main") == "Ines Okafor <ines@example.com>"
    newest = lastgood("timeline", APP, "--limit", "1", "-o", "json").json[0]
    assert newest["operation"] | {"id": ""} == {
        "id": "",
        "kind": "rollback",
        "from": clone.c4,
        "to": clone.c2,
        "reason": "checkout returns 500",
        "despite": [],
        "recorded": True,
    }


def test_what_needs_an_agent_still_needs_a_server(beside, lastgood):
    """The records alone press, pause and sync nothing."""
    for words in (("sync",), ("retry", APP), ("pause", APP), ("forget", APP)):
        said = lastgood(*words)
        assert said.code == 1
        assert said.err.startswith(f"error: no lastgood server runs beside {beside / 'lastgood.toml'}\n")


def test_the_folder_of_another_account_is_left_alone(beside, lastgood, monkeypatch):
    """Files of ours in the mirrors would be unreadable for the server."""
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    said = lastgood("apps")
    assert said.code == 1
    assert said.err.startswith(f"error: data: {beside / 'data'} belongs to the account ")


def test_a_degraded_application_is_shown_with_the_way_back(beside, lastgood):
    """Whoever looks at night reads the command that helps."""
    assert "hint" not in lastgood("status", APP).err
    asyncio.run(_degrade(beside))

    said = lastgood("status", APP)
    first = said.out.split("\n")[2]
    assert first == "health       Degraded  web: exited with 3"
    assert f"hint: `lastgood rollback {APP}` goes back to " in said.err
    assert (
        lastgood("status", APP, "-o", "json").err == "note: no server runs here; this is what the last one recorded\n"
    )


async def _degrade(folder):
    store = SqlStore.open(folder / "data" / "records.db")
    seen = Observation(
        app=APP, health="Degraded", sync="Synced", message="web: exited with 3", observed_at=dt.datetime.now(dt.UTC)
    )
    await store.observe(seen)
    store.close()


def test_a_refused_head_is_shown_with_what_lets_it_go(beside, clone, lastgood):
    """While its hold is in force a press would be refused, too."""
    hold = Hold(
        id="a4f0541c", version="0" * 40, commit=clone.c4, reason="cart is down", by="Ines", since=NOON, until=None
    )
    asyncio.run(_refuse(beside, clone.c4, hold))
    assert f"by a hold: cart is down; `lastgood unhold {APP} {clone.c4[:7]}` ends it\n" in lastgood("status", APP).out

    asyncio.run(_refuse(beside, clone.c4, msgspec.structs.replace(hold, until=NOON)))
    assert f"which has ended; `lastgood retry {APP}` lets it go\n" in lastgood("status", APP).out


async def _refuse(folder, commit, hold):
    store = SqlStore.open(folder / "data" / "records.db")
    record = await store.application(APP)
    refused = Refusal(commit=commit, hold=hold.id)
    await store.save_application(msgspec.structs.replace(record, refused=refused, held=1))
    await store.save_hold(HoldRecord(app=APP, hold=hold, commit=None))
    store.close()
