"""Which commits of the config repo lie between two versions of an application."""

from lastgood.queries.settings import commits_between
from twins.config_repo import MemoryConfigRepo
from twins.processes import application


async def test_a_version_may_be_named_by_a_commit_that_left_it_alone():
    """A tag mostly stands at such a one: the commits are those between the versions, whatever names these."""
    repo = MemoryConfigRepo()
    one = await repo.commit_files("main", {"apps/web/a": "1"}, message="One")
    tagged = await repo.commit_files("main", {"apps/api/a": "1"}, message="Another's")
    two = await repo.commit_files("main", {"apps/web/a": "2"}, message="Two")
    head = await repo.commit_files("main", {"apps/api/a": "2"}, message="Another's again")

    for before, after in ((one, two), (tagged, two), (one, head), (tagged, head)):
        entered, left = await commits_between(application(), repo, head, before, after)
        assert ([commit.subject for commit in entered], left) == (["Two"], ())
        entered, left = await commits_between(application(), repo, head, after, before)
        assert (entered, [commit.subject for commit in left]) == ((), ["Two"])
    assert await commits_between(application(), repo, head, two, head) == ((), ())


async def test_a_version_that_is_not_on_the_branch_has_no_way_from_it():
    """Nor has one from before the application was there."""
    repo = MemoryConfigRepo()
    empty = await repo.commit_files("main", {"README": "1"}, message="Nothing")
    one = await repo.commit_files("main", {"apps/web/a": "1"}, message="One")
    side = await repo.commit_files("side", {"apps/web/a": "3"}, message="Side", parents=[one])
    head = await repo.commit_files("main", {"apps/web/a": "2"}, message="Two")

    for other in (side, empty, None):
        assert await commits_between(application(), repo, head, other, head) == ((), ())
