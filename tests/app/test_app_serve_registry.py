"""A whole server that reads from a registry what its pinned images were built from."""

import asyncio
import datetime as dt
import json
import signal
import sys

from lastgood.demo.repos import build_source_repo
from lastgood.demo.shop import source_history
from twins.git_fixtures import git
from twins.images import config, manifest, words
from twins.raw_http import RawServer, answer

WAIT_S = 60
UNKNOWN = 5
POD = '{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: "IMAGE"}]}}\n'


async def lastgood(folder, *arguments) -> tuple[int, dict]:
    """Run a command; return its exit code and its JSON."""
    command = (sys.executable, "-m", "lastgood", *arguments, "-o", "json")
    running = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=asyncio.subprocess.PIPE)
    out, _ = await running.communicate()
    return running.returncode, json.loads(out or b"{}")


async def test_what_went_out_is_known_by_labels(tmp_path):
    """Two pinned digests, and `lastgood features` names the pull requests between their revisions."""
    source, work = tmp_path / "source.git", tmp_path / "work"
    revisions = build_source_repo(source, source_history(), now=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
    (work / "apps" / "web").mkdir(parents=True)
    git(work, "init", "-q", "--initial-branch=main", ".")
    async with RawServer() as registry:
        (work / "lastgood.yaml").write_text(
            "version: 1\napplications:\n  - {name: web, path: apps/web, destination: there}\n"
            f'sources:\n  - {{image: "{registry.host}/shop/web", repo: "{source}"}}\n'
        )
        for release in ("start", "gift"):
            labels = config(words(revision=revisions[release]))
            image = manifest(labels)
            registry.says[f"/v2/shop/web/manifests/{image.digest}"] = answer(image.data, kind=image.kind)
            registry.says[f"/v2/shop/web/blobs/{labels.digest}"] = answer(labels.data, kind=labels.kind)
            named = f"{registry.host}/shop/web@{image.digest}"
            (work / "apps" / "web" / "pod.yaml").write_text(POD.replace("IMAGE", named))
            git(work, "add", ".")
            git(work, "commit", "-qm", f"Update the image: {release}")
        (tmp_path / "lastgood.toml").write_text(
            f'[[repos]]\nname = "shop"\nurl = "{work}"\n[[sources]]\nurl = "{source}"\n'
            f'[[registries]]\nhost = "{registry.host}"\nurl = "{registry.url}"\n[web]\nport = 0\n'
        )
        command = (sys.executable, "-m", "lastgood", "serve")
        with (tmp_path / "serve.log").open("wb") as log:
            serving = await asyncio.create_subprocess_exec(
                *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        try:
            async with asyncio.timeout(WAIT_S):
                assert await serving.stdout.readline(), (tmp_path / "serve.log").read_text()
                # The page answers before the first look at the repo is over.
                while (found := await lastgood(tmp_path, "features", "web"))[0] == UNKNOWN:
                    assert serving.returncode is None
        finally:
            serving.send_signal(signal.SIGTERM)
            await serving.wait()

    code, said = found
    assert code == 0
    assert [one["id"] for one in said["entered"]] == ["PR-13", "PR-12", "PR-11"]
    assert said["unknown"] == []
    assert len(list((tmp_path / "data" / "images" / "3").iterdir())) == 2
