"""Features between versions and where a feature is, by the source revisions of images."""

import dataclasses
import datetime as dt

import pytest

from lastgood.core.application import DeclaredScope
from lastgood.core.built import Built, BuiltRecords
from lastgood.core.errors import RenderFailed, UnknownFeature
from lastgood.core.feature_versions import Deployed
from lastgood.core.origins import NO_ORIGINS
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import (
    NO_SOURCES,
    STALE_CHART,
    NotKnown,
    SourceAt,
    features,
    locate_images,
    locate_version,
)
from lastgood.queries.where import Place, where
from twins.config_repo import MemoryConfigRepo
from twins.processes import application
from twins.source_history import MemorySourceHistory
from twins.sources import REPO, MemorySources

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
WEB, API = Selection(paths=("web", "libs")), Selection(paths=("api", "libs"))


@pytest.fixture
async def shop():
    """A source repo with a feature of one service, one of both, and a revert of the first."""
    history = MemorySourceHistory()
    start = await history.commit("Begin", {"web/a": "1", "api/a": "1", "libs/a": "1"})
    web = await history.commit("Web (#1)", {"web/a": "2"}, [start])
    both = await history.commit("Both (#2)", {"libs/a": "2"}, [web])
    out = await history.commit(f"Take out\n\nThis reverts commit {web}.", {"web/a": "1"}, [both])
    await history.refresh()
    return history, start, web, both, out


def at(history, revision, image="web", selection=WEB):
    return SourceAt(image=image, history=history, revision=revision, selection=selection)


def ran(*revisions, history):
    """Versions of the web alone, newest first, an hour apart."""
    return tuple(
        Deployed(at=NOON - dt.timedelta(hours=n), sources=(at(history, revision),))
        for n, revision in enumerate(revisions)
    )


async def test_a_feature_of_two_images_is_shown_once(shop):
    """Each image has what touches its own folders; what both have is one feature."""
    history, start, _, both, _ = shop
    found = await features(
        [at(history, start), at(history, start, "api", API)], [at(history, both), at(history, both, "api", API)]
    )
    assert [one.id for one in found.entered] == ["PR-2", "PR-1"]
    assert (found.left, found.unknown) == ((), ())


async def test_a_tag_that_was_moved_is_two_builds(shop):
    """As each ran: a digest stays what it is, and a chart beside the same image says nothing of it."""
    history, start, web, _, _ = shop
    old, new = (dataclasses.replace(at(history, one), reference="1") for one in (start, web))
    assert [one.id for one in (await features([old], [new])).entered] == ["PR-1"]
    for changed in ({"reference": f"1@sha256:{'a' * 64}"}, {"how": "chart"}):
        some = [dataclasses.replace(one, **changed) for one in (old, new)]
        assert (await features([some[0]], [some[1]])).entered == ()


async def test_what_is_not_known_is_said_with_the_reason(shop):
    """No revision, another repo, an image that is new, one that is gone, a commit that is not there: each is named."""
    history, start, _, both, _ = shop
    found = await features(
        [at(history, start), at(history, start, "moved"), at(history, "f" * 40, "lost"), at(history, start, "gone")],
        [
            SourceAt(image="web", reason="no source names this image"),
            at(MemorySourceHistory(), both, "moved"),
            at(history, both, "lost"),
            at(history, both, "new"),
        ],
    )
    assert found.entered == ()
    assert found.unknown == (
        NotKnown(image="web", reason="no source names this image"),
        NotKnown(image="moved", reason="it is built from another source repo than before"),
        NotKnown(image="lost", reason="there is no commit ffffffffffff in o/shop"),
        NotKnown(image="new", reason="only one of the two versions has it"),
        NotKnown(image="gone", reason="only one of the two versions has it"),
    )


async def test_an_image_that_ran_in_another_container_brings_nothing(shop):
    """A second version of an image is named after its container: it is no image that nobody knew before."""
    history, start, _, both, _ = shop

    def web(reference, revision, container=""):
        name = f"web (in {container})" if container else "web"
        return dataclasses.replace(at(history, revision, name), reference=reference)

    one, two = [web("1", start)], [web("2", both), web("1", start, "cron/web")]
    there, back = await features(one, two), await features(two, one)
    assert ([one.id for one in there.entered], there.unknown) == (["PR-2", "PR-1"], ())
    assert ([one.id for one in back.left], back.unknown) == (["PR-2", "PR-1"], ())
    alike = await features(two, [web("2", both)])
    assert alike.unknown == (NotKnown(image="web (in cron/web)", reason="only one of the two versions has it"),)


async def test_where_says_since_when_and_why_not(shop):
    """Since the oldest deployment of the run of equal answers; a revert is named; nothing known is unknown."""
    history, start, web, both, out = shop
    staging = Place(environment="staging", app="web-staging", deployed=ran(both, web, start, history=history))
    production = Place(environment="production", app="web", deployed=ran(out, both, history=history))
    unknown = Deployed(at=NOON, sources=(SourceAt(image="web", reason="no tag"),))
    dark = Place(environment="dark", app="web-dark", deployed=(unknown,))
    found = await where("PR-1", [staging, production, dark, Place(environment=None, app="idle", deployed=())])

    assert [(one.app, one.contains, one.since, one.via) for one in found] == [
        ("web-staging", True, NOON - dt.timedelta(hours=1), web),
        ("web", False, NOON, out),
        ("web-dark", None, None, None),
        ("idle", None, None, None),
    ]
    assert found[1].reason == f"PR-1 was taken out by {out[:7]}"
    assert [one.reason for one in found[2:]] == ["web: no tag", "it has not run yet"]
    with pytest.raises(UnknownFeature):
        await where("PR-99", [staging])


async def test_what_is_built_from_another_repo_has_no_feature_of_this_one(shop):
    """So does what runs no image; what nobody knows of stays unknown, and so does what no repo has."""
    history, start, web, *_ = shop
    other = MemorySourceHistory()
    cart = await other.commit("Begin the cart", {"a": "1"})
    await other.refresh()
    unknown = Deployed(at=NOON, sources=(at(other, cart), SourceAt(image="db", reason="no tag")))
    places = [
        Place(environment="qa", app="web", deployed=ran(web, start, history=history)),
        Place(environment="qa", app="cart", deployed=ran(cart, cart, history=other)),
        Place(environment="qa", app="settings", deployed=(Deployed(at=NOON, sources=()),)),
        Place(environment="qa", app="mixed", deployed=(unknown,)),
    ]
    found = await where("PR-1", places)
    none = "none of its images comes from a repo that knows it"
    assert [(one.app, one.contains, one.since, one.reason) for one in found] == [
        ("web", True, NOON, ""),
        ("cart", False, NOON - dt.timedelta(hours=1), none),
        ("settings", False, NOON, none),
        ("mixed", None, None, "db: no tag"),
    ]
    with pytest.raises(UnknownFeature):
        await where("PR-99", places)


async def test_images_that_disagree_are_unknown(shop):
    """One image built with the shared change, one without: neither yes nor no. One it does not touch has no say."""
    history, start, web, both, _ = shop
    mixed = Deployed(at=NOON, sources=(at(history, both), at(history, start, "api", API)))
    found = await where("PR-2", [Place(environment="qa", app="shop", deployed=(mixed,))])
    assert (found[0].contains, found[0].reason) == (None, "some of its images have it and some do not")
    same = Deployed(at=NOON, sources=(at(history, web), at(history, web, "api", API)))
    assert (await where("PR-1", [Place(environment="qa", app="shop", deployed=(same,))]))[0].contains is True


def image(history, revision, reference, name="registry.example.com/shop/web"):
    """One version of one image, built from a revision (None: nobody knows which)."""
    reason = "" if revision else f"no revision is known of {reference}"
    source = SourceAt(
        image=name, reference=reference, history=history if revision else None, revision=revision, reason=reason
    )
    return Deployed(at=NOON, sources=(source,))


async def test_where_an_image_is_by_the_revision_that_it_was_built_from(shop):
    """What runs it, and what runs a newer one, have it; what runs an older one has not."""
    history, start, web, both, _ = shop
    places = [
        Place(environment="a", app="runs", deployed=(image(history, web, "2"), image(history, start, "1"))),
        Place(environment="b", app="newer", deployed=(image(history, both, "3"),)),
        Place(environment="c", app="older", deployed=(image(history, start, "1"),)),
        Place(environment="d", app="unknown", deployed=(image(history, None, "nobody-knows"),)),
    ]
    found = await where("web:2", places)
    assert [(one.app, one.contains) for one in found] == [
        ("runs", True), ("newer", True), ("older", False), ("unknown", None),
    ]  # fmt: skip
    assert (found[0].since, found[0].via) == (NOON, web)


async def test_where_an_image_is_whose_revision_nobody_knows(shop):
    """What runs this very image has it, since its deployment; another of that name is unknown; no such name is no."""
    history, start, *_ = shop
    later = NOON + dt.timedelta(hours=1)
    mystery, older = image(history, None, "mystery"), image(history, None, "older")
    runs = Deployed(at=later, sources=mystery.sources)
    places = [
        Place(environment="a", app="runs", deployed=(runs, mystery, older)),
        Place(environment="b", app="other", deployed=(older,)),
        Place(environment="c", app="none", deployed=(image(history, start, "1", name="cart"),)),
        Place(environment="d", app="new", deployed=()),
        Place(environment="e", app="cut", deployed=(mystery,), whole=False),
    ]
    found = await where("shop/web:mystery", places)
    other = "it runs another image of that name, and the revision of the one asked for is not known"
    assert [(one.app, one.contains, one.since, one.reason) for one in found] == [
        ("runs", True, NOON, "it runs this very image"),
        ("other", None, None, f"{other}: no revision is known of mystery"),
        ("none", False, NOON, "it runs no image of that name"),
        ("new", None, None, "it has not run yet"),
        ("cut", True, None, "it runs this very image"),
    ]


async def test_an_image_that_nobody_ran_is_asked_for_as_words(shop):
    """A title may look like an image: then it is found; else nobody knows it."""
    history, start, *_ = shop
    titled = await history.commit("fix:rounding (#9)", {"web/a": "9"}, [start])
    await history.refresh()
    places = [Place(environment="a", app="web", deployed=(image(history, titled, "1"),))]
    assert [one.contains for one in await where("fix:rounding", places)] == [True]
    with pytest.raises(UnknownFeature):
        await where("web:nowhere", places)


@pytest.mark.parametrize(
    ("reference", "reason", "said"),
    [
        ("1.4", "", "1.4: its source revision is not known"),
        (f"1.4@sha256:{'a' * 64}", "its labels name no commit", "1.4@sha256:aaaaaaa: its labels name no commit"),
        ("b" * 40, "the repo is gone", "bbbbbbb: the repo is gone"),
        ("latest", "its tag latest moves", "its tag latest moves"),
    ],
)
async def test_what_is_not_known_says_of_which_of_the_two_versions(shop, reference, reason, said):
    """The older one may be it, or the newer one: its tag or its digest tells."""
    history, start, *_ = shop
    (known,) = image(history, start, "1.3").sources
    unknown = dataclasses.replace(known, reference=reference, revision=None, reason=reason)
    for old, new in ((known, unknown), (unknown, known)):
        assert [one.reason for one in (await features([old], [new])).unknown] == [said]


def by_chart(history, revision, reference):
    (found,) = image(history, revision, reference).sources
    return dataclasses.replace(found, how="chart")


async def test_a_chart_that_stayed_while_its_image_changed_tells_nothing(shop):
    """An appVersion that nobody keeps up says neither that nothing entered nor that a feature is not there."""
    history, start, web, *_ = shop
    old, new = by_chart(history, start, "build-1"), by_chart(history, start, "build-2")
    found = await features([old], [new])
    assert (found.entered, found.left) == ((), ())
    assert found.unknown == (NotKnown(image="registry.example.com/shop/web", reason=f"build-2: {STALE_CHART}"),)
    assert [one.id for one in (await features([old], [by_chart(history, web, "build-2")])).entered] == ["PR-1"]

    ran = tuple(Deployed(at=NOON, sources=(one,)) for one in (new, old))
    (entry,) = await where("PR-1", [Place(environment="qa", app="web", deployed=(*ran, *known(history, web)))])
    assert (entry.contains, entry.reason) == (None, f"registry.example.com/shop/web: {STALE_CHART}")
    (entry,) = await where("registry.example.com/shop/web:build-1", [Place(environment="qa", app="web", deployed=ran)])
    assert entry.contains is None


async def test_a_chart_that_nobody_keeps_up_tells_nothing_between_versions_that_lie_further_apart(shop):
    """What the records say of the image in between counts, whichever two versions are compared."""
    history, start, web, *_ = shop
    name = "registry.example.com/shop/web"
    ran = {3: web, 2: web, 1: start}
    records = BuiltRecords(
        (n, [Built(image=name, reference=f"build-{n}", repo=REPO, revision=ran[n], how="chart")]) for n in ran
    )

    async def located(tag, deployment):
        return await locate_images(MemorySources(history), (), {name: tag}, NO_ORIGINS, records.at(deployment))

    first, second, third = [await located(f"build-{n}", n) for n in (1, 2, 3)]
    assert [one.shared for one in (*first, *second, *third)] == [False, True, True]
    found = await features(first, third)
    assert (found.entered, found.unknown) == ((), (NotKnown(image=name, reason=f"build-3: {STALE_CHART}"),))
    assert (await features(second, first)).left == ()
    assert [one.revision for one in third] == [web]


def known(history, revision):
    return (Deployed(at=NOON, sources=(at(history, revision),)),)


async def test_a_base_is_asked_for_features_and_is_no_image(shop):
    """It has a say about a pull request; `where` by an image passes it over, also where their names end alike."""
    history, start, web, *_ = shop
    base = SourceAt(image="github.com/o/web", reference="v1", history=history, revision=web, base=True)
    old = dataclasses.replace(base, reference="v0", revision=start)
    assert [one.id for one in (await features([old], [base])).entered] == ["PR-1"]

    place = Place(environment="qa", app="web", deployed=(Deployed(at=NOON, sources=(base,)),))
    assert [one.contains for one in await where("PR-1", [place])] == [True]
    with pytest.raises(UnknownFeature):
        await where("web:v1", [place])
    unpinned = dataclasses.replace(base, reference="", revision=None, history=None, reason="no ref")
    both = Deployed(at=NOON, sources=(*image(history, web, "1").sources, unpinned))
    (entry,) = await where("shop/web:1", [Place(environment="qa", app="web", deployed=(both,))])
    assert (entry.contains, entry.reason) == (True, "it runs this very image")


class Broken:
    """A renderer for which nothing renders."""

    async def render(self, app, repo, commit):
        raise RenderFailed(app=app.name, file=None, line=None, reason="the base cannot be fetched")


async def test_of_what_does_not_render_the_declared_bases_are_known(shop):
    """In a clone that may not fetch, for one: the declaration is enough."""
    history, start, *_ = shop
    sources = MemorySources(history)
    sources.revisions["v1"] = start
    repo = MemoryConfigRepo()
    text = "resources: ['https://github.com/o/web//deploy?ref=v1']\n"
    commit = await repo.commit_files("main", {"apps/web/kustomization.yaml": text})
    app = application(name="web", path="apps/web", scope=DeclaredScope(path="apps/web"))
    found = await locate_version(app, repo, commit, renderer=Broken(), sources=sources, declared=())
    assert [(one.image, one.revision, one.base) for one in found] == [
        ("web", None, False), ("github.com/o/web//deploy", start, True),
    ]  # fmt: skip
    alone = await locate_version(app, repo, commit, renderer=Broken(), sources=None, declared=())
    assert alone[1].reason == NO_SOURCES
