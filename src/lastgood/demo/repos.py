"""Build the demo's repos with a real git: the shop's source repo, and the bare config repo that releases are pushed to.

Knows nothing of the agent; whoever pushes here is a person or a bot like any other.
"""

import datetime as dt
import os
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from lastgood.demo.platform import Platform
from lastgood.demo.shop import SERVICES, SourceCommit, service_source


def git(*arguments: str, folder: Path, text: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run git in a folder, without this person's configuration; return what it prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", **(env or {})}
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the git of this machine, found as everybody finds it
        cwd=folder,
        input=text.encode(),
        capture_output=True,
        env=clean,
        check=False,
        timeout=60,
    )
    if done.returncode:
        message = f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}"
        raise RuntimeError(message)
    return done.stdout.decode(errors="replace")


def _data(content: str) -> str:
    return f"data {len(content.encode())}\n{content}\n"


def build_source_repo(folder: Path, history: Sequence[SourceCommit], *, now: dt.datetime) -> dict[str, str]:
    """Write the source repo as a bare repository; return commit name -> 40 hex digits."""
    folder.mkdir(parents=True)
    git("init", "-q", "--bare", "-b", "main", ".", folder=folder)
    marks = {commit.name: number for number, commit in enumerate(history, start=1)}
    stream = []
    for commit in history:
        when = f"{int((now - commit.age).timestamp())} +0000"
        stream.append(f"commit refs/heads/main\nmark :{marks[commit.name]}\n")
        stream.append(f"author {commit.author} {when}\ncommitter {commit.author} {when}\n")
        stream.append(_data(commit.message))
        stream.extend(
            f"{'from' if position == 0 else 'merge'} :{marks[parent]}\n"
            for position, parent in enumerate(commit.parents)
        )
        for service in SERVICES:
            source = service_source(service, commit.features[service], commit.needs[service])
            stream.append(f"M 100644 inline services/{service}.py\n{_data(source)}")
        stream.append("\n")
    git("fast-import", "--quiet", "--force", "--export-marks=marks", folder=folder, text="".join(stream))
    found = dict(line.split() for line in (folder / "marks").read_text().splitlines())
    return {name: found[f":{number}"] for name, number in marks.items()}


class ConfigWriter:
    """Somebody's clone of the config repo: edits, commits, pushes. One commit, one push, as releases go."""

    def __init__(self, folder: Path, *, bare: Path, source: Path, platform: Platform) -> None:
        self.folder = folder
        self.bare = bare
        self._source = source
        self._platform = platform
        self.head = ""

    def start(self) -> None:
        """Make the bare config repo, and clone it."""
        self.bare.mkdir(parents=True)
        git("init", "-q", "--bare", "-b", "main", ".", folder=self.bare)
        git("clone", "-q", str(self.bare), str(self.folder), folder=self.bare)
        git("symbolic-ref", "HEAD", "refs/heads/main", folder=self.folder)

    def pull(self) -> None:
        """Bring the clone to the branch's head, rollbacks included."""
        git("fetch", "-q", "origin", "main", folder=self.folder)
        git("reset", "-q", "--hard", "origin/main", folder=self.folder)

    def write_settings(self) -> None:
        """Write lastgood.yaml: one pattern finds all six applications."""
        namespace = f'\n{" " * 20}namespace: "{self._platform.namespace}"' if self._platform.namespace else ""
        (self.folder / "lastgood.yaml").write_text(
            textwrap.dedent(f"""\
                version: 1
                applications:
                  - name: "{{service}}-{{environment}}"
                    path: "apps/{{service}}/{{environment}}"
                    environment: "{{environment}}"
                    group: "{{service}}"
                    destination: "{{environment}}"{namespace}
                    policy: {{bake: 1s}}
                sources:
                  - image: "{self._platform.image}"
                    repo: "{self._source}"
                    revision: "{{tag}}"
                    paths: ["services/{{service}}.py"]
                    issues: {{jira: "https://shop.example", projects: [SHOP]}}
                """)
        )

    def write_release(self, service: str, environment: str, revision: str, *, bad: bool = False) -> None:
        """Write the file of one application, at one source revision: only what depends on it changes."""
        name, content = self._platform.file(service, environment, revision, bad=bad)
        path = self.folder / "apps" / service / environment / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def remove_applications(self) -> None:
        """Take every application out of the repo."""
        git("rm", "-rq", "apps", folder=self.folder)

    def push(self, message: str, author: str) -> str:
        """Commit everything as that person, push, and return the commit's id."""
        name, _, address = author.rstrip(">").partition(" <")
        env = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": address,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": address,
        }
        git("add", "-A", folder=self.folder)
        git("commit", "-q", "-F", "-", folder=self.folder, text=message, env=env)
        git("push", "-q", "origin", "HEAD:main", folder=self.folder)
        self.head = git("rev-parse", "HEAD", folder=self.folder).strip()
        return self.head
