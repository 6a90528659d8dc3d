"""The demo's repos are real: merges, squash merges, a revert, issue keys, several authors; and releases are pushes."""

import datetime as dt
import sys
from pathlib import Path

import pytest

from lastgood.demo.platform import Processes
from lastgood.demo.repos import ConfigWriter, build_source_repo, git
from lastgood.demo.shop import PRIYA, service_source, source_history

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("demo") / "source.git"
    return folder, build_source_repo(folder, source_history(), now=NOW)


def test_the_source_repo_has_the_history_of_a_real_team(source):
    """Some fifteen commits by several authors, with merged and squashed pull requests, a revert and issue keys."""
    folder, revisions = source
    subjects = git("log", "--format=%s", "main", folder=folder).splitlines()
    assert len(subjects) == len(revisions) == 15
    assert len(git("log", "--merges", "--format=%s", "main", folder=folder).splitlines()) == 4
    assert any(subject.startswith("Revert ") for subject in subjects)
    assert any(subject.endswith("(#13)") for subject in subjects)
    assert "SHOP-118" in git("log", "--format=%B", "main", folder=folder)
    assert len(set(git("log", "--format=%ae", "main", folder=folder).splitlines())) == 5


def test_every_commit_of_the_source_repo_changes_something(source):
    """No commit but a merge has the tree of its first parent: each carries what its message says."""
    folder, _ = source
    for line in git("log", "--no-merges", "--format=%T %P", "main", folder=folder).splitlines():
        tree, *parents = line.split()
        if parents:
            assert tree != git("rev-parse", f"{parents[0]}^{{tree}}", folder=folder).strip()


def test_every_program_of_the_shop_compiles():
    """The services are Python that this Python reads."""
    for commit in source_history():
        for service, features in commit.features.items():
            compile(service_source(service, features, commit.needs[service]), service, "exec")


def test_a_release_is_one_pushed_commit_that_changes_one_file(source, tmp_path):
    """A release changes the revision of one application and nothing else."""
    folder, revisions = source
    writer = ConfigWriter(
        tmp_path / "clone",
        bare=tmp_path / "config.git",
        source=folder,
        platform=Processes(python=sys.executable),
    )
    writer.start()
    writer.write_settings()
    for environment in ("staging", "production"):
        writer.write_release("web", environment, revisions["start"])
    writer.push("Run the shop", PRIYA)
    writer.write_release("web", "production", revisions["gift"])
    pushed = writer.push("Release web", PRIYA)

    assert git("rev-parse", "main", folder=tmp_path / "config.git").strip() == pushed == writer.head
    changed = git("diff", "--numstat", "HEAD^", "HEAD", folder=tmp_path / "clone").split()
    assert changed == ["1", "1", "apps/web/production/process-compose.yaml"]
