"""Which applications have an image: by what they run, by what it was built from, never by another image's name."""

import datetime as dt

import pytest

from lastgood.core.errors import AmbiguousImage, UnknownFeature
from lastgood.core.feature_versions import Deployed
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt
from lastgood.queries.where import Place, where, where_built
from twins.source_history import MemorySourceHistory

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
NAME = "ghcr.example/shop/web"
WEB = Selection(paths=("web",))
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
async def shop():
    """A source repo: two commits of the web, then one of the api, then one of the web."""
    history = MemorySourceHistory()
    commits = [await history.commit("Begin", {"web/a": "1", "api/a": "1"})]
    for title, files in (("Web", {"web/a": "2"}), ("Api", {"api/a": "2"}), ("Web again", {"web/a": "3"})):
        commits.append(await history.commit(title, files, commits[-1:]))
    await history.refresh()
    return history, commits


def image(reference, history=None, revision=None, *, name=NAME):
    reason = "" if revision is not None else "no tag"
    return SourceAt(image=name, reference=reference, history=history, revision=revision, selection=WEB, reason=reason)


def place(app, *versions):
    """An application that ran versions, newest first, an hour apart; each is its images."""
    deployed = [
        Deployed(at=NOON - dt.timedelta(hours=n), sources=tuple(images), number=len(versions) - n)
        for n, images in enumerate(versions)
    ]
    return Place(environment="qa", app=app, deployed=tuple(deployed))


def told(entries):
    return [(one.app, one.contains, one.deployment, one.reason) for one in entries]


async def test_the_answer_names_the_deployment_with_which_it_began(shop):
    """The oldest of those from which on the application has it, by a newer image or by the very one."""
    history, (first, second, _, last) = shop
    old, new, newest = (image(tag, history, at) for tag, at in (("1", first), ("2", second), ("4", last)))
    found = await where(
        "web:2",
        [place("same", [new], [old]), place("later", [newest], [new], [old]), place("older", [old]), place("idle")],
    )
    assert told(found) == [
        ("same", True, 2, "it runs this very image"),
        ("later", True, 2, ""),
        ("older", False, 1, f"{second[:7]} was not merged into it"),
        ("idle", None, None, "it has not run yet"),
    ]
    assert [one.via for one in found[:2]] == [second, second]


async def test_an_image_whose_newest_commit_changed_another_service_is_where_it_runs(shop):
    """It is built from all of the repo: that its last commit touches the api alone takes it from nobody."""
    history, (_, second, api, last) = shop
    before, itself, after = (image(tag, history, at) for tag, at in (("2", second), ("3", api), ("4", last)))
    found = await where("web:3", [place("before", [before]), place("itself", [itself]), place("after", [after])])
    assert [(one.app, one.contains) for one in found] == [("before", False), ("itself", True), ("after", True)]


async def test_a_newer_image_contains_one_whose_newest_commit_was_reverted_since(shop):
    """The image is what was asked for, and not that one commit: what happened to it is said beside the answer."""
    history, (first, second, _, last) = shop
    revert = await history.commit(f"Revert it\n\nThis reverts commit {last}.", {"web/a": "2"}, [last])
    await history.refresh()
    old, bad, new, older = (
        image(tag, history, at) for tag, at in (("2", second), ("4", last), ("5", revert), ("1", first))
    )
    found = await where("web:4", [place("newer", [new], [bad], [old]), place("never", [new], [older])])
    reason = f"it runs a newer one: {last[:7]} was taken out by {revert[:7]}"
    assert told(found) == [("newer", True, 2, reason), ("never", True, 2, reason)]
    assert [one.contains for one in await where(last, [place("newer", [new])])] == [False]


async def test_an_image_of_the_same_revision_is_as_good(shop):
    """Two builds of one commit, also where that commit is of no path of the service."""
    history, (*_, api, _) = shop
    found = await where("web:3", [place("one", [image("3", history, api)]), place("two", [image("7", history, api)])])
    assert told(found)[1] == ("two", True, 1, f"it runs {NAME} (7), built from the same revision")


async def test_the_image_of_that_name_decides_and_not_what_runs_beside_it(shop):
    """A worker of an older commit beside the web does not make the answer unsure."""
    history, (first, second, _, last) = shop
    worker = image("1", history, first, name="ghcr.example/shop/worker")
    places = [place("both", [image("4", history, last), worker]), place("ran", [image("2", history, second), worker])]
    assert [one.contains for one in await where("web:2", places)] == [True, True]


async def test_what_is_built_from_another_repo_has_no_such_image(shop):
    """Its repo knows nothing of the commit, so its name decides; what is not known of it changes nothing."""
    history, (_, second, *_) = shop
    other = MemorySourceHistory()
    cart = await other.commit("Begin the cart", {"a": "1"})
    await other.refresh()
    found = await where(
        "web:2", [place("web", [image("2", history, second)]), place("cart", [image("7", other, cart, name="cart")])]
    )
    assert told(found)[1] == ("cart", False, 1, "it runs no image of that name")


async def test_two_versions_of_an_image_in_one_application_are_both_found(shop):
    """The second one is named after its container."""
    history, (first, second, *_) = shop
    both = place("both", [image("1", history, first), image("2", history, second, name=f"{NAME} (in web/canary)")])
    assert [(one.contains, one.reason) for one in await where("web:2", [both])] == [(True, "it runs this very image")]


async def test_a_tag_of_several_images_is_refused_with_their_names(shop):
    """Nothing is guessed: the whole name, or a digest, tells them apart."""
    history, (first, *_, last) = shop
    other = image("1", history, last, name="ghcr.example/old/web")
    places = [place("a", [image("1", history, first)]), place("b", [other])]
    with pytest.raises(AmbiguousImage) as several:
        await where("web:1", places)
    assert several.value.exit_code == 5
    assert several.value.hint == f"give the whole name of one: ghcr.example/old/web, {NAME}"
    assert [one.reason for one in await where("shop/web:1", places)] == ["it runs this very image", ""]

    copies = [place("a", [image(DIGEST)]), place("b", [image(DIGEST, name="mirror.example/web")])]
    assert [one.contains for one in await where(f"web@{DIGEST}", copies)] == [True, True]
    bare = [place("a", [image("1", history, first, name="web")]), place("b", [other])]
    assert (await where("web:1", bare))[0].reason == "it runs this very image"


async def test_the_beginning_of_a_digest_names_one_image(shop):
    """As lists show it; one that fits two is refused with both."""
    history, (_, second, *_) = shop
    near = DIGEST[:-1] + "b"
    runs, other = place("runs", [image(DIGEST, history, second)]), place("other", [image(near, history, second)])
    assert told(await where(DIGEST[:14], [runs])) == [("runs", True, 1, "it runs this very image")]
    with pytest.raises(AmbiguousImage) as raised:
        await where(f"web@{DIGEST[:14]}", [runs, other])
    assert raised.value.hint == f"give the whole name of one: {DIGEST}, {near}"


async def test_an_image_that_ran_nowhere_is_asked_for_by_its_revision(shop):
    """Whoever runs a newer one has it, whoever runs an older one has not."""
    history, (first, second, _, last) = shop
    places = [place("newer", [image("4", history, last)]), place("older", [image("1", history, first)])]
    found = await where_built(image("2", history, second), places)
    assert [(one.app, one.contains) for one in found] == [("newer", True), ("older", False)]


async def test_a_tag_that_was_moved_is_what_each_application_ran(shop):
    """Each is told by the revision that its own deployment brought."""
    history, (_, second, _, last) = shop
    old, new = image("1", history, second), image("1", history, last)
    found = await where("web:1", [place("new", [new]), place("old", [old])])
    assert [(one.app, one.contains, one.via, one.reason) for one in found] == [
        ("new", True, last, "it runs this very image"),
        ("old", True, second, "it runs what this tag meant when it was deployed"),
    ]
    assert [one.chain.source.commit for one in found] == [last, second]


async def test_a_tag_alone_is_asked_for_last(shop):
    """Where a source repo knows the words, these are meant; where several images ran under it, they are named."""
    history, (_, second, *_) = shop
    tagged = place("web", [image("v1.1.0", history, second)])
    assert told(await where("v1.1.0", [tagged])) == [("web", True, 1, "it runs this very image")]
    words = [image("Web", history, second, name="other")]
    assert [one.via for one in await where("Web", [place("web", words)])] == [second]

    api = image("v1.1.0@" + DIGEST, name="shop/api")
    with pytest.raises(AmbiguousImage) as wrong:
        await where("v1.1.0", [tagged, place("api", [api])])
    assert wrong.value.message == "several images are called v1.1.0"
    assert wrong.value.hint == f"give the whole name of one: {NAME}:v1.1.0, shop/api:v1.1.0"
    assert [one.contains for one in await where(' "v1.1.0" ', [tagged])] == [True]
    with pytest.raises(UnknownFeature) as unknown:
        await where("V1.1.O", [tagged])
    assert unknown.value.hint == "did you mean v1.1.0?"


async def test_a_tag_alone_means_all_services_of_one_release(shop):
    """Built from one revision of one repo, they are no two things to choose between."""
    history, (first, second, _, last) = shop
    web, api = (image("v1.1.0", history, second, name=name) for name in (NAME, "ghcr.example/shop/api"))
    old = image("v1.0.0", history, first)
    places = [place("web", [image("v1.2.0", history, last)], [web], [old]), place("api", [api]), place("old", [old])]
    found = await where("v1.1.0", places)
    assert [(one.app, one.contains, one.deployment) for one in found] == [
        ("web", True, 2),
        ("api", True, 1),
        ("old", False, 1),
    ]


async def test_a_tag_alone_is_known_where_no_source_is_named():
    """Nothing is known of any feature there; who runs the tag is."""
    database = SourceAt(image="postgres", reference="16.2", history=None, revision=None, selection=Selection())
    found = await where("16.2", [place("db", [database]), place("idle")])
    assert [(one.app, one.contains) for one in found] == [("db", True), ("idle", None)]
