"""What a revision contains, held against what Git itself made of it: real merges, reverts and picks."""

import itertools
import os
import random
import shutil

import pytest

from lastgood.core.errors import UnknownFeature, UnknownVersion
from lastgood.core.feature_presence import MAX_FOUND
from lastgood.core.source_commit import Selection
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_history import MirrorSourceHistory
from twins.git_fixtures import git
from twins.naive_replay import NaiveReplay

ALL = Selection()
SEEDS = int(os.environ.get("STORIES", "8"))


class Work:
    """A work tree of real git, whose commits are all a minute apart."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        git(folder, "init", "-q", "-b", "main", ".")
        git(folder, "config", "gc.auto", "0")

    def do(self, *args, ok=(0,)):
        return git(self.folder, *args, ok=ok)

    def commit(self, message, files):
        for path, text in files.items():
            file = self.folder / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self.do("add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode())
        return self.head()

    def head(self, name="HEAD"):
        return self.do("rev-parse", name)

    def merge(self, message, *branches):
        self.do("merge", "-q", "--no-ff", "-m", message, *branches)
        return self.head()


@pytest.fixture
def work(tmp_path):
    return Work(tmp_path / "shop")


@pytest.fixture
def history(work, tmp_path):
    url = f"file://{work.folder}"
    history = MirrorSourceHistory(MirrorSourceRepo(tmp_path / "mirror.git", url), url)
    yield history
    history.index.close()


async def contains(history, feature, *revisions, selection=ALL):
    return [one.contains for one in await history.presences(feature, revisions, selection)]


def pull_request(work, number, files, *, title="Title", branch=None):
    branch = branch or f"pull-{number}"
    work.do("checkout", "-q", "-b", branch)
    made = [work.commit(f"Part {n} of {number}", {path: text}) for n, (path, text) in enumerate(files.items())]
    work.do("checkout", "-q", "main")
    return made, work.merge(f"Merge pull request #{number} from o/{branch}\n\n{title}", branch)


async def test_a_reverted_merge_takes_out_all_that_it_brought_and_its_revert_brings_it_back(work, history):
    """Merged: there. Reverted: not. The revert reverted: there again. So in every revision on the way."""
    start = work.commit("Begin", {"a": "1"})
    made, merged = pull_request(work, 12, {"b": "1", "c": "1"})
    work.do("revert", "-m", "1", "--no-edit", "HEAD")
    reverted = work.head()
    work.do("revert", "--no-edit", "HEAD")
    again = work.head()
    await history.refresh()

    for feature in ("PR-12", made[0], made[1][:9]):
        assert await contains(history, feature, start, merged, reverted, again) == [False, True, False, True]
    gone = (await history.presences("PR-12", [reverted], ALL))[0]
    assert gone.via == reverted
    assert gone.reason == f"PR-12 was taken out by {reverted[:7]}"
    back = await history.features(merged, reverted, ALL)
    assert [one.id for one in back.left] == ["PR-12"]
    assert [one.id for one in back.entered] == [reverted[:7]]
    returned = await history.features(reverted, again, ALL)
    assert [one.id for one in returned.entered] == [again[:7], "PR-12"]
    assert set(returned.entered[1].commits) == set(made)


async def test_content_that_goes_back_without_the_words_is_a_revert(work, history):
    """Somebody puts the files back by hand; putting them forward again counts, too."""
    work.commit("Begin", {"a": "1"})
    changed = work.commit("Raise it (#7)", {"a": "2"})
    back = work.commit("Never mind", {"a": "1"})
    again = work.commit("After all", {"a": "2"})
    await history.refresh()

    assert await contains(history, "PR-7", changed, back, again) == [True, False, True]


async def test_a_pick_is_the_change_that_it_was_picked_from(work, history):
    """A release branch has a fix by its pick, and loses it by a revert that names the original."""
    base = work.commit("Begin", {"a": "1"})
    fix = work.commit("fix: it (#9)", {"b": "1"})
    work.do("checkout", "-q", "-b", "release", base)
    work.do("cherry-pick", "-x", fix)
    picked = work.head()
    out = work.commit(f'Revert "fix: it (#9)"\n\nThis reverts commit {fix}.', {"b": None})
    await history.refresh()

    for feature in (fix, "PR-9", picked):
        assert await contains(history, feature, base, fix, picked, out) == [False, True, True, False]


async def test_through_names_a_commit_of_the_revision_itself(work, history):
    """A release has the pick, by whatever name the change is asked for, and not the commit that it was picked from."""
    base = work.commit("Begin", {"a": "1"})
    work.do("checkout", "-q", "-b", "release")
    work.do("checkout", "-q", "main")
    made, merged = pull_request(work, 12, {"b": "1"})
    work.do("revert", "-m", "1", "--no-edit", merged)
    out = work.head()
    work.do("checkout", "-q", "release")
    work.do("cherry-pick", "-x", made[0])
    picked = work.head()
    await history.refresh()

    for feature in ("PR-12", made[0], picked):
        here, there = await history.presences(feature, [picked, merged], ALL)
        assert (here.contains, here.via) == (True, picked), feature
        assert (there.contains, there.via) == (True, made[0])
        assert [one.contains for one in await history.presences(feature, [base, out], ALL)] == [False, False]
    came = await history.origin("PR-12", picked, ALL)
    assert (came.pull_request.id, came.source.commit) == ("PR-12", picked)
    assert (await history.origin("PR-12", merged, ALL)).source.commit == merged


async def test_what_was_taken_out_before_a_revision_could_have_it_is_said(work, history):
    """Merged and reverted since: not merged into it, and not there at the head, so that nobody waits for it."""
    start = work.commit("Begin", {"a": "1"})
    _, merged = pull_request(work, 12, {"b": "1"})
    work.do("revert", "-m", "1", "--no-edit", merged)
    out = work.head()
    await history.refresh()
    (found,) = await history.presences("PR-12", [start], ALL)
    assert (found.contains, found.via, found.out) == (False, None, out)
    assert found.reason == f"PR-12 was not merged into it, and {out[:7]} took it out since"
    (found,) = await history.presences("PR-12", [out], ALL)
    assert (found.contains, found.via, found.out) == (False, out, None)

    work.do("revert", "--no-edit", out)
    await history.refresh()
    (found,) = await history.presences("PR-12", [start], ALL)
    assert (found.out, found.reason) == (None, "PR-12 was not merged into it"), "it is there again"


async def test_half_a_pull_request_is_neither_there_nor_not(work, history):
    """One of two commits reverted: unknown, with the count and the revert."""
    work.commit("Begin", {"a": "1"})
    made, _ = pull_request(work, 12, {"b": "1", "c": "1"})
    work.do("revert", "--no-edit", made[1])
    await history.refresh()

    found = (await history.presences("PR-12", [work.head()], ALL))[0]
    assert found.contains is None
    assert found.reason == (f"1 of the 2 commits of PR-12 are in it; {made[1][:7]} was taken out by {work.head()[:7]}")


async def test_stacked_pull_requests_count_once(work, history):
    """The inner one has its own commits, the outer one the rest; a release's merge has none of them and is named."""
    start = work.commit("Begin", {"a": "1"})
    work.do("checkout", "-q", "-b", "develop")
    work.do("checkout", "-q", "-b", "outer")
    outer = work.commit("Outer", {"b": "1"})
    work.do("checkout", "-q", "-b", "inner")
    inner = work.commit("Inner", {"c": "1"})
    work.do("checkout", "-q", "outer")
    work.merge("Merge pull request #2 from o/inner\n\nInner title", "inner")
    work.do("checkout", "-q", "develop")
    work.merge("Merge pull request #1 from o/outer\n\nOuter title", "outer")
    squashed = work.commit("Small one (#3)", {"d": "1"})
    work.do("checkout", "-q", "main")
    release = work.merge("Merge pull request #4 from o/develop\n\nRelease", "develop")
    await history.refresh()

    found = {one.id: one for one in (await history.features(start, release, ALL)).entered}
    assert {name: one.commits for name, one in found.items()} == {
        "PR-1": (outer,), "PR-2": (inner,), "PR-3": (squashed,), "PR-4": (release,),
    }  # fmt: skip
    assert found["PR-2"].title == "Inner title"


async def test_a_merge_is_no_commit_that_waited_for_its_deployment(work, history):
    """Whether an issue stands in the merge or in the commit: the time that counts is when the work was committed."""
    start = work.commit("Start", {"a": "a\n"})
    made, head = pull_request(work, 1, {"b": "b\n"}, title="Fixes #12")
    await history.refresh()
    found = await history.features(start, head, ALL)
    assert [one.id for one in found.entered] == ["PR-1", "#12"]
    assert list(found.committed) == made


async def test_only_what_touches_a_services_paths_counts(work, history):
    """A commit elsewhere is no feature of the service; a merge counts if what it brought does."""
    start = work.commit("Begin", {"web/a": "1", "api/a": "1"})
    made, _ = pull_request(work, 1, {"web/b": "1", "api/b": "1"})
    pull_request(work, 2, {"api/c": "1"})
    end = work.commit("Shared", {"libs/x": "1"})
    await history.refresh()

    web = Selection(paths=("web",))
    assert [(one.id, one.commits) for one in (await history.features(start, end, web)).entered] == [
        ("PR-1", (made[0],))
    ]
    with_shared = Selection(paths=("web", "libs"))
    assert [one.id for one in (await history.features(start, end, with_shared)).entered] == [end[:7], "PR-1"]
    assert await contains(history, "PR-2", end, selection=web) == [False]
    assert await contains(history, "PR-2", end) == [True]


async def test_issues_are_those_of_configured_projects(work, history):
    """`UTF-8` and `SHA-256` are none; an issue has entered where nothing that names it was there before."""
    start = work.commit("Begin", {"a": "1"})
    one = work.commit("SHOP-7: read UTF-8 with SHA-256\n\nFixes #5", {"a": "2"})
    two = work.commit("SHOP-7 once more", {"a": "3"})
    await history.refresh()

    shop = Selection(projects=("SHOP",), trackers=(("jira", "https://example.atlassian.net"),))
    found = (await history.features(start, one, shop)).entered
    assert {(f.kind, f.id) for f in found} == {("issue", "SHOP-7"), ("issue", "#5"), ("commit", one[:7])}
    assert next(f.url for f in found if f.id == "SHOP-7") == "https://example.atlassian.net/browse/SHOP-7"
    assert {f.id for f in (await history.features(one, two, shop)).entered} == {two[:7]}
    assert await contains(history, "SHOP-7", start, one, selection=shop) == [False, True]
    with pytest.raises(UnknownFeature):
        await history.presences("SHA-257", [one], shop)


async def test_a_merge_without_a_pull_request_names_issues(work, history):
    """By its branch and its words; it is no feature itself, and the issue leaves with what was merged."""
    start = work.commit("Begin", {"a": "1"})
    work.do("checkout", "-q", "-b", "feature/SHOP-7-cards")
    made = work.commit("Cards", {"b": "1"})
    work.do("checkout", "-q", "main")
    merged = work.merge("Merge branch 'feature/SHOP-7-cards' into release\n\nFixes #5", "feature/SHOP-7-cards")
    work.do("revert", "--no-edit", "-m", "1", merged)
    end = work.head()
    await history.refresh()

    shop = Selection(projects=("SHOP",))
    came = await history.features(start, merged, shop)
    assert {one.id for one in came.entered} == {made[:7], "#5", "SHOP-7"}
    assert list(came.committed) == [made]
    gone = await history.features(merged, end, shop)
    assert ({one.id for one in gone.entered}, {one.id for one in gone.left}) == ({end[:7]}, {made[:7], "#5", "SHOP-7"})
    assert await contains(history, "SHOP-7", start, merged, end, selection=shop) == [False, True, False]


async def test_what_is_merged_into_a_branch_is_not_the_issue_that_it_is_called_after(work, history):
    """The message that Git makes when a branch catches up names that branch."""
    start = work.commit("Begin", {"a": "1"})
    work.do("checkout", "-q", "-b", "feature/SHOP-7-cards")
    work.commit("SHOP-7 cards", {"b": "1"})
    work.do("checkout", "-q", "main")
    head = work.commit("Else", {"c": "1"})
    work.do("checkout", "-q", "feature/SHOP-7-cards")
    branch = work.merge("Merge branch 'main' into feature/SHOP-7-cards", "main")
    await history.refresh()
    shop = Selection(projects=("SHOP",))
    assert await contains(history, "SHOP-7", start, head, branch, selection=shop) == [False, False, True]


async def test_an_issue_of_two_merges_enters_with_the_first_and_leaves_with_the_last(work, history):
    """The second pull request for it brings nothing that was not there, and takes nothing along when it goes."""
    start = work.commit("Begin", {"a": "1"})
    _, first = pull_request(work, 1, {"b": "1"}, branch="shop-7-one")
    _, second = pull_request(work, 2, {"c": "1"}, branch="shop-7-two")
    work.do("revert", "--no-edit", "-m", "1", second)
    without = work.head()
    work.do("revert", "--no-edit", "-m", "1", first)
    end = work.head()
    await history.refresh()

    shop = Selection(projects=("SHOP",))
    seen = [
        [[one.id for one in some if one.kind == "issue"] for some in (found.entered, found.left)]
        for old, new in itertools.pairwise((start, first, second, without, end))
        for found in [await history.features(old, new, shop)]
    ]
    assert seen == [[["SHOP-7"], []], [[], []], [[], []], [[], ["SHOP-7"]]]
    there = await contains(history, "SHOP-7", start, first, second, without, end, selection=shop)
    assert there == [False, True, True, True, False]


async def test_a_number_with_its_repo_is_that_repos(work, history):
    """`owner/repo#2` is the pull request or issue of this repo; of another one only what its commits name."""
    start = work.commit("Begin", {"a": "1"})
    work.commit("Two (#2)", {"a": "2"})
    end = work.commit("Three\n\nFixes #5, fixes other/lib#7", {"a": "3"})
    await history.refresh()
    for asked in ("o/shop#2", "o/shop#5", "other/lib#7"):
        assert await contains(history, asked, start, end) == [False, True], asked
    for asked in ("other/lib#2", "o/shop#9"):
        with pytest.raises(UnknownFeature):
            await history.presences(asked, [end], ALL)


async def test_words_of_too_many_titles_deny_nothing(work, history):
    """Only the newest are looked for: one that is there is there, and of the rest nobody knows."""
    start = work.commit("Begin", {"a": "1"})
    old = work.commit("Polish the old", {"a": "old"})
    for n in range(MAX_FOUND):
        work.commit(f"Polish {n}", {"a": f"{n}"})
    end = work.head()
    await history.refresh()
    said = await history.presences("polish", [start, old, end], ALL)
    assert [one.contains for one in said] == [None, None, True]
    assert said[0].reason.startswith("more than 20 titles have these words")
    assert not said[0].may_be_on_record
    assert await contains(history, "polish the old", start, old, end) == [False, True, True]


async def test_people_are_those_of_the_mailmap_at_head(work, history):
    """Renamed authors are one; co-authors count; the mailmap of today speaks of the commits of yesterday."""
    start = work.commit("Begin", {"a": "1"})
    one = work.commit("Pair\n\nCo-authored-by: Old Name <OLD@example.com>", {"a": "2"})
    work.commit(
        "Map",
        {".mailmap": "New Name <new@example.com> <old@example.com>\nZoë Å. <zoe@example.com> <PRIYA@example.com>\n"},
    )
    await history.refresh()

    people = (await history.features(start, one, ALL)).entered[0].authors
    assert [(p.name, p.email) for p in people] == [("Zoë Å.", "zoe@example.com"), ("New Name", "new@example.com")]


async def test_revisions_beside_each_other_have_both_sides(work, history):
    """Diverged: what only the new one has entered, what only the old one has left."""
    work.commit("Begin", {"a": "1"})
    old = work.commit("Old (#1)", {"b": "1"})
    work.do("checkout", "-q", "-b", "side", "HEAD^")
    new = work.commit("New (#2)", {"c": "1"})
    await history.refresh()

    found = await history.features(old, new, ALL)
    assert ([f.id for f in found.entered], [f.id for f in found.left]) == (["PR-2"], ["PR-1"])


async def test_only_what_is_new_is_indexed(work, history):
    """A second look takes in the commits since the first; a rewritten branch adds beside what is there."""
    first = work.commit("Begin", {"a": "1"})
    assert await history.refresh() == 1
    assert await history.refresh() == 0
    old = work.commit("Two (#2)", {"a": "2"})
    assert await history.refresh() == 1
    work.do("reset", "-q", "--hard", first)
    new = work.commit("Other (#3)", {"a": "3"})
    assert await history.refresh() == 1

    assert await contains(history, "PR-2", old, new) == [True, False]
    with pytest.raises(UnknownVersion):
        await history.presences("PR-2", ["1" * 40], ALL)


@pytest.mark.parametrize("how", ["deleted", "emptied"])
async def test_a_mirror_that_was_deleted_is_made_again_by_the_next_look(work, history, tmp_path, how):
    """The index follows: what a rewritten branch left behind is gone with the mirror, and not known any more."""
    first = work.commit("Begin", {"a": "1"})
    two = work.commit("Two (#2)", {"a": "2"})
    await history.refresh()
    work.do("reset", "-q", "--hard", first)
    new = work.commit("Other (#3)", {"a": "3"})
    mirror = tmp_path / "mirror.git"
    shutil.rmtree(mirror)
    if how == "emptied":
        mirror.mkdir()
    await history.refresh()

    assert await contains(history, "PR-3", first, new) == [False, True]
    with pytest.raises(UnknownFeature):
        await history.presences("PR-2", [new], ALL)
    with pytest.raises(UnknownVersion):
        await history.presences("PR-3", [two], ALL)


@pytest.mark.parametrize("damage", ["text", "cut", "format", "empty"])
async def test_a_damaged_index_is_made_anew(work, history, damage):
    """It is a cache: whatever stands in its file, the answer is that of the mirror."""
    work.commit("Begin", {"a": "1"})
    head = work.commit("Two (#2)", {"a": "2"})
    await history.refresh()
    history.index.close()
    file = history.index.file
    data = file.read_bytes()
    if damage == "format":
        data = data[:60] + (99).to_bytes(4, "big") + data[64:]
    file.write_bytes(
        {"text": b"no database" * 500, "cut": data[: len(data) // 2], "format": data, "empty": b""}[damage]
    )

    assert await contains(history, "PR-2", head) == [True]


async def test_hostile_commits_are_bounded(work, history):
    """A message of megabytes, one that plays a log's record, 1,500 files at once, odd paths, no author's name."""
    start = work.commit("Begin", {"a": "1"})
    work.commit("Long (#1)\n\n" + "x" * (3 << 20), {"a": "2"})
    work.commit(
        f"Record (#2)\n\n{'1' * 40}\n:100644 100644 {'1' * 40} {'2' * 40} M\nx", {"a\nb": "1", ":100644 x": "1"}
    )
    many = {f"many/{n}": "1" for n in range(1500)}
    work.commit("Many (#3)", many)
    work.commit("None of them (#4)", dict.fromkeys(many))
    # git commit refuses such a name; hash-object stores it.
    tree, parent = work.head("HEAD^{tree}"), work.head()
    who = "\x07\x1b[31m <> 1700000000 +0000"
    raw = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n"
    made = git(work.folder, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw.encode())
    work.do("update-ref", "refs/heads/main", made)
    await history.refresh()

    head = work.head()
    assert await contains(history, "PR-3", work.head("HEAD~2"), head) == [True, False]
    assert await contains(history, "PR-1", start, head) == [False, True]
    found = await history.features(start, head, Selection(paths=("elsewhere",)))
    assert [one.id for one in found.entered] == ["PR-4"], "what touches too much to be kept counts everywhere"
    assert {one.id for one in (await history.features(start, head, ALL)).entered} == {
        "PR-1", "PR-2", "PR-4", head[:7],
    }  # fmt: skip


class Story:
    """Random work on a few branches, carried out by real git; what conflicts is given up."""

    def __init__(self, work, seed):
        self.work, self.pick = work, random.Random(seed)  # noqa: S311 - histories, not secrets
        self.branches, self.features, self.revertible = ["main"], {}, []
        self.here = "main"

    def tip(self, branch):
        # Read, not asked for: a story has hundreds of these.
        return (self.work.folder / ".git" / "refs" / "heads" / branch).read_text().strip()

    def step(self, number):
        branch = self.pick.choice(self.branches)
        # A story has hundreds of steps, and each process counts.
        if branch != self.here:
            self.work.do("checkout", "-q", branch)
            self.here = branch
        what = self.pick.choice(
            [
                *("feature", "feature", "revert", "revert", "merge", "merge", "cherry", "branch", "octopus"),
                "cherry_merge",
            ]
        )
        before = self.tip(branch)
        getattr(self, what)(number)
        stopped = what not in {"feature", "branch"} and self.tip(branch) == before
        if what not in {"feature", "branch"} and (stopped or self.work.do("status", "--porcelain")):
            self.work.do("reset", "-q", "--hard", before)
        elif (after := self.tip(branch)) != before:
            self.revertible.append(after)

    def feature(self, number):
        name = f"f{number}"
        self.features[name] = self.work.commit(f"Add {name}", {name: name})

    def branch(self, number):
        if len(self.branches) < 4:
            self.branches.append(f"b{number}")
            self.here = self.branches[-1]
            self.work.do("checkout", "-q", "-b", self.here)

    def merge(self, number, *, others=1):
        here = self.work.head()
        known = [branch for branch in self.branches if self.tip(branch) != here]
        chosen = self.pick.sample(known, min(len(known), others))
        if chosen:
            self.work.do("merge", "-q", "--no-ff", "-m", f"Merge {number}", *chosen, ok=range(256))

    def octopus(self, number):
        # Where two branches of an octopus met more than once, git takes one of their merge bases as it comes.
        pairs = itertools.combinations(self.branches, 2)
        if all(len(self.work.do("merge-base", "--all", *pair).split()) == 1 for pair in pairs):
            self.merge(number, others=2)

    def revert(self, _number):
        below = set(self.work.do("rev-list", "HEAD").split())
        targets = [one for one in self.revertible[-8:] if one in below]
        if targets:
            target = self.pick.choice(targets)
            merge = len(self.work.do("rev-list", "--parents", "-1", target).split()) > 2
            mainline = self.pick.choice("112") if merge else ""
            self.work.do("revert", *(("-m", mainline) if merge else ()), "--no-edit", target, ok=range(256))

    def cherry(self, _number):
        below = set(self.work.do("rev-list", "HEAD").split())
        others = [one for one in self.features.values() if one not in below]
        if others:
            self.work.do("cherry-pick", "-x", self.pick.choice(others), ok=range(256))

    def cherry_merge(self, _number):
        below = set(self.work.do("rev-list", "HEAD").split())
        merges = [one for one in self.work.do("rev-list", "--all", "--merges").split() if one not in below]
        if merges:
            self.work.do("cherry-pick", "-x", "-m", "1", self.pick.choice(merges), ok=range(256))


async def _told(work, history, seed):
    """Play a story; return its features' commits, its commits, and what is in each of them by its files."""
    story = Story(work, seed)
    work.commit("Begin", {"readme": "1"})
    for number in range(30):
        story.step(number)
    await history.refresh()
    commits = work.do("rev-list", "--all").split()
    return story.features, commits, [set(work.do("ls-tree", "--name-only", one).split()) for one in commits]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_real_git_made_of_it_is_what_is_said(work, history, seed):
    """Each feature is a file, and contained where the file is: after merges, reverts of all kinds, and picks."""
    features, commits, files = await _told(work, history, seed)
    for name, commit in features.items():
        found = await contains(history, commit, *commits)
        assert found == [name in there for there in files], name


@pytest.mark.parametrize("seed", range(100, 100 + SEEDS // 2))
async def test_replaying_one_by_one_says_the_same(work, history, seed):
    """The naive answer: ancestors by `git merge-base --is-ancestor`, and the rules followed commit by commit."""
    features, commits, _ = await _told(work, history, seed)
    naive = NaiveReplay(work.folder)
    for commit in features.values():
        assert await contains(history, commit, *commits) == [naive.contains(one, commit) for one in commits]
