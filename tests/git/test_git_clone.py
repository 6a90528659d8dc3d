"""A person's clone: what is theirs stays theirs; shallow, partial and odd clones answer or refuse, and never invent."""

import subprocess

import pytest

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE, Edit
from lastgood.core.errors import GitFailed, HistoryTruncated, ObjectMissing, RepoUnsupported
from lastgood.git.clone import CloneConfigRepo
from twins.config_repo import START
from twins.git_fixtures import BareRemote, clone, git, long_history, snapshot

WEB = Scope(path="apps/web")


@pytest.fixture
def remote(tmp_path):
    return BareRemote(tmp_path / "config.git")


@pytest.fixture
async def head(remote):
    await remote.commit_files("main", {"apps/web/a": "1\n", "b": "x\n"})
    await remote.commit_files("main", {"apps/web/a": "2\n"})
    return await remote.commit_files("main", {"apps/web/a": "1\n", "link": (MODE_SYMLINK, "b")})


@pytest.fixture
def opened():
    """Open clones and end their helper processes afterwards."""
    repos = []

    def _open(folder):
        repos.append(CloneConfigRepo(folder))
        return repos[-1]

    yield _open
    for repo in repos:
        repo.close()


async def test_nothing_of_the_person_is_touched(remote, head, tmp_path, opened):
    """Fetch, plan, commit, push and own refs leave work tree, index, HEAD and local branches byte for byte."""
    here = clone(remote.folder, tmp_path / "clone")
    (here / "b").write_text("unsaved work\n")
    (here / "apps/web/new").write_text("staged\n")
    git(here, "add", "apps/web/new")
    before = snapshot(here)
    newer = await remote.commit_files("main", {"apps/web/a": "3\n"})
    repo = opened(here / "apps")

    assert await repo.fetch("main") == newer
    assert await repo.head("main") == head
    assert await repo.behind() == 1
    tree = await repo.write_tree(
        (await repo.commit(newer)).tree, [Edit(path="apps/web/a", oid=await repo.write_blob(b"1\n"))]
    )
    author = await repo.author()
    ours = await repo.make_commit(tree=tree, parents=[newer], author=author, authored_at=START, message="Back\n")
    await repo.keep("refs/lastgood/unpushed/1", ours)
    await repo.history(newer, WEB)
    await repo.push("main", ours, expected=newer)

    assert remote.ref("refs/heads/main") == ours
    assert git(here, "rev-parse", "origin/main") == ours
    assert snapshot(here) == before
    assert git(here, "fsck", "--strict") == ""


async def test_the_branch_is_named_as_the_remote_names_it(remote, head, tmp_path, opened):
    """A local branch with an upstream of another name stands for that one; HEAD is what is here."""
    here = clone(remote.folder, tmp_path / "clone")
    git(here, "checkout", "-q", "-b", "mine", "--track", "origin/main")
    git(here, "commit", "-q", "--allow-empty", "-m", "Local")
    repo = opened(here)

    assert repo.branch() == "main"
    assert repo.upstream().ref == "refs/remotes/origin/main"
    assert await repo.head("main") == git(here, "rev-parse", "HEAD")
    assert await repo.fetch("main") == head


async def test_the_branch_is_the_one_that_git_means_however_head_says_it(remote, head, tmp_path, opened):
    """A branch with a slash, one without commits, and a HEAD that is a link, which git still reads."""
    here = clone(remote.folder, tmp_path / "clone")
    repo = opened(here)
    assert repo.checked_out() == "main"
    for branch in ("feature/ü", "unborn"):
        git(here, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
        assert repo.checked_out() == branch
    (here / ".git/HEAD").unlink()
    (here / ".git/HEAD").symlink_to("refs/heads/main")
    assert repo.checked_out() == "main"


async def test_a_detached_head_has_no_branch(remote, head, tmp_path, opened):
    """Detached, there is no branch, and HEAD can still be read."""
    here = clone(remote.folder, tmp_path / "clone")
    git(here, "checkout", "-q", "--detach", "HEAD~1")
    repo = opened(here)

    assert repo.branch() is None
    assert await repo.head("HEAD") == git(here, "rev-parse", "HEAD")
    assert await repo.head("main") == head
    assert (await repo.resolve("HEAD~1")).parents == ()


async def test_an_unborn_branch_has_no_head(tmp_path, opened):
    """A repository without a commit is empty, not broken."""
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q", "--initial-branch=main", ".")
    repo = opened(tmp_path / "new")

    assert repo.branch() == "main"
    assert await repo.head("main") is None
    assert await repo.fetch("main") is None
    assert await repo.behind() is None


async def test_without_a_remote_the_local_branch_is_the_answer(tmp_path, opened):
    """A repository of its own can be read; a push says what is missing."""
    (tmp_path / "own").mkdir()
    git(tmp_path / "own", "init", "-q", "--initial-branch=main", ".")
    git(tmp_path / "own", "commit", "-q", "--allow-empty", "-m", "One")
    repo = opened(tmp_path / "own")
    head = git(tmp_path / "own", "rev-parse", "HEAD")

    assert await repo.fetch("main") == head
    assert await repo.remote_head("main") == head
    with pytest.raises(GitFailed, match="no remote"):
        await repo.push("main", head, expected=head)


async def test_linked_work_trees_and_bare_clones_are_clones(remote, head, tmp_path, opened):
    """A linked work tree shares the memory of its repository; a bare clone has no work tree to look at."""
    here = clone(remote.folder, tmp_path / "clone")
    git(here, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = opened(tmp_path / "linked")
    bare_clone = opened(clone(remote.folder, tmp_path / "bare.git", "--bare"))

    assert linked.memory == here / ".git" / "lastgood"
    assert linked.checked_out() == "side"
    assert len((await linked.history(head, WEB)).entries) == 3
    assert len((await bare_clone.history(head, WEB)).entries) == 3
    assert bare_clone.name == "bare"


async def test_a_shallow_clone_invents_no_entry(remote, head, tmp_path, opened):
    """At the edge the list ends, marked, without claiming that everything began there."""
    full = [e.commit.oid for e in (await opened(clone(remote.folder, tmp_path / "full")).history(head, WEB)).entries]
    for depth in (1, 2):
        here = clone(remote.folder, tmp_path / f"shallow{depth}", f"--depth={depth}")
        history = await opened(here).history(head, WEB)
        assert history.truncated
        assert [e.commit.oid for e in history.entries] == full[: depth - 1]


async def test_a_deepened_clone_answers_anew(remote, head, tmp_path, opened):
    """What was remembered of a shallow clone does not outlive its edge."""
    here = clone(remote.folder, tmp_path / "shallow", "--depth=2")
    assert (await opened(here).history(head, WEB)).truncated
    git(here, "fetch", "-q", "--unshallow")

    history = await opened(here).history(head, WEB)

    assert (len(history.entries), history.truncated) == (3, False)


async def test_a_shallow_clone_says_what_it_cannot_tell(remote, head, tmp_path, opened):
    """Ancestry and dates beyond the edge are unknown, not false; a rollback still goes through."""
    first = git(remote.folder, "rev-list", "--max-parents=0", "main")
    repo = opened(clone(remote.folder, tmp_path / "shallow", "--depth=2"))

    assert await repo.is_ancestor(first, head) is None
    assert await repo.is_ancestor(git(remote.folder, "rev-parse", "main~1"), head) is True
    with pytest.raises(HistoryTruncated):
        await repo.at_date(head, START)
    with pytest.raises(ObjectMissing):
        await repo.commit(first)
    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="b")])
    ours = await repo.make_commit(tree=tree, parents=[head], author=await repo.author(), authored_at=START, message="x")
    await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours


async def test_a_partial_clone_restores_without_fetching_files(remote, head, tmp_path, opened):
    """Folders are put back by id: no file that was left at the remote is needed, not even for the push."""
    old = git(remote.folder, "rev-parse", "main~1:apps/web")
    here = clone(remote.folder, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    repo = opened(here)
    missing = git(here, "rev-list", "--objects", "--all", "--missing=print").count("?")

    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="apps/web", mode=MODE_TREE, oid=old)])
    ours = await repo.make_commit(tree=tree, parents=[head], author=await repo.author(), authored_at=START, message="x")
    assert len((await repo.history(ours, WEB)).entries) == 4

    assert git(here, "rev-list", "--objects", "--all", "--missing=print").count("?") == missing > 0
    await repo.push("main", ours, expected=head)
    assert git(remote.folder, "rev-parse", "main:apps/web") == old
    assert git(remote.folder, "fsck", "--no-dangling") == ""
    blob = (await repo.entry(ours, "apps/web/a")).oid
    assert await repo.read(blob, max_bytes=9) == b"2\n"  # asked of the remote now


def test_a_clone_without_folders_is_refused_with_the_way_out(remote, tmp_path):
    """A treeless clone would fetch each folder of its history one by one: it is refused at once."""
    subprocess.run(["git", "-C", remote.folder, "config", "uploadpack.allowFilter", "true"], check=True)  # noqa: S607
    here = clone(remote.folder, tmp_path / "treeless", "--filter=tree:0", "--no-checkout")

    with pytest.raises(RepoUnsupported) as refused:
        CloneConfigRepo(here)
    assert "--refetch" in refused.value.hint


def test_a_sha256_repository_is_refused_clearly(tmp_path):
    """Repositories that name objects by SHA-256 are not read, and that is said."""
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q", "--object-format=sha256", ".")

    with pytest.raises(RepoUnsupported, match="SHA-256"):
        CloneConfigRepo(tmp_path / "new")


def test_a_folder_outside_any_repository_is_said_to_be_one(tmp_path):
    """The error names the way out, and a folder that is not there is told apart."""
    with pytest.raises(GitFailed, match="not a Git repository") as outside:
        CloneConfigRepo(tmp_path)
    assert "-C DIR" in outside.value.hint
    with pytest.raises(GitFailed, match="no folder"):
        CloneConfigRepo(tmp_path / "nowhere")


async def test_submodules_and_links_beside_the_path_stay_as_they_are(remote, head, tmp_path, opened):
    """Editing one folder keeps links, submodules and modes everywhere else, by id."""
    top = await remote.commit_files("main", {"vendor/lib": (MODE_SUBMODULE, "1" * 40), ".gitmodules": "[x]\n"})
    repo = opened(clone(remote.folder, tmp_path / "clone"))

    tree = await repo.write_tree((await repo.commit(top)).tree, [Edit(path="apps/web/a")])

    beside = {c.path for c in await repo.changes((await repo.commit(top)).tree, tree)}
    assert beside == {"apps/web/a"}
    assert (await repo.entry(tree, "vendor/lib")).mode == MODE_SUBMODULE
    assert (await repo.entry(tree, "link")).mode == MODE_SYMLINK


async def test_settings_of_the_clone_do_not_change_the_answers(remote, head, tmp_path, opened):
    """Signatures, mail maps, path quoting, hooks and replacements that a clone may set play no part."""
    here = clone(remote.folder, tmp_path / "clone")
    for key, value in {
        "log.showSignature": "true",
        "log.date": "relative",
        "diff.renames": "copies",
        "diff.external": "false",
        "core.quotePath": "true",
        "push.followTags": "true",
        "push.default": "nothing",
        "color.ui": "always",
        "core.fsmonitor": "false; touch fsmonitor-ran",
        "core.hooksPath": str(here / "hooks"),
    }.items():
        git(here, "config", key, value)
    (here / "hooks").mkdir()
    for name in ("pre-push", "reference-transaction", "post-index-change"):
        (here / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\nexit 1\n")
        (here / "hooks" / name).chmod(0o755)
    git(here, "-c", "core.hooksPath=/dev/null", "replace", head, f"{head}~2")
    repo = opened(here)

    assert len((await repo.history(head, WEB)).entries) == 3
    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="b")])
    ours = await repo.make_commit(tree=tree, parents=[head], author=await repo.author(), authored_at=START, message="x")
    await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours
    assert not list(tmp_path.glob("**/*-ran"))


# remembering


async def test_the_second_look_asks_git_for_nothing(remote, head, tmp_path, opened, monkeypatch):
    """At the same head the answer comes from `.git/lastgood` alone."""
    here = clone(remote.folder, tmp_path / "clone")
    first = await opened(here).history(head, WEB)
    repo = opened(here)
    monkeypatch.setattr(repo._history, "_git", None)

    assert await repo.history(head, WEB) == first


async def test_a_moved_head_extends_what_is_known(remote, head, tmp_path, opened, monkeypatch):
    """Forward, only the new commits are looked at; the answer is as if asked for the first time."""
    here = clone(remote.folder, tmp_path / "clone")
    repo = opened(here)
    await repo.history(head, WEB)
    newer = await remote.commit_files("main", {"apps/web/a": "9\n"})
    newest = await remote.commit_files("main", {"b": "9\n"})
    await repo.fetch("main")
    monkeypatch.setattr(repo._history, "_asked", None)

    extended = await repo.history(newest, WEB)

    assert extended.entries[0].commit.oid == newer
    fresh = opened(clone(remote.folder, tmp_path / "fresh"))
    assert await fresh.history(newest, WEB) == extended


async def test_a_foxtrot_merge_is_asked_anew(remote, head, tmp_path, opened):
    """If the old head is not on the first-parent line any more, nothing known of it is used."""
    here = clone(remote.folder, tmp_path / "clone")
    repo = opened(here)
    await repo.history(head, WEB)
    base = git(remote.folder, "rev-parse", "main~2")
    local = await remote.commit_files("main", {"b": "local\n"}, parents=(base,), move=False)
    foxtrot = await remote.commit_files("main", {"apps/web/a": "1\n"}, parents=(local, head))
    await repo.fetch("main")

    assert [e.commit.oid for e in (await repo.history(foxtrot, WEB)).entries] == [base]


@pytest.mark.parametrize("damage", [b"", b"lastgood history 1\n", b"\x00" * 400, None])
async def test_a_damaged_memory_is_ignored(remote, head, tmp_path, opened, damage):
    """Whatever stands in the memory's files, the answer is right."""
    here = clone(remote.folder, tmp_path / "clone")
    first = await opened(here).history(head, WEB)
    (file,) = (here / ".git/lastgood/history").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-7] + b"garbage" if damage is None else damage)

    assert await opened(here).history(head, WEB) == first


async def test_history_is_what_a_naive_look_at_each_commit_finds(tmp_path, opened):
    """On a history with merges and returns, for several scopes: the same as asking git commit by commit."""
    source = long_history(tmp_path / "long.git", commits=150, files=24, applications=4, merge_every=5, revert_every=7)
    here = clone(source, tmp_path / "clone")
    repo = opened(here)
    line = git(here, "rev-list", "--first-parent", "HEAD").split()
    for path in ("apps/app0001/staging", "apps/app0002/production", "apps/app0003", "apps"):
        asked = "".join(f"{oid}:{path}\n" for oid in line).encode()
        trees = [x.split()[0] for x in git(here, "cat-file", "--batch-check", stdin=asked).splitlines()]
        older = [*trees[1:], None]
        naive = [(oid, tree) for oid, tree, before in zip(line, trees, older, strict=True) if tree != before]

        entries = (await repo.history(line[0], Scope(path=path))).entries

        assert [(e.commit.oid, e.version) for e in entries] == naive


async def test_many_applications_are_answered_by_one_scan(remote, tmp_path, opened):
    """Whether git prunes by path or the branch was read once, the answers are the same, at a shallow edge, too."""
    source = long_history(tmp_path / "long.git", commits=80, files=24, applications=6, merge_every=5)
    for options in ((), ("--depth=20",)):
        here = clone(source, tmp_path / f"clone{len(options)}", *options)
        head = git(here, "rev-parse", "HEAD")
        scopes = [Scope(path=f"apps/app{n:04d}") for n in range(6)]
        one_by_one = [await opened(here).history(head, scope) for scope in scopes]
        for file in (here / ".git/lastgood/history").iterdir():
            file.unlink()
        repo = opened(here)

        assert [await repo.history(head, scope) for scope in scopes] == one_by_one
        assert repo._history._index._lines
