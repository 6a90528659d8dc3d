"""Tree arithmetic against what real git makes of the same names, and its own laws."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE, Edit, TreeEntry
from lastgood.core.errors import GitFailed
from lastgood.core.tree import (
    EMPTY_TREE,
    diff_trees,
    edit_tree,
    find,
    format_tree,
    parse_tree,
    select,
    shown_path,
    tree_id,
    version_id,
    without,
)
from twins.config_repo import Objects
from twins.git_fixtures import bare, git

# Names between which Git's order (a folder ends in a slash) differs from the plain one.
NAMES = st.sampled_from(["a", "a.b", "a-", "a0", "a b", "b", "ü", "B", "\udcff", "x*"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([MODE_FILE, MODE_EXECUTABLE, MODE_SYMLINK, MODE_SUBMODULE])
FILES = st.dictionaries(PATHS, st.tuples(MODES, st.integers(0, 3)), max_size=8)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return bare(tmp_path_factory.mktemp("trees") / "trees.git")


def _oid(number: int) -> str:
    return f"{number:040x}"


def _by_git(repository, steps: list[tuple[str, tuple[int, int] | None]]) -> str:
    """Let `git update-index` and `git write-tree` do the same to an index of its own."""
    index = repository / "index"
    index.unlink(missing_ok=True)
    for path, content in steps:
        # A file takes the place of a folder, and the other way round, with --replace; a removal takes folders, too.
        entry = "" if content is None else f"{content[0]:o} {_oid(content[1])}\t{path}\0"
        if content is None:
            listed = git(repository, "ls-files", "-z", "--cached").split("\0")
            gone = [p for p in listed if p and (p == path or p.startswith(path + "/"))]
            entry = "".join(f"0 {_oid(0)}\t{p}\0" for p in gone)
        if entry:
            git(
                repository,
                "update-index",
                "--add",
                "--replace",
                "-z",
                "--index-info",
                stdin=entry.encode("utf-8", "surrogateescape"),
            )
    return git(repository, "write-tree", "--missing-ok")


def _made(objects: Objects, files: dict[str, tuple[int, int]]) -> str:
    edits = [Edit(path=path, mode=mode, oid=_oid(n + 1)) for path, (mode, n) in files.items()]
    return objects.edit(EMPTY_TREE, edits)


def _consistent(files: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Leave out files that would have to be folders."""
    return {p: c for p, c in files.items() if not any(other.startswith(p + "/") for other in files)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES.map(_consistent), path=PATHS, content=st.none() | st.tuples(MODES, st.integers(5, 6)))
def test_an_edited_tree_is_what_git_writes(repository, files, path, content):
    """For any tree and any edit, the id is the one that git's own index gives."""
    objects = Objects()
    base = _made(objects, files)
    steps = [(p, (mode, n + 1)) for p, (mode, n) in files.items()]
    assert base == _by_git(repository, steps)
    if content is not None and any(path.startswith(p + "/") for p in files):
        steps = [(p, c) for p, c in steps if not path.startswith(p + "/")]

    oid = None if content is None else _oid(content[1])
    edited = objects.edit(base, [Edit(path=path, mode=content[0] if content else MODE_FILE, oid=oid)])

    assert edited == _by_git(repository, [*steps, (path, content)])


@given(files=FILES.map(_consistent), others=FILES.map(_consistent))
def test_a_diff_applied_as_edits_gives_the_other_tree(files, others):
    """What differs between two trees is exactly what turns one into the other."""
    objects = Objects()
    old, new = _made(objects, files), _made(objects, others)

    changes = diff_trees(old, new, read=objects.tree)

    edits = [Edit(path=c.path, mode=c.new.mode, oid=c.new.oid) if c.new else Edit(path=c.path) for c in changes]
    # A removed file whose place a folder takes is told by the files of the folder.
    edits.sort(key=lambda e: e.oid is not None)
    assert objects.edit(old, edits) == new
    assert (changes == []) == (old == new)


@given(files=FILES.map(_consistent), scope=st.tuples(PATHS, st.lists(PATHS, max_size=2), st.lists(PATHS, max_size=2)))
def test_a_version_is_blind_to_everything_beside_the_inputs(files, scope):
    """Changing a file that is no input changes no version; the version is made of the inputs alone."""
    path, others, left_out = scope
    wanted = Scope(path=path, others=tuple(others), left_out=tuple(left_out))
    objects = Objects()
    version, _ = version_id(_made(objects, files), wanted, objects.tree)

    def counts(name: str) -> bool:
        inside = any(name == p or name.startswith(p + "/") for p in (path, *others))
        return inside and not any(name == p or name.startswith(p + "/") for p in left_out)

    kept = {name: content for name, content in files.items() if counts(name)}
    if version is not None and any(name.startswith(path + "/") for name in kept):
        assert version_id(_made(objects, kept), wanted, objects.tree)[0] == version
        noise = _consistent({**kept, "zzz": (MODE_FILE, 9)})
        assert version_id(_made(objects, noise), wanted, objects.tree)[0] == version


def test_a_tree_object_is_written_and_read_as_it_is():
    """Modes that only old repositories have, and names that are no UTF-8, survive."""
    entries = [
        TreeEntry(path="\udcff", mode=0o100664, oid=_oid(1)),
        TreeEntry(path="a", mode=MODE_TREE, oid=_oid(2)),
        TreeEntry(path="a.b", mode=MODE_FILE, oid=_oid(3)),
    ]
    assert [e.path for e in parse_tree(format_tree(entries))] == ["a.b", "a", "\udcff"]
    assert tree_id(parse_tree(format_tree(entries))) == tree_id(entries)
    assert parse_tree(format_tree(entries))[2].is_file


@pytest.mark.parametrize("data", [b"x", b"100644 a", b"100644 a\0short", b"9 a\0" + b"x" * 20])
def test_a_damaged_tree_is_an_error(data):
    """Bytes that are no tree are refused, not guessed at."""
    with pytest.raises(GitFailed):
        parse_tree(data)


def test_edits_of_one_path_and_below_it_come_together():
    """A whole folder is put first, whatever the order, and what lies below it edited in it."""
    objects = Objects()
    folder = _made(objects, {"x": (MODE_FILE, 1), "y": (MODE_FILE, 2)})
    put = Edit(path="d", mode=MODE_TREE, oid=folder)
    for edits in ([put, Edit(path="d/x")], [Edit(path="d/x"), put]):
        root = objects.edit(EMPTY_TREE, edits)
        assert [e.path for e in objects.tree(find(root, "d", objects.tree).oid)] == ["y"]
    # The whole tree, as a restore of an application at the root does it.
    rooted = objects.edit(root, [Edit(path="", mode=MODE_TREE, oid=folder), Edit(path="z", oid=_oid(7))])
    assert [e.path for e in objects.tree(rooted)] == ["x", "y", "z"]
    assert objects.edit(rooted, [Edit(path="")]) == EMPTY_TREE
    with pytest.raises(GitFailed):
        objects.edit(rooted, [Edit(path="", oid=_oid(7))])


def test_only_changed_trees_are_read_and_written():
    """One edit among many folders touches the folders above it and no other."""
    objects = Objects()
    base = _made(objects, {f"apps/a{n}/f": (MODE_FILE, 1) for n in range(50)})
    written, read = [], []

    def reading(oid):
        read.append(oid)
        return objects.tree(oid)

    def writing(entries):
        written.append(entries)
        return objects.write_tree(entries)

    edit_tree(base, [Edit(path="apps/a7/f", oid=_oid(9))], read=reading, write=writing)

    assert (len(read), len(written)) == (3, 3)


def test_selecting_passes_over_what_is_not_there():
    """Inputs that do not exist at a commit count for nothing."""
    objects = Objects()
    root = _made(objects, {"a/b": (MODE_FILE, 1), "c": (MODE_FILE, 2)})

    assert select(root, ("a", "nowhere"), (), objects.tree) == without(root, ("c",), objects.tree)


def test_a_path_is_shown_without_control_characters():
    """What goes to a screen or into JSON holds no escape and no broken character."""
    assert shown_path("a/\x1b[31m\udcff\nü") == "a/\\x1b[31m\\xff\\x0aü"
