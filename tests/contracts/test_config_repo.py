"""What every ConfigRepo promises: the twin in memory, the agent's mirror and a person's clone say the same."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lastgood.core.application import DeclaredScope, Scope
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE, Edit
from lastgood.core.commit_object import format_commit
from lastgood.core.errors import (
    AmbiguousVersion,
    GitFailed,
    HeadMoved,
    ObjectMissing,
    ObjectTooLarge,
    PushRefused,
    RemoteUnreachable,
    UnknownVersion,
)
from lastgood.core.ports import ConfigRepo
from lastgood.core.tree import object_id
from lastgood.git.clone import CloneConfigRepo
from lastgood.git.mirror import MirrorConfigRepo
from twins.config_repo import PRIYA, START, MemoryConfigRepo, MemoryRemote
from twins.git_fixtures import BareRemote, clone, git, hook

WEB = Scope(path="apps/web")


@dataclass
class World:
    """A repo under test, its remote, and the remote's moods."""

    repo: ConfigRepo
    remote: MemoryRemote | BareRemote
    refuse: Callable[[str], object]
    cut_off: Callable[[], object]

    async def commit(self, files, **words) -> str:
        oid = await self.remote.commit_files("main", files, **words)
        await self.repo.fetch("main")
        return oid


def _memory(_folder: Path) -> Iterator[World]:
    remote = MemoryRemote()

    def refuse(words: str) -> None:
        remote.refuse = lambda ref, commit: words

    def cut_off() -> None:
        remote.unreachable = True

    yield World(MemoryConfigRepo(remote), remote, refuse, cut_off)


def _bare_world(repo: ConfigRepo, remote: BareRemote) -> World:
    return World(
        repo,
        remote,
        refuse=lambda words: hook(remote.folder, "pre-receive", f"echo '{words}' >&2; exit 1"),
        cut_off=lambda: remote.folder.rename(remote.folder.with_name("elsewhere.git")),
    )


def _mirror(folder: Path) -> Iterator[World]:
    remote = BareRemote(folder / "config.git")
    yield _bare_world(MirrorConfigRepo(folder / "mirror", remote.url, "config"), remote)


def _clone(folder: Path) -> Iterator[World]:
    remote = BareRemote(folder / "config.git")
    here = clone(remote.folder, folder / "clone")
    git(here, "symbolic-ref", "HEAD", "refs/heads/elsewhere")  # `head` of the checked-out branch is HEAD itself
    repo = CloneConfigRepo(here)
    yield _bare_world(repo, remote)
    repo.close()


@pytest.fixture(params=[_memory, _mirror, _clone], ids=["memory", "mirror", "clone"])
def world(request, tmp_path) -> Iterator[World]:
    yield from request.param(tmp_path)


async def _plan(world: World, head: str, content: str, path: str = "apps/web/a.yaml") -> str:
    repo = world.repo
    blob = await repo.write_blob(content.encode())
    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path=path, oid=blob)])
    return await repo.make_commit(tree=tree, parents=[head], author=PRIYA, authored_at=START, message="Ours\n")


# heads


async def test_an_empty_remote_has_no_head(world):
    """A branch that is not there is None, not an error."""
    assert await world.repo.fetch("main") is None
    assert await world.repo.head("main") is None
    assert await world.repo.remote_head("main") is None


async def test_a_fetch_brings_the_head_and_head_remembers_it(world):
    """`head` says what the last fetch saw; `remote_head` asks and brings nothing."""
    first = await world.commit({"apps/web/a.yaml": "1"})
    second = await world.remote.commit_files("main", {"apps/web/a.yaml": "2"})

    assert await world.repo.head("main") == first
    assert await world.repo.remote_head("main") == second
    with pytest.raises(ObjectMissing):
        await world.repo.commit(second)
    assert await world.repo.fetch("main") == second
    assert await world.repo.head("main") == second


async def test_a_rewound_branch_is_followed_by_a_fetch(world):
    """A fetch reports where the branch is, also after a forced push backwards."""
    first = await world.commit({"apps/web/a.yaml": "1"})
    await world.commit({"apps/web/a.yaml": "2"})
    world.remote.set("refs/heads/main", first)

    assert await world.repo.fetch("main") == first
    assert await world.repo.head("main") == first


async def test_a_deleted_branch_is_none_again(world):
    """A branch that somebody deleted is gone for a fetch."""
    await world.commit({"apps/web/a.yaml": "1"})
    world.remote.set("refs/heads/main", None)

    assert await world.repo.fetch("main") is None


async def test_a_remote_that_is_away_is_an_error_of_its_own(world):
    """An unreachable remote is never mistaken for an empty one; what was fetched stays readable."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    world.cut_off()

    with pytest.raises(RemoteUnreachable):
        await world.repo.fetch("main")
    with pytest.raises(RemoteUnreachable):
        await world.repo.remote_head("main")
    assert await world.repo.head("main") == head
    ours = await _plan(world, head, "2")
    with pytest.raises(RemoteUnreachable):
        await world.repo.push("main", ours, expected=head)


# commits


async def test_a_commit_is_read_as_it_was_written(world):
    """Ids, people, times and message come out as they went in."""
    at = dt.datetime(2026, 11, 2, 3, 4, 5, tzinfo=dt.UTC)
    oid = await world.commit({"a": "1"}, message="Subject\n\nBody: ümlaut\n", at=at)

    commit = await world.repo.commit(oid)

    assert (commit.oid, commit.parents, commit.author, commit.committer) == (oid, (), PRIYA, PRIYA)
    assert (commit.subject, commit.body, commit.authored_at, commit.committed_at) == ("Subject", "Body: ümlaut", at, at)


async def test_made_commits_have_the_same_id_everywhere(world):
    """The same plan makes the same commit: nothing but its arguments goes into it."""
    head = await world.commit({"apps/web/a.yaml": "1"}, at=START)

    ours = await _plan(world, head, "2")

    commit = await world.repo.commit(ours)
    data = format_commit(tree=commit.tree, parents=[head], author=PRIYA, authored_at=START, message="Ours\n")
    assert ours == object_id("commit", data)
    assert (commit.author, commit.committer.name, commit.message) == (PRIYA, "lastgood", "Ours\n")
    assert await world.repo.head("main") == head


async def test_commits_resolve_by_any_prefix(world):
    """A prefix of at least four digits names a commit, in capitals, too."""
    oid = await world.commit({"a": "1"})

    for text in (oid, oid[:7], oid[:7].upper(), oid[:4]):
        assert (await world.repo.resolve(text)).oid == oid
    with pytest.raises(UnknownVersion):
        await world.repo.resolve(oid[:3])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-h",
        "--all",
        "--output=x",
        "nothing",
        "deadbeef",
        "HEAD:a",
        ":/Change",
        "a..b",
        "a b",
        "a\nb",
        "\0",
        "x" * 999,
    ],
)
async def test_hostile_text_names_no_commit(world, text):
    """No text is ever an option, a path or a search."""
    await world.commit({"a": "1"})

    with pytest.raises(UnknownVersion):
        await world.repo.resolve(text)


async def test_a_tree_is_not_a_commit(world):
    """The prefix of a tree names no commit."""
    oid = await world.commit({"a": "1"})
    tree = (await world.repo.commit(oid)).tree

    with pytest.raises(UnknownVersion):
        await world.repo.resolve(tree[:10])
    with pytest.raises(ObjectMissing):
        await world.repo.commit(tree)


async def test_an_ambiguous_prefix_names_its_candidates(world):
    """With two commits behind a prefix, both are named."""
    oids: dict[str, str] = {}
    head = await world.commit({"a": "1"})
    parents = [head]
    for number in range(600):  # 4 hex digits: two of 600 meet with a probability of 93 %; go on until they do
        oid = await _numbered(world, parents[0], number)
        if oid[:4] in oids or oid[:4] == head[:4]:
            break
        oids[oid[:4]] = oid
    else:
        pytest.skip("no two of 600 commits share four digits")

    with pytest.raises(AmbiguousVersion) as ambiguous:
        await world.repo.resolve(oid[:4])
    assert oid in [c["oid"] for c in ambiguous.value.facts["candidates"]]


async def _numbered(world: World, parent: str, number: int) -> str:
    tree = (await world.repo.commit(parent)).tree
    return await world.repo.make_commit(
        tree=tree, parents=[parent], author=PRIYA, authored_at=START, message=f"{number}\n"
    )


async def test_a_date_names_the_newest_first_parent_commit_before_it(world):
    """`at_date` looks along the first-parent line, by the committer's time."""
    days = [START + dt.timedelta(days=n) for n in range(3)]
    oids = [await world.commit({"a": str(n)}, at=day) for n, day in enumerate(days)]

    found = await world.repo.at_date(oids[2], days[1] + dt.timedelta(hours=1))

    assert found is not None
    assert found.oid == oids[1]
    assert await world.repo.at_date(oids[2], days[0] - dt.timedelta(seconds=1)) is None


async def test_ancestors_are_found_through_merges(world):
    """A commit reaches itself, its parents and what they merged; not what came after."""
    base = await world.commit({"a": "1"})
    side = await world.remote.commit_files("main", {"b": "1"}, parents=(base,), move=False)
    merge = await world.commit({"b": "1"}, parents=(base, side))
    top = await world.commit({"a": "2"})

    for ancestor in (base, side, merge, top):
        assert await world.repo.is_ancestor(ancestor, top) is True
    assert await world.repo.is_ancestor(top, base) is False
    assert await world.repo.is_ancestor("1" * 40, top) is False
    assert {c.oid for c in await world.repo.commits_between(base, top)} == {side, merge, top}
    assert [c.oid for c in await world.repo.commits_between(base, top, limit=1)] == [top]


# trees and files


async def test_entries_are_what_stands_at_a_path(world):
    """Folders, files, links and submodules are told apart; links are not followed."""
    module = "1" * 40
    head = await world.commit(
        {
            "apps/web/run.sh": (MODE_EXECUTABLE, "#!/bin/sh\n"),
            "apps/link": (MODE_SYMLINK, "web"),
            "apps/module": (MODE_SUBMODULE, module),
        }
    )

    entry = world.repo.entry
    tree = (await world.repo.commit(head)).tree
    assert (await entry(head, "")).oid == (await entry(tree, "")).oid == tree
    assert (await entry(head, "apps/web")).is_tree
    assert (await entry(head, "apps/web/run.sh")).mode == MODE_EXECUTABLE
    assert (await entry(head, "apps/link")).mode == MODE_SYMLINK
    assert (await entry(head, "apps/module")).oid == module
    for nothing in ("apps/link/run.sh", "apps/module/x", "apps/web/run.sh/x", "apps/we", "../apps", "apps/../apps"):
        assert await entry(head, nothing) is None
    listed = await world.repo.list_tree((await entry(head, "apps")).oid)
    assert [(e.path, e.mode) for e in listed] == [
        ("link", MODE_SYMLINK),
        ("module", MODE_SUBMODULE),
        ("web", MODE_TREE),
    ]
    with pytest.raises(ObjectMissing):
        await world.repo.list_tree("2" * 40)


async def test_files_are_read_up_to_a_limit(world):
    """A file over the limit is refused with its size and name, and bytes come out as they are."""
    head = await world.commit({"a": b"\xff\0\r\n" * 10})
    blob = (await world.repo.entry(head, "a")).oid

    assert await world.repo.read(blob, max_bytes=40) == b"\xff\0\r\n" * 10
    with pytest.raises(ObjectTooLarge) as large:
        await world.repo.read(blob, max_bytes=39, path="a")
    assert (large.value.facts["size_bytes"], large.value.facts["path"]) == (40, "a")
    with pytest.raises(ObjectMissing):
        await world.repo.read("3" * 40, max_bytes=10)


async def test_files_are_read_together_up_to_a_limit_for_each_and_one_for_all(world):
    """In the order given; the file that is too large, or with which all are, is named with the limit that it broke."""
    head = await world.commit({"a": "12345", "b": "123", "c": "1"})
    a, b, c = [await world.repo.entry(head, path) for path in "abc"]

    assert await world.repo.read_all([c, a, b], max_bytes=5, max_total_bytes=9) == [b"1", b"12345", b"123"]
    assert await world.repo.read_all([], max_bytes=5, max_total_bytes=9) == []
    for limits, facts in (((4, 9), ("a", 5, 4)), ((5, 8), ("b", 9, 8))):
        with pytest.raises(ObjectTooLarge) as large:
            await world.repo.read_all([c, a, b], max_bytes=limits[0], max_total_bytes=limits[1])
        assert tuple(large.value.facts[name] for name in ("path", "size_bytes", "limit_bytes")) == facts
    with pytest.raises(ObjectMissing) as missing:
        await world.repo.read_all([a, msgspec.structs.replace(b, oid="3" * 40)], max_bytes=5, max_total_bytes=9)
    assert missing.value.facts["object"] == "3" * 40


async def test_edits_make_the_tree_and_nothing_else(world):
    """Editing keeps everything beside the edit, drops emptied folders and can put whole trees."""
    head = await world.commit({"apps/web/a": "1", "apps/web/b": "2", "apps/cart/a": "3", "top": "4"})
    repo = world.repo
    web = await repo.entry(head, "apps/web")
    tree = (await repo.commit(head)).tree

    without = await repo.write_tree(tree, [Edit(path="apps/cart/a")])
    moved = await repo.write_tree(without, [Edit(path="deep/er", mode=MODE_TREE, oid=web.oid)])

    assert await repo.entry(without, "apps/cart") is None
    assert (await repo.entry(moved, "deep/er/b")).oid == (await repo.entry(head, "apps/web/b")).oid
    assert (
        await repo.write_tree(moved, [Edit(path="deep"), Edit(path="apps/cart/a", oid=await repo.write_blob(b"3"))])
        == tree
    )
    assert await repo.write_tree(tree, []) == tree
    for path in ("../x", "a//b", ".git/config", "a/.GIT/hooks/x", "a/./b"):
        with pytest.raises(GitFailed):
            await repo.write_tree(tree, [Edit(path=path, oid=web.oid)])


async def test_changes_are_counted_by_path(world):
    """Added, modified and removed files come with their lines; binary files and submodules without."""
    old = await world.commit(
        {"a": "1\n2\n3\n", "b": "x\n", "bin": b"\0\1", "m": (MODE_SUBMODULE, "1" * 40), "f.sh": "x\n", "same": "s"}
    )
    new = await world.commit(
        {
            "a": "1\nzwei\n3\n4\n",
            "b": None,
            "bin": b"\0\2",
            "m": (MODE_SUBMODULE, "2" * 40),
            "f.sh": (MODE_EXECUTABLE, "x\n"),
            "c/d": "new\n",
        }
    )
    trees = [(await world.repo.commit(oid)).tree for oid in (old, new)]

    found = {c.path: (c.change, c.added, c.removed) for c in await world.repo.changes(*trees)}

    assert found == {
        "a": ("modified", 2, 1),
        "b": ("removed", 0, 1),
        "bin": ("modified", None, None),
        "c/d": ("added", 1, 0),
        "f.sh": ("modified", 0, 0),
        "m": ("modified", None, None),
    }
    assert [c.path for c in await world.repo.changes(*trees)] == sorted(found)
    assert await world.repo.changes(trees[0], trees[0]) == []
    assert {c.change for c in await world.repo.changes(None, trees[0], lines=False)} == {"added"}
    assert {c.change for c in await world.repo.changes(trees[0], None)} == {"removed"}


async def test_a_file_can_become_a_folder_and_back(world):
    """Where a file and a folder change places, both sides are listed by their own paths."""
    old = await world.commit({"x": "1\n"})
    new = await world.commit({"x": None, "x/y": "1\n"})
    trees = [(await world.repo.commit(oid)).tree for oid in (old, new)]

    assert [(c.path, c.change) for c in await world.repo.changes(*trees)] == [("x", "removed"), ("x/y", "added")]


async def test_files_merge_line_by_line_or_not_at_all(world):
    """Changes at different places merge; at the same place they conflict."""
    write = world.repo.write_blob
    base, ours = await write(b"a\nb\nc\nd\ne\n"), await write(b"A\nb\nc\nd\ne\n")
    theirs, clash = await write(b"a\nb\nc\nd\nE\n"), await write(b"X\nb\nc\nd\ne\n")

    merged = await world.repo.merge_files(base, ours, theirs)

    assert merged is not None
    assert await world.repo.read(merged, max_bytes=99) == b"A\nb\nc\nd\nE\n"
    assert await world.repo.merge_files(base, ours, clash) is None


# versions and history


async def test_a_version_is_the_tree_of_the_inputs(world):
    """The folder alone is its own tree; with other inputs, exactly those at their full paths."""
    head = await world.commit({"apps/web/a": "1", "apps/web/dev": "2", "base/b": "3", "lastgood.yaml": "", "c": "4"})
    repo = world.repo
    web = (await repo.entry(head, "apps/web")).oid
    empty = await repo.write_tree(
        (await repo.commit(head)).tree, [Edit(path=p) for p in ("apps", "base", "lastgood.yaml", "c")]
    )
    both = await repo.write_tree(
        empty,
        [
            Edit(path="apps/web", mode=MODE_TREE, oid=web),
            Edit(path="base/b", oid=(await repo.entry(head, "base/b")).oid),
        ],
    )
    without_dev = await repo.write_tree(web, [Edit(path="dev")])
    root = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="lastgood.yaml")])

    assert await repo.version(head, WEB) == (web, web)
    assert await repo.version(head, Scope(path="apps/web", others=("base/b", "gone"))) == (both, web)
    assert await repo.version(head, Scope(path="apps/web", left_out=("apps/web/dev",))) == (without_dev, web)
    assert await repo.version(head, Scope(path="", left_out=(".lastgood", "lastgood.yaml"))) == (root, root)
    assert await repo.version(head, Scope(path="c")) == (None, None)
    assert await repo.version(head, Scope(path="nowhere", others=("base/b",))) == (None, None)


async def test_history_is_the_first_parent_commits_that_changed_the_content(world):
    """Reverts, removals and returns are entries; what changed elsewhere is not."""
    one = await world.commit({"apps/web/a": "1"})
    two = await world.commit({"apps/web/a": "2"})
    await world.commit({"apps/cart/a": "1"})
    back = await world.commit({"apps/web/a": "1"})
    gone = await world.commit({"apps/web/a": None})
    again = await world.commit({"apps/web/a": "2"})
    head = await world.commit({"top": "x"})

    history = await world.repo.history(head, WEB)

    assert [e.commit.oid for e in history.entries] == [again, gone, back, two, one]
    versions = [e.version for e in history.entries]
    assert versions[0] == versions[3]
    assert versions[2] == versions[4]
    assert versions[1] is None
    assert not history.truncated
    assert [e.commit.oid for e in (await world.repo.history(head, WEB, limit=2)).entries] == [again, gone]
    assert [e.commit.oid for e in (await world.repo.history(back, WEB)).entries] == [back, two, one]
    assert (await world.repo.history(head, Scope(path="nowhere"))).entries == ()


async def test_a_merge_is_one_entry_and_a_foxtrot_merge_hides_the_old_line(world):
    """Only the first-parent line counts, whichever way round a merge was made."""
    base = await world.commit({"apps/web/a": "1"})
    side = await world.remote.commit_files("main", {"apps/web/a": "2"}, parents=(base,), move=False)
    merge = await world.commit({"apps/web/a": "2"}, parents=(base, side))
    assert [e.commit.oid for e in (await world.repo.history(merge, WEB)).entries] == [merge, base]

    local = await world.remote.commit_files("main", {"apps/web/b": "3"}, parents=(base,), move=False)
    foxtrot = await world.commit({"apps/web/a": "2"}, parents=(local, merge))

    assert [e.commit.oid for e in (await world.repo.history(foxtrot, WEB)).entries] == [foxtrot, local, base]
    assert [e.commit.oid for e in (await world.repo.history(merge, WEB)).entries] == [merge, base]


async def test_claiming_finds_every_commit_that_names_an_operation(world):
    """Also at the very beginning, and on a branch that grew since it was asked; commits elsewhere do not count."""
    named = "Roll back\n\nLastgood-Operation: rollback\n"
    one = await world.commit({"apps/web/a": b"1"}, message=named)
    two = await world.commit({"apps/web/a": b"2"})
    three = await world.commit({"apps/cart/a": b"3"}, message=named)
    assert [c.oid for c in await world.repo.claiming(three, WEB)] == [one]
    four = await world.commit({"apps/web/a": b"4"}, message=named)
    assert [c.oid for c in await world.repo.claiming(four, WEB)] == [four, one]
    assert [c.oid for c in await world.repo.claiming(two, WEB)] == [one]


async def test_history_follows_other_inputs_and_passes_over_what_is_left_out(world):
    """A change of a shared base is a new version; a change of what does not count is none."""
    scope = Scope(path="apps/web", others=("base",), left_out=("apps/web/dev",))
    one = await world.commit({"apps/web/a": "1", "apps/web/dev": "1", "base/b": "1"})
    await world.commit({"apps/web/dev": "2"})
    two = await world.commit({"base/b": "2"})
    head = await world.commit({"apps/web/dev": "3"})

    assert [e.commit.oid for e in (await world.repo.history(head, scope)).entries] == [two, one]


async def test_history_of_the_root_passes_over_our_own_files(world):
    """An application at the root is not changed by a hold or by lastgood.yaml."""
    scope = Scope(path="", left_out=(".lastgood", "lastgood.yaml"))
    await world.commit({"lastgood.yaml": "1"})
    one = await world.commit({"a": "1"})
    head = await world.commit({".lastgood/holds/web.hold": "1"})

    entries = (await world.repo.history(head, scope)).entries

    assert [(e.commit.oid, e.version == e.path_tree) for e in entries] == [(one, True)]


async def test_a_renamed_path_ends_and_begins(world):
    """A rename is a removal here and a beginning there: content is known by its path."""
    one = await world.commit({"apps/web/a": "1"})
    moved = await world.commit({"apps/web/a": None, "apps/shop/a": "1"})

    assert [e.version is None for e in (await world.repo.history(moved, WEB)).entries] == [True, False]
    shop = (await world.repo.history(moved, Scope(path="apps/shop"))).entries
    assert [e.commit.oid for e in shop] == [moved]
    assert (await world.repo.version(one, WEB))[0] == shop[0].version


async def test_history_survives_a_rewritten_branch(world):
    """After a reset and other commits on top, the answer is that of the new line."""
    one = await world.commit({"apps/web/a": "1"})
    two = await world.commit({"apps/web/a": "2"})
    assert [e.commit.oid for e in (await world.repo.history(two, WEB)).entries] == [two, one]
    world.remote.set("refs/heads/main", one)
    other = await world.commit({"apps/web/a": "3"})

    assert [e.commit.oid for e in (await world.repo.history(other, WEB)).entries] == [other, one]
    assert [e.commit.oid for e in (await world.repo.history(one, WEB)).entries] == [one]
    assert [e.commit.oid for e in (await world.repo.history(two, WEB)).entries] == [two, one]


async def test_hostile_paths_and_messages_are_just_text(world):
    """Globs, pathspec magic, odd bytes and faked trailers neither match more nor break the reading."""
    odd = [
        "apps/*",
        ":!x",
        ":(glob)y",
        "apps/:(top)x",
        "apps/a b",
        "apps/ü",
        "apps/-x",
        'apps/"q"',
        "apps/tab\tx",
        "apps/\udcff",
    ]
    files = {f"{path}/f": str(n) for n, path in enumerate(odd)}
    first = await world.commit({**files, "apps/web/f": "0"}, message="evil \x01\x1b[31m\n\ncommit " + "1" * 40 + "\n")
    head = await world.commit({"apps/web/f": "1"}, message="")

    for path in odd:
        entries = (await world.repo.history(head, Scope(path=path))).entries
        assert [e.commit.oid for e in entries] == [first], path
    assert {c.path for c in await world.repo.changes(None, (await world.repo.commit(head)).tree)} >= set(files)


# inputs that the files declare

OVERLAY = DeclaredScope(path="web/production")
ON_BASE = "resources: [../../base]\n"


async def test_a_version_follows_the_declarations_at_its_commit(world):
    """What a base names is an input there and then; another overlay is none."""
    one = await world.commit(
        {
            "web/production/kustomization.yaml": ON_BASE,
            "web/staging/kustomization.yaml": ON_BASE,
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "base/a.yaml": "1",
            "base/b.yaml": "1",
        }
    )
    two = await world.commit({"base/kustomization.yaml": "resources: [b.yaml]\n", "web/staging/x": "2"})
    names = tuple(f"base/{name}" for name in ("Kustomization", "kustomization.yaml", "kustomization.yml"))
    for commit, file in ((one, "base/a.yaml"), (two, "base/b.yaml")):
        scope = Scope(path="web/production", others=tuple(sorted((*names, file))))
        assert (await world.repo.inputs(commit, OVERLAY)).scope == scope
        assert await world.repo.version(commit, OVERLAY) == await world.repo.version(commit, scope)
        tree = (await world.repo.commit(commit)).tree
        assert (await world.repo.inputs(tree, OVERLAY)).scope == scope


async def test_history_follows_the_declarations_from_commit_to_commit(world):
    """A base's change counts while it is a base: not before it was named, not after."""
    first = await world.commit({"web/production/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": "1"})
    await world.commit({"base/a.yaml": "2"})
    named = await world.commit({"web/production/kustomization.yaml": ON_BASE, "base/kustomization.yaml": ""})
    base = await world.commit({"base/kustomization.yaml": "resources: [a.yaml]\n"})
    file = await world.commit({"base/a.yaml": "3"})
    await world.commit({"base/b.yaml": "1", "web/staging/x": "1"})
    left = await world.commit({"web/production/kustomization.yaml": "resources: [a.yaml]\n"})
    head = await world.commit({"base/a.yaml": "4"})

    async def entries(limit: int | None = None) -> list[str]:
        return [e.commit.oid for e in (await world.repo.history(head, OVERLAY, limit=limit)).entries]

    assert await entries() == [left, file, base, named, first]
    assert await entries(2) == [left, file]
    history = (await world.repo.history(head, OVERLAY)).entries
    assert history[0].version == history[-1].version


async def test_claims_are_found_by_the_inputs_of_their_time(world):
    """A rollback that changed a base that the application has left since is still one of its own."""
    await world.commit({"web/production/kustomization.yaml": ON_BASE, "base/kustomization.yaml": ""})
    claim = "Roll back\n\nLastgood-Operation: rollback\n"
    one = await world.commit({"base/kustomization.yaml": "resources: []\n"}, message=claim)
    head = await world.commit({"web/production/kustomization.yaml": "resources: []\n"})
    assert [c.oid for c in await world.repo.claiming(head, OVERLAY)] == [one]


DECLARATIONS = ("", "resources: [../../base]", "resources: [../../base, ../../f]", "resources: [../staging]", "{")
CONTENT = {
    "web/production/kustomization.yaml": DECLARATIONS,
    "web/production/process-compose.yaml": ("", None),
    "web/staging/kustomization.yaml": ("resources: [../../f]", "resources: [../../base]", None),
    "base/kustomization.yaml": ("resources: [a, ../web/production]", "components: [../other]", None),
    "base/Kustomization": ("resources: [b]", None),
    "base/a": ("1", "2", None),
    "base/b": ("1", "2"),
    "base": ("a file", None),
    "other/kustomization.yaml": ("resources: [../f]", "resources: [../base]"),
    "f": ("1", "2", None),
    "f/g": ("1", "2", None),
}
steps = st.dictionaries(st.sampled_from(sorted(CONTENT)), st.integers(min_value=0, max_value=5), min_size=1, max_size=4)


@pytest.mark.parametrize("kind", [_memory, _mirror, _clone], ids=["memory", "mirror", "clone"])
def test_history_is_what_looking_at_every_commit_would_find(kind, tmp_path_factory):
    """For any history of declarations: the entries, their versions and their order; grown a piece at a time, too."""
    # A failure among processes is shown as it is: making it smaller takes minutes, and the twin makes the same ones.
    phases = tuple(Phase) if kind is _memory else (Phase.generate,)

    @settings(max_examples=100 if kind is _memory else 6, deadline=None, database=None, phases=phases)
    @given(st.lists(steps, min_size=3, max_size=14), st.integers(min_value=0, max_value=13))
    def check(history, asked_before):
        with contextlib.contextmanager(kind)(tmp_path_factory.mktemp("world")) as world:
            asyncio.run(_look_at_every_commit(world, history, asked_before))

    check()


async def _look_at_every_commit(world: World, history: list[dict[str, int]], asked_before: int) -> None:
    line = []
    for number, step in enumerate(history):
        files = {path: CONTENT[path][at % len(CONTENT[path])] for path, at in step.items()}
        line.append(await world.commit({**files, "n": str(number)}))
        if number == asked_before:
            await world.repo.history(line[-1], OVERLAY)
    expected, older = [], None
    for commit in line:
        # A memory of its own for each commit: what it finds is what stands there, and nothing else.
        fresh = MemoryConfigRepo()
        fresh.objects = world.remote.objects
        scope = (await fresh.inputs(commit, OVERLAY)).scope
        version = await world.repo.version(commit, scope)
        assert await world.repo.version(commit, OVERLAY) == version
        if version[0] != older:
            expected.insert(0, (commit, *version))
        older = version[0]
    entries = (await world.repo.history(line[-1], OVERLAY)).entries
    assert [(e.commit.oid, e.version, e.path_tree) for e in entries] == expected
    for limit in (1, 2):
        limited = (await world.repo.history(line[-1], OVERLAY, limit=limit)).entries
        assert [e.commit.oid for e in limited] == [commit for commit, _, _ in expected[:limit]]


# own refs


async def test_own_refs_are_kept_listed_and_dropped(world):
    """Lastgood's own refs live under their prefix; no other ref can be written."""
    head = await world.commit({"a": "1"})
    ref = "refs/lastgood/unpushed/x"
    await world.repo.keep(ref, head)

    assert await world.repo.kept("refs/lastgood/unpushed/") == {ref: head}
    assert await world.repo.kept("refs/lastgood/discarded/") == {}
    await world.repo.drop(ref)
    await world.repo.drop(ref)
    assert await world.repo.kept("refs/lastgood/") == {}
    with pytest.raises(GitFailed):
        await world.repo.keep("refs/heads/main", head)


async def test_own_refs_are_offered_to_the_remote(world):
    """`push_ref` says whether the server took the ref."""
    head = await world.commit({"a": "1"})

    assert await world.repo.push_ref("refs/lastgood/discarded/1", head) is True
    assert world.remote.refs["refs/lastgood/discarded/1"] == head
    world.refuse("no")
    assert await world.repo.push_ref("refs/lastgood/discarded/2", head) is False


# branches for pull requests


async def test_a_proposal_is_a_branch_of_its_own(world):
    """It is put there once; a newer commit replaces the one that is named, or stands where it was deleted."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    first, second = await _plan(world, head, "2"), await _plan(world, head, "3")
    branch = "lastgood/rollback/1"

    await world.repo.propose(branch, first, replaces=None)
    await world.repo.propose(branch, first, replaces=None)
    assert world.remote.refs[f"refs/heads/{branch}"] == first
    with pytest.raises(HeadMoved):
        await world.repo.propose(branch, second, replaces=None)
    with pytest.raises(HeadMoved):
        await world.repo.propose(branch, second, replaces=head)
    await world.repo.propose(branch, second, replaces=first)
    assert world.remote.refs[f"refs/heads/{branch}"] == second
    assert await world.repo.remote_head("main") == head
    await world.repo.propose("lastgood/rollback/2", second, replaces=first)
    assert world.remote.refs["refs/heads/lastgood/rollback/2"] == second
    with pytest.raises(GitFailed):
        await world.repo.propose("main", second, replaces=head)


async def test_a_proposal_is_refused_in_the_servers_words(world):
    """A rule of the server: nothing is there then."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    world.refuse("no such branches")
    with pytest.raises(PushRefused) as refused:
        await world.repo.propose("lastgood/rollback/1", ours, replaces=None)
    assert "no such branches" in refused.value.message
    assert "refs/heads/lastgood/rollback/1" not in world.remote.refs


async def test_a_proposal_to_nobody_sends_nothing(world):
    """A remote that is not there is told as such."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    world.cut_off()
    with pytest.raises(RemoteUnreachable):
        await world.repo.propose("lastgood/rollback/1", ours, replaces=None)


# pushes


async def test_a_push_moves_the_branch(world):
    """After a push the remote is at our commit, and doing it once more changes nothing."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")

    await world.repo.push("main", ours, expected=head)
    await world.repo.push("main", ours, expected=head)

    assert world.remote.refs["refs/heads/main"] == ours
    assert await world.repo.head("main") == ours


async def test_a_push_from_a_stale_head_changes_nothing(world):
    """A refused push leaves the branch on the other writer's commit, and says where it is."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    theirs = await world.remote.commit_files("main", {"apps/web/a.yaml": "3"})

    with pytest.raises(HeadMoved) as moved:
        await world.repo.push("main", ours, expected=head)

    assert moved.value.facts == {"branch": "main", "expected": head, "found": theirs}
    assert world.remote.refs["refs/heads/main"] == theirs


async def test_a_push_that_arrived_counts_though_somebody_pushed_on_top(world):
    """Our commit below the remote's head is done, also when it is pushed again."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    await world.repo.push("main", ours, expected=head)
    bot = await world.remote.commit_files("main", {"apps/web/a.yaml": "3"})

    await world.repo.push("main", ours, expected=head)

    assert world.remote.refs["refs/heads/main"] == bot


async def test_a_rule_of_the_server_is_told_in_its_words(world):
    """A refusal with the head unmoved is the server's policy."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    world.refuse("main is protected, ask Bo")

    with pytest.raises(PushRefused) as refused:
        await world.repo.push("main", ours, expected=head)

    assert "main is protected, ask Bo" in refused.value.facts["remote_message"]
    assert world.remote.refs["refs/heads/main"] == head


async def test_a_reset_moves_the_branch_back(world):
    """A push to an older commit goes with the lease, and only with it."""
    one = await world.commit({"apps/web/a.yaml": "1"})
    two = await world.commit({"apps/web/a.yaml": "2"})

    await world.repo.push("main", one, expected=two)

    assert world.remote.refs["refs/heads/main"] == one


async def test_a_refused_reset_is_not_taken_for_done(world):
    """The commit of a reset is below the head from the start: that alone proves nothing."""
    one = await world.commit({"apps/web/a.yaml": "1"})
    two = await world.commit({"apps/web/a.yaml": "2"})
    three = await world.remote.commit_files("main", {"apps/web/a.yaml": "3"})
    with pytest.raises(HeadMoved):
        await world.repo.push("main", one, expected=two)
    await world.repo.fetch("main")
    world.refuse("no rewriting")
    with pytest.raises(PushRefused):
        await world.repo.push("main", one, expected=three)
    assert world.remote.refs["refs/heads/main"] == three


async def test_a_branch_deleted_meanwhile_has_moved(world):
    """A push never brings back a branch that somebody deleted."""
    head = await world.commit({"apps/web/a.yaml": "1"})
    ours = await _plan(world, head, "2")
    world.remote.set("refs/heads/main", None)

    with pytest.raises(HeadMoved) as moved:
        await world.repo.push("main", ours, expected=head)
    assert moved.value.facts["found"] is None


async def test_many_questions_at_once_have_the_same_answers(world):
    """Concurrent readers, and a fetch among them, do not disturb each other."""
    for number in range(5):
        head = await world.commit({"apps/web/a": str(number), "b": "x"})
    expected = await world.repo.history(head, WEB)

    async def ask() -> None:
        assert await world.repo.history(head, WEB) == expected
        assert (await world.repo.entry(head, "b")).is_file
        assert await world.repo.is_ancestor(expected.entries[-1].commit.oid, head) is True

    await asyncio.gather(*(ask() for _ in range(8)), world.repo.fetch("main"))
