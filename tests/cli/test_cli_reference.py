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
    heavy = {"asyncio", "pydantic", "rich", "sqlalchemy", "fastapi", "httpx2", "pygit2", "yaml", "lastgood.git"}
    assert not modules & (heavy | {f"lastgood.cli.{line.module}" for line in COMMANDS.values()})


def test_reading_a_clone_imports_no_framework(clone):
    """Git alone needs no database, no web framework, no HTTP client and no validation library."""
    program = (
        "import sys, json; from lastgood.cli.program import run; run(['timeline', '-q', '-o', 'json']);"
        "print(); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=clone.folder)
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    assert not modules & {"pydantic", "rich", "sqlalchemy", "alembic", "fastapi", "httpx2", "pygit2", "structlog"}
