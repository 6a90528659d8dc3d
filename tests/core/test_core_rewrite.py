"""How a branch came from one head to another, and who changed a path."""

from lastgood.core.rewrite import head_kind, path_changed_by
from twins.config_repo import MemoryConfigRepo


async def test_how_a_branch_moved():
    """First, forward (through merges, too), rewound, diverged; a head that is gone from the mirror is diverged."""
    repo = MemoryConfigRepo()
    one = await repo.commit_files("main", {"a": "1"})
    two = await repo.commit_files("main", {"a": "2"})
    side = await repo.commit_files("main", {"b": "1"}, parents=[one], move=False)
    merge = await repo.merge("main", side)

    assert await head_kind(repo, previous=None, head=one) == "first"
    assert await head_kind(repo, previous=one, head=merge) == "forward"
    assert await head_kind(repo, previous=side, head=merge) == "forward"
    assert await head_kind(repo, previous=merge, head=two) == "rewound"
    assert await head_kind(repo, previous=two, head=side) == "diverged"
    assert await head_kind(repo, previous="f" * 40, head=merge) == "diverged"


async def test_who_changed_a_path():
    """The newest first-parent commit after the previous head; the merge, where a merge brought it."""
    repo = MemoryConfigRepo()
    one = await repo.commit_files("main", {"a": "1", "b": "1"})
    two = await repo.commit_files("main", {"a": "2"})
    side = await repo.commit_files("main", {"b": "2"}, parents=[one], move=False)
    merge = await repo.merge("main", side, {"b": "2"})
    head = await repo.commit_files("main", {"c": "1"})

    assert (await path_changed_by(repo, "a", previous=one, head=head)).oid == two
    assert (await path_changed_by(repo, "b", previous=one, head=head)).oid == merge
    assert (await path_changed_by(repo, "c", previous=one, head=head)).oid == head
