"""What a rollback puts on the branch, against the git program itself on the same random history."""

import asyncio
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastgood.core.errors import RevertConflict
from lastgood.git.mirror import MirrorConfigRepo
from twins.git_fixtures import bare, clone, git, long_history
from twins.rollback_world import RollbackWorld

WEB = "apps/web/production"
FILES = [f"{WEB}/a", f"{WEB}/deep/b", f"{WEB}/link", "apps/cart/production/a", "top"]
YAML = """version: 1
applications:
  - {name: web-production, path: apps/web/production, destination: x}
  - {name: cart-production, path: apps/cart/production, destination: x}
"""
lines = st.lists(st.sampled_from("xyz"), min_size=6, max_size=6).map(lambda found: "\n".join(found) + "\n")
files = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(["100644", "100755"]), lines),
    st.tuples(st.just("120000"), st.sampled_from(["a", "../a"])),
)
changes = st.dictionaries(st.sampled_from(FILES), files, min_size=1, max_size=3)
histories = st.lists(changes, min_size=2, max_size=6)


def _repo(folder: Path, history: list[dict]) -> tuple[Path, list[str]]:
    """Write a history in one go; return the bare repository and its commits, oldest first."""
    repo = bare(folder / "config.git")
    stream = io.StringIO()
    first = {
        "lastgood.yaml": ("100644", YAML),
        "keep": ("100644", "0\n"),
        "apps/cart/production/keep": ("100644", "0\n"),
    }
    for number, change in enumerate([{**first, f"{WEB}/keep": ("100644", "0\n")}, *history], 1):
        stream.write(
            f"commit refs/heads/main\nmark :{number}\ncommitter P <p@example.com> {1_800_000_000 + number} +0000\n"
        )
        stream.write("data 7\nchange\n\n")
        for path, content in change.items():
            if content is None:
                stream.write(f"D {path}\n")
            else:
                mode, text = content
                stream.write(f"M {mode} inline {path}\ndata {len(text)}\n{text}\n")
    marks = folder / "marks"
    git(repo, "fast-import", "--quiet", f"--export-marks={marks}", stdin=stream.getvalue().encode())
    found = dict(line.split(" ") for line in marks.read_text().splitlines())
    return repo, [found[f":{number}"] for number in range(1, len(history) + 2)]


def _world(folder: Path, repo: Path) -> RollbackWorld:
    class Remote:
        url = f"file://{repo}"

    return RollbackWorld(MirrorConfigRepo(folder / "mirror", f"file://{repo}", "config"), Remote())  # type: ignore[arg-type]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.data())
def test_a_restore_gives_the_tree_that_git_restore_gives(history, data):
    """The same tree as `git restore --source=VERSION -- path`, whatever else the history holds."""

    async def go(folder: Path) -> None:
        repo, made = _repo(folder, history)
        to = data.draw(st.sampled_from(made))
        world = _world(folder, repo)
        await world.roll_back(to=to, hold=False, despite=("deletes-application",))
        work = clone(repo, folder / "work", "--no-checkout")
        git(work, "reset", "-q", made[-1])
        git(work, "restore", "--staged", f"--source={to}", "--", WEB)
        assert git(repo, "rev-parse", "main^{tree}") == git(work, "write-tree")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(go(Path(folder)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.data())
def test_a_revert_gives_the_tree_that_git_revert_gives(history, data):
    """The same tree as `git revert` of a commit of the application alone; a conflict there is a conflict here."""

    async def go(folder: Path) -> None:
        repo, made = _repo(folder, history)
        mine = [
            commit
            for commit in made[1:]
            if (touched := git(repo, "diff-tree", "-r", "--name-only", "--no-commit-id", commit).splitlines())
            and all(path.startswith(f"{WEB}/") for path in touched)
        ]
        if not mine:
            return
        commit = data.draw(st.sampled_from(mine))
        work = clone(repo, folder / "work")
        # The other strategy of that time follows renames whatever it is told.
        by_path = ("--strategy=recursive", "-X", "no-renames")
        settings_ = ("-c", "user.name=P", "-c", "user.email=p@example.com")
        git(work, *settings_, "revert", "--no-edit", *by_path, commit, ok=(0, 1))
        conflicts = bool(git(work, "ls-files", "--unmerged"))
        world = _world(folder, repo)
        try:
            await world.roll_back(mode="revert", commits=(commit,), hold=False, despite=("deletes-application",))
        except RevertConflict:
            assert conflicts
            assert git(repo, "rev-parse", "main") == made[-1]
            return
        assert not conflicts
        assert git(repo, "rev-parse", "main^{tree}") == git(work, "rev-parse", "HEAD^{tree}")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(go(Path(folder)))


async def test_on_a_long_history_with_reverts_and_merges_git_says_the_same(tmp_path):
    """The history of an application is that of `git log --first-parent`, a restore what git restores, undo undoes."""
    repo = long_history(
        tmp_path / "config.git", commits=1500, files=200, applications=10, merge_every=7, revert_every=5
    )
    world = _world(tmp_path, repo)
    work = clone(repo, tmp_path / "work", "--no-checkout")
    applications = (await world.branch.fetch()).discovered.applications
    for number, name in enumerate(sorted(applications)[::6]):
        path, head = applications[name].scope.path, git(repo, "rev-parse", "main")
        log = git(repo, "log", "--first-parent", "-m", "--no-renames", "--format=%H", "main", "--", path).splitlines()
        history = await world.repo.history(head, applications[name].scope)
        assert [entry.commit.oid for entry in history.entries] == log
        to = log[(number * 37 + 20) % len(log)]
        await world.roll_back(name, to=to, hold=False)
        git(work, "fetch", "-q")
        git(work, "read-tree", head)
        git(work, "restore", "--staged", f"--source={to}", "--", path)
        assert git(repo, "rev-parse", "main^{tree}") == git(work, "write-tree")
        await world.undo(name)
        assert git(repo, "rev-parse", "main^{tree}") == git(repo, "rev-parse", f"{head}^{{tree}}")
