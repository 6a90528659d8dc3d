"""Discovery: which applications a commit has, what is wrong in it, and how little a look reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE
from lastgood.core.discovery import Discovery
from lastgood.core.errors import ObjectMissing
from twins.config_repo import MemoryConfigRepo

CONFIG = """\
version: 1
applications:
  - name: "{service}-{environment}"
    path: "apps/{service}/{environment}"
    environment: "{environment}"
    destination: "{environment}"
"""


def literal(*entries: str) -> str:
    return "version: 1\napplications:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


async def look(files, config: object = CONFIG):
    repo = MemoryConfigRepo()
    commit = await repo.commit_files("main", {**files, "lastgood.yaml": config})
    return await Discovery().applications(repo, "main", commit)


async def test_a_pattern_makes_one_application_of_each_folder():
    """Folders match; files, links, submodules and hidden folders do not."""
    found = await look(
        {
            "apps/web/staging/x": "1",
            "apps/web/production/x": "1",
            "apps/web/README.md": "1",
            "apps/web/link": (MODE_SYMLINK, "staging"),
            "apps/web/sub": (MODE_SUBMODULE, "1" * 40),
            "apps/.hidden/staging/x": "1",
            "apps/web/.hidden/x": "1",
        }
    )
    assert list(found.applications) == ["web-production", "web-staging"]
    assert found.scopes["web-staging"] == Scope(path="apps/web/staging")
    assert found.problems == ()


async def test_a_word_that_stands_twice_is_the_same_twice():
    """`{a}/x/{a}` matches only where both are one name."""
    config = literal("name: '{a}', path: '{a}/x/{a}', destination: d")
    found = await look({"one/x/one/f": "", "one/x/two/f": "", "two/x/one/f": ""}, config)
    assert {app.path for app in found.applications.values()} == {"one/x/one"}


async def test_a_missing_path_keeps_its_application():
    """A literal entry whose folder is not there is an application with a problem."""
    found = await look(
        {"web": "a file"}, literal("name: web, path: web/x, destination: d", "name: b, path: b, destination: d")
    )
    assert list(found.applications) == ["b", "web"]
    assert found.problem("b").reason == "its path b is missing"
    assert found.problem("web").reason == "its path web/x is not a folder: web is a file or a link"
    assert found.problem("web").line == 3


async def test_a_pattern_that_matches_nothing_is_said():
    """A typo that loses every application does not go by unseen."""
    found = await look({"app/web/staging/x": "1"})
    assert found.applications == {}
    assert [p.reason for p in found.problems] == ["the pattern apps/{service}/{environment} matches no folder"]


async def test_a_name_that_two_folders_claim_belongs_to_neither():
    """Neither of the two is taken silently; the others stay."""
    config = literal("name: '{a}', path: '{a}/{b}', destination: d")
    found = await look({"web/one/f": "", "web/two/f": "", "cart/one/f": ""}, config)
    assert list(found.applications) == ["cart"]
    assert found.problem("web").reason == "2 folders claim the name web: web/one, web/two"


async def test_a_folder_whose_name_does_not_fit_is_said():
    """Capitals, control characters and bytes that are no UTF-8 make no application and no exception."""
    found = await look(
        {"apps/Web/staging/f": "", "apps/a\nb/staging/f": "", "apps/\udcff/staging/f": "", "apps/w/s/f": ""}
    )
    assert list(found.applications) == ["w-s"]
    assert [p.reason for p in found.problems] == [
        "apps/Web/staging is no application: the name 'Web-staging' must be made of small letters, digits, - and ."
    ]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, "it is missing"),
        ("version: 1\napps: []", "there is no key 'apps' here"),
        ((MODE_SYMLINK, "/etc/passwd"), "it must be a file"),
        ((MODE_SUBMODULE, "1" * 40), "it must be a file"),
        ("#" * 1_000_001, "it is larger than 1000000 bytes"),
        (b"\xff", "it is not UTF-8"),
        ("", "it is empty"),
    ],
    ids=["missing", "broken", "symlink", "submodule", "large", "bytes", "empty"],
)
async def test_a_file_that_cannot_be_read_is_a_problem(config, reason):
    """Without a configuration there are no applications, one problem, and no exception."""
    found = await look({"apps/web/staging/x": "1"}, config)
    assert found.config is None
    assert found.applications == {}
    assert [p.app for p in found.problems] == [None]
    assert reason in found.problems[0].reason


async def test_a_folder_in_the_files_place_is_a_problem():
    """A folder called lastgood.yaml is none."""
    repo = MemoryConfigRepo()
    found = await Discovery().applications(repo, "main", await repo.commit_files("main", {"lastgood.yaml/x": "1"}))
    assert found.problems[0].reason == "it must be a file, and not a link, a submodule or a folder"


async def test_a_commit_without_files_is_a_problem():
    """An empty tree has no lastgood.yaml."""
    repo = MemoryConfigRepo()
    found = await Discovery().applications(repo, "main", await repo.commit_files("main", {}))
    assert [p.reason for p in found.problems] == ["it is missing"]


async def test_a_tree_that_is_not_here_is_the_ports_error():
    """What the repo's adapter cannot read is not called a mistake of the repo's people."""
    repo = MemoryConfigRepo()
    commit = await repo.commit_files("main", {"lastgood.yaml": CONFIG, "apps": (MODE_TREE, "1" * 40)})
    with pytest.raises(ObjectMissing):
        await Discovery().applications(repo, "main", commit)


async def test_a_charts_other_values_files_are_left_out():
    """The files that are there decide which of them are somebody else's."""
    config = literal("name: web, path: c, destination: d, helm: {values: [values.yaml, values-a.yaml]}")
    files = {"c/Chart.yaml": "", "c/values.yaml": "", "c/values-a.yaml": "", "c/values-b.yaml": "", "c/values-d/x": ""}
    found = await look(files, config)
    assert found.scopes["web"] == Scope(path="c", left_out=("c/values-b.yaml",))


async def test_shared_inputs_name_those_who_use_them():
    """Applications at, under and around a path use it; what one leaves out it does not use."""
    found = await look(
        {"c/values-a.yaml": "", "c/values-b.yaml": "", "envs/v.yaml": "", "c/sub/x": "", "other/x": ""},
        literal(
            "name: a, path: c, destination: d, helm: {values: [values-a.yaml, ../envs/v.yaml]}",
            "name: b, path: c, destination: d, helm: {values: [values-b.yaml, ../envs/v.yaml]}",
            "name: sub, path: c/sub, destination: d",
            "name: other, path: other, destination: d",
        ),
    )
    assert found.shared_with("a", "c") == ("b", "sub")
    assert found.shared_with("a", "c/sub/x") == ("b", "sub")
    assert found.shared_with("a", "envs/v.yaml") == ("b",)
    assert found.shared_with("a", "c/values-a.yaml") == ()
    assert found.shared_with("a", "") == ("b", "other", "sub")


async def test_an_application_at_the_root_does_not_use_our_files():
    """lastgood.yaml and holds belong to nobody."""
    found = await look({"x": ""}, literal("name: all, path: ., destination: d"))
    assert found.shared_with("b", "x") == ("all",)
    assert found.shared_with("b", ".lastgood/holds/b.hold") == ()


async def reads_of_a_change(count: int) -> tuple[int, int]:
    """Change one application among `count`; return the objects read by the second and by a third, idle look."""
    repo = MemoryConfigRepo()
    files = {f"apps/s{n}/production/x": str(n) for n in range(count)}
    discovery = Discovery()
    await discovery.applications(repo, "main", await repo.commit_files("main", {**files, "lastgood.yaml": CONFIG}))
    commit = await repo.commit_files("main", {"apps/s7/production/x": "changed"})
    repo.objects.reads = 0
    found = await discovery.applications(repo, "main", commit)
    changed = repo.objects.reads
    assert len(found.applications) == count
    repo.objects.reads = 0
    assert await discovery.applications(repo, "main", commit) is found
    return changed, repo.objects.reads


async def test_one_changed_application_costs_the_same_among_a_thousand():
    """A look reads the trees that changed, before and after, and that application's; however many others there are."""
    ten, thousand = await reads_of_a_change(10), await reads_of_a_change(1000)
    assert ten == thousand
    # The twin remembers no tree, so one that is asked for several times counts each time.
    assert thousand[0] <= 17


async def test_what_did_not_change_is_the_same_object():
    """Callers may compare by identity, also after another entry of the file changed."""
    repo, discovery = MemoryConfigRepo(), Discovery()
    files = {"apps/a/x/f": "", "apps/b/x/f": "", "lastgood.yaml": CONFIG}
    before = await discovery.applications(repo, "main", await repo.commit_files("main", files))
    config = CONFIG + "  - {name: one, path: apps/a, destination: d}\n"
    after = await discovery.applications(repo, "main", await repo.commit_files("main", {"lastgood.yaml": config}))
    assert after.applications["a-x"] is before.applications["a-x"]
    assert list(after.applications) == ["a-x", "b-x", "one"]


segments = st.sampled_from(["apps", "web", "prod", "x", "lastgood.yaml"])
changes = st.dictionaries(
    st.lists(segments, min_size=1, max_size=4).map("/".join), st.sampled_from(["1", "2", None]), max_size=4
)


@settings(max_examples=60, deadline=None)
@given(st.lists(changes, max_size=5))
async def test_looks_one_after_another_find_what_a_first_look_finds(steps):
    """What is remembered never changes the answer."""
    repo, discovery = MemoryConfigRepo(), Discovery()
    for files in [{"lastgood.yaml": CONFIG, "apps/web/prod/x": "0"}, *steps]:
        commit = await repo.commit_files("main", files)
        remembered = await discovery.applications(repo, "main", commit)
        assert remembered == await Discovery().applications(repo, "main", commit)
