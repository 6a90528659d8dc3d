"""The reference pages are what the program prints today."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lastgood.cli import reference
from lastgood.cli.commands import COMMANDS
from lastgood.cli.program import load
from lastgood.core import errors

DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("page", list(reference.PAGES))
def test_a_reference_page_is_fresh(page):
    """The file is what the program prints: `python -m lastgood.cli.reference PAGE > docs/reference/PAGE.md`."""
    assert (DOCS / f"{page}.md").read_text() == reference.PAGES[page]()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_says_what_it_means(name):
    """No option and no argument without help."""
    assert [parameter.name for parameter in load(name).params if not parameter.help] == []


def test_every_exit_code_is_in_the_table():
    """No error ends with a code that nobody explains."""
    codes = {one.exit_code for one in vars(errors).values() if isinstance(one, type) and hasattr(one, "exit_code")}
    assert codes <= set(reference.EXIT_CODES)


def test_help_imports_no_command_and_nothing_heavy():
    """`--help` is for people who wait: it imports Typer and the table, and nothing of what commands need."""
    program = (
        "import sys, json; from lastgood.cli.program import run; run(['--help']); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    heavy = {"asyncio", "pydantic", "rich", "sqlalchemy", "starlette", "httpx2", "pygit2", "yaml", "lastgood.git"}
    assert not modules & (heavy | {f"lastgood.cli.{line.module}" for line in COMMANDS.values()})


def test_reading_a_clone_imports_no_framework(clone):
    """Git alone needs no database, no web framework, no HTTP client and no validation library."""
    program = (
        "import sys, json; from lastgood.cli.program import run; run(['timeline', '-q', '-o', 'json']);"
        "print(); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=clone.folder)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & {"pydantic", "rich", "sqlalchemy", "alembic", "starlette", "httpx2", "pygit2", "structlog"}


PROMISED = {
    "ApplicationView": (
        "name group environment repo branch path destination renderer health sync observed_at desired running"
        " last_good held paused refused updated_at"
    ),
    "Refusal": "commit hold",
    "Version": "version path_tree commit short subject author committed_at ran",
    "Person": "name email",
    "TimelineEntry": (
        "app number version path_tree inputs commit short subject body author committer committed_at ran current"
        " last_good held same_as operation deployment images features pull_requests issues committers health sync"
    ),
    "Input": "path oid shared_with",
    "OperationView": "id kind from to reason despite recorded",
    "DeploymentView": "id outcome trigger started_at finished_at baked_at message",
    "ImageChange": "name from to",
    "Hold": "id version commit images files reason by since until",
    "HeldFile": "path blob",
    "Plan": "id mode via branch head applications also_affected checks git result",
    "PlannedApplication": (
        "app from to version path_tree files resources renders_as_ran images features hold deployment"
    ),
    "PlannedFile": "path change added removed",
    "PlannedResource": "group kind namespace name change diff",
    "PlannedFeatures": "leaving returning",
    "AlsoAffected": "app how",
    "Check": "name app outcome detail hint overridden",
    "PlanResult": "tree commit pushed head pull_request",
    "Feature": "id repo kind title url authors commits type breaking",
}


@pytest.mark.parametrize("kind", list(PROMISED))
def test_no_promised_field_was_dropped(kind):
    """Scripts rely on these names: fields may be added, never renamed and never dropped."""
    page = reference.PAGES["json"]().split(f"## {kind}\n")[1].split("\n## ")[0]
    assert {name for name in PROMISED[kind].split() if f"| `{name}` |" not in page} == set()
