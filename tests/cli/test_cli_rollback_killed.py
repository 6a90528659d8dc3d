"""`kill -9` of the real program in the middle of a rollback: the same command again leaves one right commit."""

import json
import os
import select
import shutil
import subprocess
import sys

import pytest

from twins.git_fixtures import git, hook, unhook

COMMAND = ("rollback", "web-production", "--previous", "--reason", "it is slow", "--yes", "-o", "json")


def _run(clone, *, path: str | None = None) -> subprocess.CompletedProcess[str]:
    # `exec` keeps the process id that the shell wrote into the environment, which hooks of the remote inherit.
    program = [sys.executable, "-m", "lastgood", *COMMAND]
    return subprocess.run(  # noqa: PLW1510 - the code is what the test looks at
        ["/bin/sh", "-c", 'CLI_PID=$$; export CLI_PID; exec "$@"', "sh", *program],
        cwd=clone.folder,
        env={**os.environ, "PATH": path or os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


def _killed_by_git(clone, tmp_path, word: str) -> None:
    """Let the first git command that has a word among its arguments kill the program instead of running."""
    real = shutil.which("git")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\nfor a in "$@"; do if [ "$a" = {word} ]; then kill -9 "$CLI_PID"; exit 1; fi; done\n'
        f'exec {real} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    assert _run(clone, path=f"{folder}{os.pathsep}{os.environ['PATH']}").returncode == -9


def _killed_by_the_server(clone, name: str, script: str) -> None:
    hook(clone.origin, name, f"kill -9 $CLI_PID\n{script}\n")
    assert _run(clone).returncode == -9


@pytest.mark.parametrize(
    ("dies", "arrived"),
    [("fetch", False), ("push", False), ("refused", False), ("accepted", True), ("after", True)],
)
def test_killed_in_the_middle_the_same_command_does_it_once(clone, tmp_path, dies, arrived):
    """Before it fetched, before it pushed, while the server decides either way, and after the branch moved."""
    moved = tmp_path / "moved"
    os.mkfifo(moved)
    said = os.open(moved, os.O_RDWR | os.O_NONBLOCK)
    if dies in {"fetch", "push"}:
        _killed_by_git(clone, tmp_path, dies)
    elif dies == "after":
        _killed_by_the_server(clone, "post-receive", f"echo moved > {moved}")
    else:
        hook(clone.origin, "post-receive", f"echo moved > {moved}")
        _killed_by_the_server(clone, "pre-receive", "exit 0" if dies == "accepted" else "exit 1")
    if arrived:
        # The push goes on without the program that began it.
        assert select.select([said], [], [], 30)[0]
    os.close(said)
    for name in ("pre-receive", "post-receive"):
        unhook(clone.origin, name)
    first = clone.remote_head()
    assert (first != clone.c4) is arrived

    again = _run(clone)

    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)["result"]
    head = clone.remote_head()
    assert result["pushed"] is True
    assert result["commit"] == head
    if arrived:
        assert head == first
    assert git(clone.origin, "rev-parse", f"{head}^") == clone.c4
    old, new = (git(clone.origin, "rev-parse", f"{c}:apps/web/production") for c in (clone.c4, head))
    assert old != new
    assert git(clone.folder, "rev-parse", "HEAD") == clone.c4
    assert git(clone.folder, "status", "--porcelain") == ""
