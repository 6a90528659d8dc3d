"""Release folders: what is written, what is refused, what is collected, and that half of one never counts."""

import errno
import os
from pathlib import Path

import pytest

from lastgood.core.commit import MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK
from lastgood.core.errors import TargetFailed, TargetRefused
from lastgood.targets.process import ArtifactUse
from lastgood.targets.process import releases as releases_module
from lastgood.targets.process.folder import Folder
from lastgood.targets.process.releases import Releases, ReleaseWrong
from twins.processes import MemorySource, Room, application, eventually, file, render, until_health

ONE, TWO = "1" * 40, "2" * 40
RUN = "exec sleep 1000"


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "root")
    made.create()
    return made


def releases(folder, source, *, known=True):
    async def find_source(_app, _artifact, revision):
        return (source, revision) if known else None

    return Releases(folder, find_source)


async def stage(folder, *files):
    return await releases(folder, MemorySource({ONE: list(files)})).stage(application(), "web", ONE)


async def test_a_release_is_the_commit_s_files_read_only(folder):
    """Content, folders and executable bits are those of the commit; nothing can be written."""
    release = await stage(folder, file("a", "A"), file("bin/run", "#!", MODE_EXECUTABLE), file("é/ü", "\r\n"))
    tree = Path(release.tree)
    assert (tree / "a").read_text() == "A"
    assert (tree / "é/ü").read_bytes() == b"\r\n"
    assert modes_below(tree) == {"a": 0o444, "bin": 0o555, "bin/run": 0o555, "é": 0o555, "é/ü": 0o444}
    assert tree == folder.releases / ONE / "tree"


def modes_below(tree):
    return {str(place.relative_to(tree)): place.stat().st_mode & 0o777 for place in tree.rglob("*")}


async def test_symlinks_stay_only_where_they_stay_inside(folder):
    """A link that leads outside, at once or through another, is left out and named."""
    release = await stage(
        folder,
        file("dir/a", "A"),
        file("good", "dir/a", MODE_SYMLINK),
        file("dangling", "dir/nothing", MODE_SYMLINK),
        file("absolute", "/etc/passwd", MODE_SYMLINK),
        file("up", "../../..", MODE_SYMLINK),
        file("dir/here", "..", MODE_SYMLINK),
        file("through", "dir/here/..", MODE_SYMLINK),
        file("round", "round", MODE_SYMLINK),
    )
    tree = Path(release.tree)
    assert release.left_out == ("absolute", "round", "through", "up")
    assert sorted(os.listdir(tree)) == ["dangling", "dir", "good"]  # noqa: PTH208  # short
    assert (tree / "good").read_text() == "A"


@pytest.mark.parametrize(
    "files",
    [
        [file("../outside", "x")],
        [file("/etc/x", "x")],
        [file("a/../../x", "x")],
        [file("", "x")],
        [file("a//b", "x")],
        [file("nul\0", "x")],
        [file("dir", "/tmp", MODE_SYMLINK), file("dir/x", "x")],
        [file("twice", "1"), file("twice", "2")],
        [file("a", "1"), file("a/b", "2")],
    ],
    ids=lambda files: " ".join(repr(path) for path, _, _ in files),
)
async def test_a_hostile_tree_writes_nothing_outside(folder, files):
    """Git can store any path; what does not name one place below the release refuses the release."""
    with pytest.raises(ReleaseWrong):
        await stage(folder, *files)
    assert not (folder.releases / ONE).exists()
    assert list(folder.temporary.iterdir()) == []
    assert sorted(place.name for place in folder.root.iterdir()) == sorted(
        ["state", "applied", "locks", "logs", "work", "releases", "temporary"]
    )


async def test_bounds_are_kept(folder, monkeypatch):
    """A commit with too many files or bytes is refused."""
    monkeypatch.setattr(releases_module, "MAX_FILES", 2)
    with pytest.raises(ReleaseWrong, match="more than 2 files"):
        await stage(folder, file("a", ""), file("b", ""), file("c", ""))
    monkeypatch.setattr(releases_module, "MAX_BYTES", 10)
    with pytest.raises(ReleaseWrong, match="10 bytes"):
        await stage(folder, file("a", "x" * 11))


async def test_a_full_disk_leaves_no_half_of_a_release(folder, monkeypatch):
    """Whatever cannot be written is said, and nothing of it stays."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(ReleaseWrong, match="No space left on device"):
        await stage(folder, file("a", "A"))
    assert not (folder.releases / ONE).exists()
    assert list(folder.temporary.iterdir()) == []


async def test_a_known_release_asks_nobody(folder):
    """What was staged once works without its source repo, and a moved tag does not change what it was."""
    source = MemorySource({ONE: [file("a", "1")], TWO: [file("a", "2")]}, {"v1": ONE})
    first = await releases(folder, source).stage(application(), "web", "v1")
    source.names["v1"] = TWO
    again = await releases(folder, source).stage(application(), "web", "v1")
    assert again == first
    assert (source.asked, source.read) == (1, 1)


def spoil(tree, damage):
    tree.chmod(0o755)
    tree.parent.chmod(0o755)
    match damage:
        case "content":
            (tree / "a").chmod(0o644)
            (tree / "a").write_text("evil")
            (tree / "a").chmod(0o444)
        case "missing":
            (tree / "b").unlink()
        case "mode":
            (tree / "a").chmod(0o666)
        case "manifest":
            (tree.parent / "manifest.json").write_text("{")


@pytest.mark.parametrize("damage", ["content", "missing", "mode", "manifest"])
async def test_a_damaged_release_is_written_anew(folder, damage):
    """A folder that is not what its manifest says does not count."""
    source = MemorySource({ONE: [file("a", "true"), file("b", "B")]})
    made = releases(folder, source)
    tree = Path((await made.stage(application(), "web", ONE)).tree)
    spoil(tree, damage)
    again = await made.stage(application(), "web", ONE)
    assert (Path(again.tree) / "a").read_text() == "true"
    assert (Path(again.tree) / "b").exists()
    assert source.read == 2


async def test_without_a_source_the_artifact_is_named(folder):
    """An artifact that no source repo is named for is refused with its name."""
    with pytest.raises(ReleaseWrong, match="no source repo is named for the artifact web"):
        await releases(folder, MemorySource({}), known=False).stage(application(), "web", "v1")


async def test_releases_are_collected_except_those_that_run_or_are_kept(room):
    """What runs and what the caller calls good stays; the rest goes, whatever its modes."""
    commits = {str(n) * 40: [file("dir/a", str(n))] for n in range(1, 5)}
    room.source.commits.update(commits)
    target = room.target()
    for commit in commits:
        await target.apply(application(), render({"web": RUN}, artifacts={"code": commit}))
    keep = [ArtifactUse(app="web", artifact="code", revision="2" * 40)]
    (room.root / "temporary" / "release-of-a-killed-agent").mkdir()
    assert await target.collect_releases(keep) == ["1" * 40, "3" * 40]
    left = {place.name for place in (room.root / "releases").iterdir() if place.is_dir()}
    assert left == {"2" * 40, "4" * 40}
    # A supervisor may be writing its state there at this moment.
    assert not list((room.root / "temporary").glob("release*"))


async def test_an_apply_under_way_is_not_collected_from(room):
    """While somebody applies, nothing is collected."""
    room.source.commits[ONE] = [file("a", "1")]
    target = room.target()
    await target.apply(application(), render({"web": RUN}, artifacts={"code": ONE}))
    await target.prune("web")
    with Folder(room.root).locked("releases", shared=True) as held:
        assert held
        assert await target.collect_releases([]) == []
    assert await target.collect_releases([]) == [ONE]


async def test_a_process_runs_in_its_release(room):
    """The release folder is the default working_dir; a folder inside can be chosen."""
    room.source.commits[ONE] = [file("hello", "from the root"), file("sub/hello", "from below")]
    target = room.target()
    processes = {"a": f"cat hello; {RUN}", "b": {"command": f"cat hello; {RUN}", "working_dir": "sub/../sub"}}
    await target.apply(application(), render(processes, artifacts={"code": ONE}))
    await eventually(lambda: room.log("a") == "from the root")
    await eventually(lambda: room.log("b") == "from below")


async def test_only_processes_whose_release_changed_are_restarted(room):
    """A new revision of one artifact leaves the processes of the others alone."""
    room.source.commits |= {ONE: [file("a", "1")], TWO: [file("a", "2")]}
    target = room.target()
    await target.apply(application(), render({"web": RUN, "cart": RUN}, artifacts={"web": ONE, "cart": ONE}))
    result = await target.apply(application(), render({"web": RUN, "cart": RUN}, artifacts={"web": TWO, "cart": ONE}))
    assert {r.name: r.outcome for r in result.resources} == {"web": "applied", "cart": "unchanged"}
    assert room.state("web").release == TWO


@pytest.mark.parametrize(
    ("processes", "artifacts", "says"),
    [
        ({"web": RUN}, {"code": "unknown"}, "a release cannot be had: source has no version unknown"),
        ({"web": {"command": RUN, "working_dir": "nowhere"}}, {"code": ONE}, "nowhere, is no folder inside"),
        ({"web": {"command": RUN, "working_dir": "out"}}, {"code": ONE}, "out, is no folder inside"),
        ({"web": {"command": RUN, "working_dir": "sub"}}, {}, "web has a working_dir and no artifact"),
    ],
)
async def test_what_cannot_be_prepared_touches_nothing(room, processes, artifacts, says):
    """Where a release or a folder is not to be had, what runs goes on as it is."""
    room.source.commits[ONE] = [file("a", "1"), file("out", "..", MODE_SYMLINK)]
    target = room.target()
    await target.apply(application(), render({"old": RUN}))
    await until_health(target, "Healthy")
    with pytest.raises(TargetFailed, match=says):
        await target.apply(application(), render(processes, artifacts=artifacts))
    seen = await target.observe("web")
    assert (seen.health, seen.sync, [r.name for r in seen.resources]) == ("Healthy", "Synced", ["old"])


async def test_what_a_commit_can_never_give_is_refused(room):
    """It is the version's own fault; what its source repo does not know yet may come."""
    room.source.commits[ONE] = [file("a", "1"), file("../out", "1")]
    target = room.target()
    with pytest.raises(TargetRefused, match="leads outside"):
        await target.apply(application(), render({"web": RUN}, artifacts={"web": ONE}))
    room.source.commits[TWO] = [file("a", "1")]
    nowhere = render({"web": {"command": RUN, "working_dir": "nowhere"}}, artifacts={"code": TWO})
    with pytest.raises(TargetRefused, match="no folder inside"):
        await target.apply(application(), nowhere)
    with pytest.raises(TargetFailed) as unknown:
        await target.apply(application(), render({"web": RUN}, artifacts={"web": "unknown"}))
    assert not isinstance(unknown.value, TargetRefused)


async def test_links_that_were_left_out_are_named_in_the_result(room):
    """Who applies learns what of the release is missing."""
    room.source.commits[ONE] = [file("a", "1", MODE_FILE), file("evil", "/etc", MODE_SYMLINK)]
    result = await room.target().apply(application(), render({"web": RUN}, artifacts={"code": ONE}))
    assert result.message == "left out of release 1111111, because they lead outside: evil"


async def test_a_root_that_cannot_be_used_is_one_clear_error(tmp_path):
    """Whatever is asked of a target whose folder is a file, the answer is TargetFailed, never a stack trace."""
    room = Room(tmp_path / "root")
    room.root.write_text("a file")
    target = room.target()
    with pytest.raises(TargetFailed, match="cannot be used"):
        await target.apply(application(), render({"web": RUN}))
    with pytest.raises(TargetFailed, match="cannot be used"):
        await target.collect_releases([])
    with pytest.raises(TargetFailed, match="cannot be used"):
        await anext(target.changes())
    assert (await target.observe("web")).health == "Unknown"
