"""A clone of a small config repo, and the program run in it as a script would: no terminal, its output kept."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from lastgood.app import server
from lastgood.cli.program import run
from twins.git_fixtures import bare, git
from twins.lastgood import MemoryLastgood

CONFIG = """\
version: 1
applications:
  - name: "{service}-{environment}"
    path: "apps/{service}/{environment}"
    environment: "{environment}"
    group: "{service}"
    destination: "{environment}"
"""


def compose(tag: str) -> str:
    """A process-compose file that runs one revision of the service web."""
    return f"version: '0.5'\nx-lastgood: {{artifacts: {{web: {tag}}}}}\nprocesses:\n  web: {{command: ./serve}}\n"


class Said(NamedTuple):
    """What the program did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Clone:
    """A clone with a remote; `commit` writes files and commits at a known time, one minute after the last."""

    def __init__(self, tmp_path: Path) -> None:
        self.origin = bare(tmp_path / "config.git")
        self.folder = tmp_path / "config"
        self.minute = 0
        git(tmp_path, "clone", "-q", f"file://{self.origin}", str(self.folder))
        git(self.folder, "switch", "-q", "-C", "main")

    def commit(self, message: str, files: dict[str, str | None]) -> str:
        for name, text in files.items():
            file = self.folder / name
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        git(self.folder, "add", "-A")
        self.minute += 1
        at = f"2026-11-20T10:{self.minute:02}:00Z"
        person = {"NAME": "Priya Raman", "EMAIL": "priya@example.com", "DATE": at}
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
        subprocess.run(
            ["git", "commit", "-q", "--allow-empty", "-m", message],  # noqa: S607 - whichever git the tests run
            cwd=self.folder,
            check=True,
            env={**os.environ, **who},
        )
        return git(self.folder, "rev-parse", "HEAD")

    def push(self) -> None:
        git(self.folder, "push", "-q", "-u", "origin", "main")

    def remote_head(self) -> str:
        return git(self.origin, "rev-parse", "refs/heads/main")


@pytest.fixture
def lastgood(capfd, monkeypatch):
    """Run the program with these words; stdin is no terminal."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = run(words)
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture(scope="session")
def _shop(tmp_path_factory):
    """Made once: twenty processes of git for each test would be most of its time."""
    made = Clone(tmp_path_factory.mktemp("shop"))
    made.c0 = made.commit("Describe the shop", {"lastgood.yaml": CONFIG})
    made.c1 = made.commit("Release web r1", {"apps/web/production/process-compose.yaml": compose("r1")})
    made.c2 = made.commit("Release web r2", {"apps/web/production/process-compose.yaml": compose("r2")})
    made.c3 = made.commit("Try web r3", {"apps/web/staging/process-compose.yaml": compose("r3")})
    made.c4 = made.commit("Release web r3", {"apps/web/production/process-compose.yaml": compose("r3")})
    made.push()
    return made


@pytest.fixture
def clone(_shop, tmp_path, monkeypatch):
    """web-production with three releases (r1, r2, r3) and web-staging with one, pushed; we stand in it."""
    made = copy.copy(_shop)
    made.origin, made.folder = tmp_path / "config.git", tmp_path / "config"
    shutil.copytree(_shop.origin, made.origin)
    shutil.copytree(_shop.folder, made.folder)
    git(made.folder, "remote", "set-url", "origin", f"file://{made.origin}")
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def asked(monkeypatch):
    """The twin that answers instead of a server."""
    made = MemoryLastgood()
    made.wrong = []
    monkeypatch.setattr(server, "open_server", lambda _url, _token: made)
    return made
