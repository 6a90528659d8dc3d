"""A source repo's mirror: revisions are found, and files come from tree objects alone, hostile names and all."""

import pytest

from lastgood.core.commit import MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE, TreeEntry
from lastgood.core.commit_object import LASTGOOD, format_commit
from lastgood.core.errors import GitFailed, ObjectMissing, ObjectTooLarge, RemoteUnreachable, UnknownVersion
from lastgood.core.tree import format_tree
from lastgood.core.value import utc
from lastgood.git.source import MirrorSourceRepo, is_hostile
from twins.config_repo import Objects
from twins.git_fixtures import BareRemote, git


@pytest.fixture
def remote(tmp_path):
    return BareRemote(tmp_path / "shop.git")


@pytest.fixture
def source(remote, tmp_path):
    return MirrorSourceRepo(tmp_path / "mirror", remote.url)


async def _files(source, commit):
    return {entry.path: (entry.mode, data) async for entry, data in source.files(commit)}


async def test_revisions_are_found_by_id_tag_and_branch(remote, source):
    """What is not here is fetched once; a branch is where the remote has it now."""
    one = await remote.commit_files("main", {"a": "1"})
    remote.set("refs/tags/v1.0", one)
    assert await source.resolve("v1.0") == one
    two = await remote.commit_files("main", {"a": "2"})

    assert await source.resolve(two) == two
    assert await source.resolve(two[:8]) == two
    three = await remote.commit_files("main", {"a": "3"})
    assert await source.resolve("main") == three


async def test_a_known_revision_needs_no_network(remote, source):
    """A release that was fetched can be written again while the forge is away; what is unknown then is an error."""
    one = await remote.commit_files("main", {"a": "1"})
    remote.set("refs/tags/v1", one)
    await source.resolve(one)
    remote.folder.rename(remote.folder.with_name("away.git"))

    assert await source.resolve(one) == one
    assert await source.resolve("v1") == one
    with pytest.raises(RemoteUnreachable):
        await source.resolve("v2")


async def test_a_shallow_remote_is_said_to_be_one(remote, tmp_path):
    """A history with its beginning cut off cannot be taken over: that is said, and not which object is missing."""
    for text in "12":
        await remote.commit_files("main", {"a": text})
    git(tmp_path, "clone", "-q", "--bare", "--depth", "1", f"file://{remote.folder}", "shallow.git")
    source = MirrorSourceRepo(tmp_path / "mirror", f"file://{tmp_path}/shallow.git")
    with pytest.raises(RemoteUnreachable, match="as a shallow clone or a damaged repository does not"):
        source.fetch()


@pytest.mark.parametrize("revision", ["v9", "", "-x", "HEAD:a", "a..b", "f" * 40, "a\nb"])
async def test_an_unknown_revision_is_said_to_be_one(remote, source, revision):
    """No text names anything but a commit."""
    await remote.commit_files("main", {"a": "1"})
    with pytest.raises(UnknownVersion):
        await source.resolve(revision)


async def test_files_come_as_stored(remote, source):
    """Attributes, filters and line ends change nothing; links come as links; submodules are left out."""
    commit = await remote.commit_files(
        "main",
        {
            ".gitattributes": "* text eol=crlf export-subst\nsecret export-ignore\n",
            "a": "one\r\ntwo $Format:%H$\n",
            "bin/run": (MODE_EXECUTABLE, "#!/bin/sh\n"),
            "link": (MODE_SYMLINK, "/etc/passwd"),
            "module": (MODE_SUBMODULE, "1" * 40),
            "secret": "here",
        },
    )
    await source.resolve(commit)

    files = await _files(source, commit)

    assert files["a"] == (MODE_FILE, b"one\r\ntwo $Format:%H$\n")
    assert files["bin/run"] == (MODE_EXECUTABLE, b"#!/bin/sh\n")
    assert files["link"] == (MODE_SYMLINK, b"/etc/passwd")
    assert files["secret"] == (MODE_FILE, b"here")
    assert "module" not in files
    assert list(files) == sorted(files)


def _commit_with(remote, name: str, *, folder: bool = False) -> str:
    """Store a commit with a name that git itself would refuse to make."""
    objects = Objects()
    blob = objects.write("blob", b"x")
    inner = objects.write("tree", format_tree([TreeEntry(path="f", mode=MODE_FILE, oid=blob)]))
    entry = TreeEntry(path=name, mode=MODE_TREE if folder else MODE_FILE, oid=inner if folder else blob)
    tree = objects.write("tree", format_tree([TreeEntry(path="a", mode=MODE_FILE, oid=blob), entry]))
    commit = format_commit(tree=tree, parents=(), author=LASTGOOD, authored_at=utc(0), message="x")
    oid = objects.write("commit", commit)
    for each in objects:
        kind = objects.kind(each)
        data = objects.read(kind, each)
        git(remote.folder, "hash-object", "-w", "-t", kind, "--stdin", "--literally", stdin=data)
    remote.set("refs/heads/main", oid)
    return oid


@pytest.mark.parametrize(
    ("name", "folder"),
    [("..", True), (".", True), (".git", True), (".GIT", True), ("git~1", True), ("..", False),
     ("a/b", False), ("/etc", True), ("..\\x", False), ("a", False), (".git. ", True)],
)  # fmt: skip
async def test_a_hostile_name_gives_out_no_file_at_all(remote, source, name, folder):
    """A name that would reach outside its folder stops everything before the first file."""
    commit = _commit_with(remote, name, folder=folder)
    await source.resolve(commit)

    with pytest.raises(GitFailed, match="must not be written"):
        await anext(source.files(commit))


def test_an_empty_name_is_hostile():
    """Git refuses to send one; where one comes anyway, it is refused here."""
    assert is_hostile("")
    assert is_hostile("a\0b")
    assert not is_hostile("..a")


async def test_limits_refuse_rather_than_cut(remote, tmp_path):
    """Too large a file, too much in all and too many files are errors."""
    commit = await remote.commit_files("main", {f"d{n}/f": "0123456789" for n in range(5)})
    limits = [{"max_file_bytes": 9}, {"max_bytes": 49}, {"max_files": 4}]
    for number, limit in enumerate(limits):
        source = MirrorSourceRepo(tmp_path / f"m{number}", remote.url, **limit)
        await source.resolve(commit)
        with pytest.raises((ObjectTooLarge, GitFailed)):
            await _files(source, commit)


async def test_a_commit_that_is_not_here_is_an_error(source):
    """Files of an unknown commit are not an empty list."""
    with pytest.raises(ObjectMissing):
        await _files(source, "1" * 40)
