"""Every command that the documentation shows is run, in a place like the one that its page speaks of.

A page says in its first line where its commands run: `<!-- commands run in a clone -->` (a clone of a config repo
with some history), `<!-- commands run beside a server -->` (a folder with lastgood.toml and a running server), or
nothing, if it shows none but `make`, which CI runs itself.
"""

import contextlib
import functools
import io
import os
import re
import shlex
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from lastgood.cli import program
from twins.shop import ShopClone, ShopServer

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
IN_A_CLONE = "<!-- commands run in a clone -->"
BESIDE_A_SERVER = "<!-- commands run beside a server -->"
RUN_BY_CI = ("make ", "git clone ", "cd ")


def shown_commands(page: Path) -> list[str]:
    """Return the lines behind `$ ` in a page's console blocks; a line that ends in a backslash goes on."""
    commands: list[str] = []
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        lines = iter(block.splitlines())
        for line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.endswith("\\"):
                    command = command[:-1] + next(lines).removeprefix("> ")
                commands.append(command.strip())
    return commands


def place_of(page: Path) -> str | None:
    """Return where a page says that its commands run."""
    first = page.read_text().split("\n", 1)[0].strip()
    return first if first in (IN_A_CLONE, BESIDE_A_SERVER) else None


def run(command: str, *, folder: Path) -> None:
    """Run one shown command as it stands, lastgood itself in this process. Fails with what it printed."""
    words = shlex.split(command, comments=True)
    if words[0] == "lastgood":
        printed = io.StringIO()
        with contextlib.chdir(folder), redirect_stdout(printed), redirect_stderr(printed):
            code = program.run(words[1:])
        assert code == 0, f"{command}\n{printed.getvalue()}"
        return
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Make the history that each page's clone has: once, and as late as a test has its own environment."""
    return functools.cache(lambda: ShopClone.make(tmp_path_factory.mktemp("shop")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_that_shows_commands_says_where_they_run(page):
    """No shown command escapes: what is not run here is run by CI."""
    others = [command for command in shown_commands(page) if not command.startswith(RUN_BY_CI)]
    assert not others or place_of(page), others


@pytest.mark.parametrize(
    "page", [p for p in PAGES if place_of(p) == IN_A_CLONE], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_commands_of_a_page_work_in_a_clone(page, shop, tmp_path):
    """Every command of the page ends well, in its order, in a fresh clone."""
    folder = shop().copy(tmp_path)
    for command in shown_commands(page):
        run(command, folder=folder)


def test_the_commands_of_all_pages_work_beside_a_server(tmp_path):
    """Every command ends well, page after page, beside one server that runs the shop."""
    with ShopServer.start(tmp_path) as server:
        for page in PAGES:
            if place_of(page) == BESIDE_A_SERVER:
                server.settle()
                for command in shown_commands(page):
                    run(command, folder=server.folder)
