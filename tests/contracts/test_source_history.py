"""What every source history promises: the twin in memory and the index of a mirror answer alike."""

import pytest

from lastgood.core.errors import UnknownFeature, UnknownVersion
from lastgood.core.source_commit import Selection
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_history import MirrorSourceHistory
from twins.config_repo import PRIYA
from twins.git_fixtures import BareRemote
from twins.source_history import MemorySourceHistory

ALL = Selection()


class Mirrored(MirrorSourceHistory):
    """The mirror's history with the people of its remote, as the twin has them."""

    def __init__(self, folder):
        self.remote = BareRemote(folder / "shop.git")
        super().__init__(MirrorSourceRepo(folder / "mirror.git", self.remote.url), self.remote.url)
        self._number = 0

    async def commit(self, message, files, parents=(), author=PRIYA):
        self._number += 1
        oid = await self.remote.commit_files(
            f"b{self._number}",
            files,
            message=message,
            author=author,
            parents=parents,
            base=parents[0] if parents else None,
        )
        self.remote.set("refs/heads/main", oid)
        return oid


@pytest.fixture(params=["memory", "mirror"])
def history(request, tmp_path):
    if request.param == "memory":
        yield MemorySourceHistory()
        return
    history = Mirrored(tmp_path)
    yield history
    history.index.close()


async def contains(history, feature, *revisions, selection=ALL):
    return [one.contains for one in await history.presences(feature, revisions, selection)]


async def merged(history, number, files, start):
    side = start
    for path, text in files.items():
        side = await history.commit(f"Write {path}", {path: text}, [side])
    return side, await history.commit(f"Merge pull request #{number} from o/b\n\nTitle {number}", files, [start, side])


async def test_a_merge_its_revert_and_the_reverts_revert(history):
    """There, gone, there again, and so for the features on the way."""
    start = await history.commit("Begin", {"a": "1"})
    side, merge = await merged(history, 12, {"b": "1", "c": "1"}, start)
    out = await history.commit(f"Revert it\n\nThis reverts commit {merge}.", {"b": None, "c": None}, [merge])
    back = await history.commit(f"Reapply\n\nThis reverts commit {out}.", {"b": "1", "c": "1"}, [out])
    await history.refresh()

    assert await contains(history, "PR-12", start, side, merge, out, back) == [False, True, True, False, True]
    changes = await history.features(merge, out, ALL)
    assert [one.id for one in changes.left] == ["PR-12"]
    assert [one.id for one in (await history.features(out, merge, ALL)).entered] == ["PR-12"]
    assert (await history.features(out, out, ALL)).entered == ()


async def test_what_a_conventional_commit_says_of_itself(history):
    """Type, scope and breaking: of a squash, of a merge by its title, and of one whose commits all say the same."""
    start = await history.commit("Begin", {"a": "1"})
    squash = await history.commit("feat(cart)!: sum in cents (#1)", {"b": "1"}, [start])
    side = await history.commit("fix(api): no 500", {"c": "1"}, [squash])
    more = await history.commit("fix(db): no lock", {"c": "2"}, [side])
    last = await history.commit("Merge pull request #2 from o/b\n\nSeveral repairs", {"c": "2"}, [squash, more])
    lone = await history.commit("docs: say so", {"d": "1"}, [last])
    await history.refresh()

    found = (await history.features(start, lone, ALL)).entered
    assert [(one.id[:4], one.type, one.scope, one.breaking) for one in found] == [
        (lone[:4], "docs", None, False),
        ("PR-2", "fix", None, False),
        ("PR-1", "feat", "cart", True),
    ]


async def test_a_merge_is_reverted_against_either_parent(history):
    """With `-m 2` what the branch had goes on, and what the first parent had until then leaves."""
    start = await history.commit("Begin", {"a": "1"})
    own = await history.commit("On main (#11)", {"m": "1"}, [start])
    side = await history.commit("Write b", {"b": "1"}, [start])
    merge = await history.commit("Merge pull request #12 from o/b\n\nB", {"b": "1"}, [own, side])
    words = f"Revert it\n\nThis reverts commit {merge}, reversing\nchanges made to "
    first = await history.commit(f"{words}{own}.", {"b": None}, [merge])
    second = await history.commit(f"{words}{side}.", {"m": None}, [merge])
    back = await history.commit(f"Again\n\nThis reverts commit {second}.", {"m": "1"}, [second])
    await history.refresh()

    assert await contains(history, "PR-12", merge, first, second, back) == [True, False, True, True]
    assert await contains(history, "PR-11", merge, first, second, back) == [True, True, False, True]
    assert [one.id for one in (await history.features(merge, second, ALL)).left] == ["PR-11"]


async def test_a_picked_merge_does_what_the_merge_did(history):
    """A backport with `-x -m 1`: each commit that the merge brought is there, until the pick is reverted."""
    start = await history.commit("Begin", {"a": "1", "old": "1"})
    gone = await history.commit("Write c (#3)", {"c": "1"}, [start])
    release = await history.commit("Release branch", {"r": "1"}, [gone])
    side = await history.commit("Write b\n\nFixes #7", {"b": "1"}, [gone])
    side2 = await history.commit(f"Out\n\nThis reverts commit {gone}.", {"c": None}, [side])
    merge = await history.commit("Merge pull request #12 from o/b\n\nB", {"b": "1", "c": None}, [gone, side2])
    words = f"Merge pull request #12 from o/b\n\nB\n\n(cherry picked from commit {merge})"
    pick = await history.commit(words, {"b": "1", "c": None}, [release])
    undone = await history.commit(f"Undo\n\nThis reverts commit {pick}.", {"b": None, "c": "1"}, [pick])
    await history.refresh()

    for feature in ("PR-12", side, "#7"):
        assert await contains(history, feature, release, merge, pick, undone) == [False, True, True, False], feature
    assert await contains(history, "PR-3", release, merge, pick, undone) == [True, False, False, True]


async def test_a_pull_request_named_by_its_number_is_reverted(history):
    """`Reverts owner/repo#12` of this repo counts; that of another repo does not."""
    start = await history.commit("Begin", {"a": "1"})
    squash = await history.commit("Add b (#12)", {"b": "1"}, [start])
    other = await history.commit("Tidy (#13)\n\nReverts else/where#12", {"c": "1"}, [squash])
    out = await history.commit('Revert "Add b (#12)" (#14)\n\nReverts o/shop#12', {"b": None, "d": "1"}, [other])
    await history.refresh()

    assert await contains(history, "PR-12", start, squash, other, out) == [False, True, True, False]


async def did(history, old, new):
    """What came on the way and what it did to others, by id."""
    entered = (await history.features(old, new, ALL)).entered
    return {one.id: (one.takes_back, one.brings_back) for one in entered}


async def test_a_revert_names_what_it_takes_back_and_brings_back(history):
    """By pull requests, whichever way the revert was merged; the revert that is reverted is no feature to name."""
    start = await history.commit("Begin", {"a": "1"})
    _, merge = await merged(history, 12, {"b": "1", "c": "1"}, start)
    undo = await history.commit(f"Revert it\n\nThis reverts commit {merge}.", {"b": None, "c": None}, [merge])
    out = await history.commit("Merge pull request #13 from o/revert\n\nRevert", {"b": None, "c": None}, [merge, undo])
    squash = await history.commit("Add d (#14)", {"d": "1"}, [out])
    again = await history.commit(f"Reapply (#15)\n\nThis reverts commit {out}.", {"b": "1", "c": "1"}, [squash])
    both = await history.commit(
        f"Tidy\n\nThis reverts commit {squash}.\nThis reverts commit {start}.", {"d": None, "a": None}, [again]
    )
    await history.refresh()

    assert await did(history, merge, out) == {"PR-13": (("PR-12",), ())}
    assert await did(history, out, again) == {
        "PR-12": ((), ()),
        "PR-14": ((), ()),
        "PR-15": ((), ("PR-12",)),
    }
    assert (await did(history, squash, both))[both[:7]] == (("PR-14", start[:7]), ())
    left = (await history.features(both, again, ALL)).left
    assert {one.id: one.takes_back for one in left} == {both[:7]: ("PR-14", start[:7])}


async def test_a_revert_of_one_commit_names_the_pull_request_only_if_it_is_the_whole_of_it(history):
    """Else the commit; and a revert that found nothing to take out names nothing."""
    start = await history.commit("Begin", {"a": "1"})
    alone = await history.commit("Write x", {"x": "1"}, [start])
    one = await history.commit("Merge pull request #1 from o/b\n\nX", {"x": "1"}, [start, alone])
    part, two = await merged(history, 2, {"b": "1", "c": "1"}, one)
    out = await history.commit(f"Out\n\nThis reverts commit {alone}.", {"x": None}, [two])
    piece = await history.commit(f"Piece\n\nThis reverts commit {part}.", {"c": None}, [out])
    twice = await history.commit(f"Twice\n\nThis reverts commit {alone}.", {"y": "1"}, [piece])
    await history.refresh()

    found = await did(history, two, twice)
    assert found[out[:7]] == (("PR-1",), ())
    assert found[piece[:7]] == ((part[:7],), ())
    assert found[twice[:7]] == ((), ())


async def test_content_alone_and_paths(history):
    """The exact inverse is a revert without words; what touches other folders is not the service's."""
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1"})
    up = await history.commit("Raise (#1)", {"web/a": "2"}, [start])
    down = await history.commit("Lower", {"web/a": "1"}, [up])
    await history.refresh()

    assert await contains(history, "PR-1", up, down) == [True, False]
    api = Selection(paths=("api",))
    assert (await history.features(start, up, api)).entered == ()
    found = (await history.presences("PR-1", [up], api))[0]
    assert (found.contains, found.beside) == (False, True)


async def test_a_revert_takes_out_nothing_of_a_service_that_it_does_not_touch(history):
    """Its words are believed where it changes something; its author took back the web's part, and left the api's."""
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1", "libs/a": "1"})
    up = await history.commit("Raise (#1)", {"web/a": "2", "api/a": "2"}, [start])
    half = await history.commit(f"Not on the web\n\nThis reverts commit {up}.", {"web/a": "1"}, [up])
    back = await history.commit(f"On the web, too\n\nThis reverts commit {half}.", {"web/a": "2"}, [half])
    shared = await history.commit(f"Nowhere\n\nThis reverts commit {up}.", {"libs/a": "2"}, [back])
    await history.refresh()
    web, api, job = (Selection(paths=(path, "libs")) for path in ("web", "api", "job"))

    revisions = (up, half, back, shared)
    assert await contains(history, "PR-1", *revisions, selection=web) == [True, False, True, False]
    assert await contains(history, "PR-1", *revisions, selection=api) == [True, True, True, False]
    assert await contains(history, "PR-1", *revisions, selection=job) == [False] * 4
    assert await contains(history, "PR-1", *revisions) == [True, False, True, False]
    changes = await history.features(up, half, api)
    assert (changes.entered, changes.left) == ((), ())
    changes = await history.features(up, half, web)
    assert ([one.id for one in changes.entered], [one.id for one in changes.left]) == ([half[:7]], ["PR-1"])


async def test_what_is_not_there_is_said(history):
    """An unknown feature and an unknown revision are errors of their own."""
    start = await history.commit("Begin", {"a": "1"})
    await history.refresh()

    for text in ("PR-99", "ABC-1", "f" * 40, "no such words", "", "%", "'; DROP TABLE commits"):
        with pytest.raises(UnknownFeature):
            await history.presences(text, [start], ALL)
    with pytest.raises(UnknownVersion):
        await history.features(start, "f" * 40, ALL)


async def test_what_is_not_there_has_names_like_it(history):
    """Numbers, keys of the service's projects, titles, and titles whose words are spelled much the same."""
    start = await history.commit("Begin", {"a": "1"})
    one = await history.commit("Gift message on the checkout page (#31)\n\nABC-12, UTF-8", {"b": "1"}, [start])
    await history.commit("Wishlist", {"c": "1"}, [one])
    await history.refresh()

    shop = Selection(projects=("ABC",))
    assert list(await history.nearest("#3", ALL)) == ["PR-31"]
    assert list(await history.nearest("ABC-13", shop)) == ["ABC-12"]
    assert list(await history.nearest("ABC-13", ALL)) == []
    assert list(await history.nearest("gift mesage", ALL)) == ["PR-31 (Gift message on the checkout page)"]
    assert [name.partition(" ")[2] for name in await history.nearest("wishlst", ALL)] == ["(Wishlist)"]
    assert list(await history.nearest("https://elsewhere.example/x/y/pull/3", ALL)) == []
    assert list(await history.nearest(one[:5].upper(), ALL)) == [f"{one[:7]} (Gift message on the checkout page)"]


async def test_a_subject_is_found_as_a_log_has_it(history):
    """With the number that a squash or a merge has in it; another pull request's number is not this one."""
    start = await history.commit("Begin", {"a": "1"})
    mails = await history.commit("Send mails (#12)", {"a": "2"}, [start])
    _, merge = await merged(history, 13, {"b": "1"}, mails)
    await history.refresh()
    for subject, number in (("Send mails (#12)", 12), ("Merge pull request #13 from o/b", 13)):
        here = {12: mails, 13: merge}[number]
        assert await contains(history, subject, start, here) == [False, True]
    with pytest.raises(UnknownFeature):
        await contains(history, "Send mails (#13)", merge)


async def test_words_find_by_titles(history):
    """Every word in one title, whatever the case; reverts of it are not it."""
    start = await history.commit("Begin", {"a": "1"})
    one = await history.commit("Add the Checkout button", {"b": "1"}, [start])
    out = await history.commit(f'Revert "Add the Checkout button"\n\nThis reverts commit {one}.', {"b": None}, [one])
    await history.refresh()

    assert await contains(history, "checkout add", start, one, out) == [False, True, False]


async def told(history, feature, revision, selection=ALL):
    found = await history.origin(feature, revision, selection)
    pull = found.pull_request.id if found.pull_request is not None else None
    return found.feature.kind, found.feature.id, pull, found.source.commit


async def test_a_feature_comes_from_its_pull_request_and_the_commit_that_merged_it(history):
    """By number, issue, commit and words: the merge that brought it; what nobody merged comes by itself."""
    start = await history.commit("Begin", {"a": "1"})
    side = await history.commit("Search while typing\n\nFixes #3", {"b": "1"}, [start])
    merge = await history.commit("Merge pull request #12 from o/b\n\nSearch", {"b": "1"}, [start, side])
    squash = await history.commit("Gift message (#13)", {"c": "1"}, [merge])
    plain = await history.commit("Tidy up", {"d": "1"}, [squash])
    await history.refresh()

    for revision in (plain, merge, None):
        assert await told(history, "PR-12", revision) == ("pull_request", "PR-12", "PR-12", merge)
        assert await told(history, "#3", revision) == ("issue", "#3", "PR-12", merge)
        assert await told(history, side[:9], revision) == ("commit", side[:7], "PR-12", merge)
        assert await told(history, "search typing", revision) == ("commit", side[:7], "PR-12", merge)
    assert await told(history, "#13", plain) == ("pull_request", "PR-13", "PR-13", squash)
    assert await told(history, "tidy", plain) == ("commit", plain[:7], None, plain)
    assert await told(history, side, side) == ("commit", side[:7], None, side), "built before it was merged"
    found = await history.origin("PR-12", plain, ALL)
    assert (found.source.title, found.source.author, found.source.repo) == ("Search", PRIYA, history.repo)
    assert found.pull_request.commits == (side,)
    with pytest.raises(UnknownFeature):
        await history.origin("PR-99", None, ALL)
    with pytest.raises(UnknownVersion):
        await history.origin("PR-12", "f" * 40, ALL)


async def test_of_several_ways_the_one_into_the_revision_is_told(history):
    """A backport to another branch comes by its own commit; nested pull requests by the innermost."""
    start = await history.commit("Begin", {"a": "1"})
    main = await history.commit("Fix it (#5)", {"b": "1"}, [start])
    old = await history.commit("Fix it (#5)", {"b": "1", "old": "1"}, [start])
    await history.refresh()
    assert [(await told(history, "PR-5", at))[3] for at in (main, old)] == [main, old]

    side = await history.commit("Step", {"c": "1"}, [main])
    inner = await history.commit("Merge pull request #6 from o/c\n\nInner", {"c": "1"}, [main, side])
    outer = await history.commit("Merge pull request #7 from o/d\n\nOuter", {"c": "1", "e": "1"}, [main, inner])
    await history.refresh()
    assert await told(history, side, outer) == ("commit", side[:7], "PR-6", inner)


async def test_what_does_not_concern_a_service_still_comes_from_somewhere(history):
    """Its pull request is told; whether the service has it is another question."""
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1"})
    up = await history.commit("Raise (#1)", {"web/a": "2"}, [start])
    await history.refresh()
    assert await told(history, "PR-1", up, Selection(paths=("api",))) == ("pull_request", "PR-1", "PR-1", up)


async def test_a_question_that_is_asked_again_is_asked_of_what_came_meanwhile(history):
    """What a feature names is found anew once there are new commits, and for another service."""
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1"})
    first = await history.commit("Fix the cart (#5)", {"web/a": "2"}, [start])
    await history.refresh()
    assert (await told(history, "PR-5", None))[3] == first
    assert await contains(history, "PR-5", start, first) == [False, True]

    second = await history.commit("Fix the cart (#5)", {"api/a": "2"}, [start])
    await history.refresh()
    assert (await told(history, "PR-5", second))[3] == second
    assert await contains(history, "PR-5", start, second) == [False, True]
    services = [await history.presences("PR-5", [second], Selection(paths=(name,))) for name in ("web", "api")]
    assert [one.contains for (one,) in services] == [False, True]
