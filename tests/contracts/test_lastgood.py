"""What every Lastgood promises: served in this process from flows and queries, and asked of a server over HTTP.

Both stand on the same agent among twins, so that an answer of one can be compared with that of the other.
"""

import asyncio
import datetime as dt

import httpx2
import msgspec
import pytest

from lastgood.core.application import Policy
from lastgood.core.commit import Person
from lastgood.core.errors import (
    Blocked,
    CommandLineWrong,
    NeedsServer,
    NoLastGood,
    NoPrevious,
    SettingsWrong,
    Unknown,
    UnknownApplication,
    UnknownFeature,
    UnknownOperation,
    UnknownPod,
    UnknownVersion,
)
from lastgood.core.figures import FiguresQuery
from lastgood.core.pod import PodEvent, PodLogRequest
from lastgood.core.record import Pause
from lastgood.core.request import PauseRequest, PressRequest, RollbackRequest
from lastgood.core.timeline import TimelineQuery
from lastgood.flows.keep_features import KeepFeatures
from lastgood.flows.keep_settings import KeepSettings
from lastgood.local import lastgood as local_lastgood
from lastgood.local.lastgood import LocalLastgood
from lastgood.remote.lastgood import RemoteLastgood
from lastgood.web.access import Access
from lastgood.web.app import create_web
from twins.agent_world import CONFIG, World, app_file, compose
from twins.source_history import MemorySourceHistory
from twins.sources import MemorySources

APP = "web-production"
OPERATOR = Person(name="Ines Ops", email="ines@example.com")
TOKEN = "the-servers-own-token"


@pytest.fixture
async def world():
    """An agent that deployed r1 of web-production and of web-staging, then r2 of web-production."""
    made = World()
    history = MemorySourceHistory()
    made.sources = MemorySources(history)
    begin = await history.commit("Begin", {"a": "1"})
    made.sources.revisions = {"r1": begin, "r2": await history.commit("feat: wishlist (#7)", {"a": "2"}, [begin])}
    await history.commit("feat: not out yet (#8)", {"a": "3"}, [made.sources.revisions["r2"]])
    await made.release({"lastgood.yaml": CONFIG, **app_file(APP, "r1"), **app_file("web-staging", "r1")}, "Release r1")
    await made.start()
    await made.run_until(APP, "succeeded")
    await made.run_until("web-staging", "succeeded")
    await made.release(app_file(APP, "r2"), "Release r2")
    await made.look()
    await made.run_until(APP, "succeeded", count=2)
    yield made
    await made.stop()


def local(world: World) -> LocalLastgood:
    return LocalLastgood(
        [world.branch()],
        renderer=world.renderer,
        clock=world.clock,
        store=world.store,
        agent=world.agent,
        observed=world.agent.observed,
        targets={"twin": world.target}.get,
        sources=world.sources,
    )


@pytest.fixture(params=["local", "remote"])
async def lastgood(request, world):
    """One Lastgood, and the same over HTTP."""
    here = local(world)
    if request.param == "local":
        yield here
        return
    access = Access(token=TOKEN, operator=OPERATOR, session_key="0" * 64, hosts=("127.0.0.1",))
    web = create_web(here, world.store, access=access, clock=world.clock, version="0")
    transport = httpx2.ASGITransport(app=web)
    async with RemoteLastgood("http://127.0.0.1", TOKEN, transport=transport) as there:
        yield there


async def test_applications_say_what_runs(lastgood):
    """Health, sync, desired and running of each application, by name."""
    apps = await lastgood.apps()

    assert [app.name for app in apps] == [APP, "web-staging"]
    assert {(app.health, app.sync, app.renderer, app.held, app.paused) for app in apps} == {
        ("Healthy", "Synced", "process-compose", 0, False)
    }
    assert apps[0].desired == apps[0].running
    assert apps[0].desired.subject == "Release r2"


async def test_status_shows_the_last_deployment(lastgood):
    """One application in full; an unknown one is an error with the nearest names."""
    status = await lastgood.status(APP)
    assert (status.deployment.number, status.deployment.outcome) == (2, "succeeded")

    with pytest.raises(UnknownApplication) as wrong:
        await lastgood.status("web-productoin")
    assert wrong.value.facts["nearest"] == [APP]
    assert wrong.value.exit_code == 5


async def test_what_left_git_and_was_not_deleted_is_told(lastgood, world):
    """In its record, and with the application also while a later deployment is not applied."""
    path = "apps/web/production/process-compose.yaml"
    careful = CONFIG.replace("{bake: 60s}", "{bake: 60s, prune: false}")
    both = compose("r2").replace("processes: {", 'processes: {worker: {command: "work", working_dir: "."}, ')
    await world.release({"lastgood.yaml": careful, path: both.replace('web: "r2"', 'web: "r2", worker: "r2"')}, "Two")
    await world.look()
    await world.run_until(APP, "succeeded", count=3)
    assert (await lastgood.status(APP)).left == ()
    await world.release({path: compose("r2")}, "One")
    await world.look()
    await world.run_until(APP, "succeeded", count=4)
    world.target.half_apply(APP, "web", fault="version")
    await world.release({path: compose("r3")}, "None")
    await world.look()
    await world.run_until(APP, "failed", count=5)

    (left,) = (await lastgood.status(APP)).left
    assert (left.kind, left.name, left.outcome) == ("Process", "worker", "left")
    assert left.message == "left Git and stays: prune is off"
    assert left in (await lastgood.show(APP, "n4")).deployment.resources


async def test_a_timeline_tells_deployments_newest_first(lastgood):
    """Each attempt is an entry with its number, outcome and images; the newest is current."""
    entries = await lastgood.timeline(TimelineQuery(app=APP))

    assert [(e.number, e.deployment.outcome, e.subject, e.ran) for e in entries] == [
        (2, "succeeded", "Release r2", True),
        (1, "succeeded", "Release r1", True),
    ]
    assert [e.current for e in entries] == [True, False]
    assert [(i.name, i.from_, i.to) for i in entries[0].images] == [("web", "r1", "r2")]


async def test_features_lie_between_two_versions(lastgood):
    """By default between the previous and the current one; the other way round they leave; nothing else is guessed."""
    found = await lastgood.features(APP)
    assert [(one.id, one.title) for one in found.entered] == [("PR-7", "feat: wishlist")]
    assert (found.left, found.unknown) == ((), ())
    assert (found.from_.subject, found.to.subject) == ("Release r1", "Release r2")

    back = await lastgood.features(APP, "current", "n1")
    assert ([one.id for one in back.left], back.entered) == (["PR-7"], ())

    with pytest.raises(NoPrevious):
        await lastgood.features("web-staging")


async def test_settings_are_told_apart_from_features(lastgood, world):
    """What the config repo changed beside images, and its commits: between two versions and of one record."""
    found = await lastgood.features(APP)
    assert found.settings.changes == ()
    assert ([one.subject for one in found.config_entered], found.config_left) == (["Release r2"], ())

    raised = compose("r2").replace('command: "run"', 'command: "run --workers 4"')
    assert raised != compose("r2")
    await world.release({"apps/web/production/process-compose.yaml": raised}, "Four workers")
    await world.look()
    await world.run_until(APP, "succeeded", count=3)
    found = await lastgood.features(APP)
    assert [(c.name, c.path, c.before, c.after) for c in found.settings.changes] == [
        ("web", "spec.argv", '["/bin/sh", "-c", "run"]', '["/bin/sh", "-c", "run --workers 4"]')
    ]
    assert (found.entered, [one.subject for one in found.config_entered]) == ((), ["Four workers"])
    assert (await lastgood.show(APP, "current")).settings == found.settings
    assert (await lastgood.show(APP, "n1")).settings.unknown == "there is no version before it"
    assert (await lastgood.timeline(TimelineQuery(app=APP)))[0].settings is None
    back = await lastgood.features(APP, "current", "n1")
    assert [one.subject for one in back.config_left] == ["Four workers", "Release r2"]

    keep = KeepSettings(
        store=world.store,
        renderer=world.renderer,
        repos={world.repo.name: world.repo},
        discovered=world.agent.discovered,
        clock=world.clock,
    )
    assert await keep.look() == 4
    (newest,) = await lastgood.timeline(TimelineQuery(search="workers argv"))
    assert (newest.number, newest.settings) == (3, found.settings)
    assert await lastgood.show(APP, "n3") == newest


async def test_where_a_feature_is(lastgood):
    """Contained where the version with it runs, since its deployment; not contained elsewhere; unknown is exit 5."""
    found = {one.app: one for one in await lastgood.where("PR-7")}
    runs = await lastgood.timeline(TimelineQuery(app=APP))
    assert (found[APP].contains, found[APP].since) == (True, runs[0].deployment.started_at)
    assert found[APP].environment == "production"
    assert found["web-staging"].contains is False

    chain = found[APP].chain
    assert (chain.pull_request.id, chain.feature.title, chain.source.repo) == ("PR-7", "feat: wishlist", "o/shop")
    assert [(one.name, one.reference) for one in chain.images] == [("web", "r2")]
    assert (chain.config.subject, chain.config.path) == ("Release r2", "apps/web/production")
    assert (chain.deployment.number, chain.deployment.started_at) == (2, runs[0].deployment.started_at)
    assert (chain.left, set(chain.unknown)) == (None, {"build"})
    there = found["web-staging"].chain
    assert (there.source, there.config, there.deployment, there.unknown) == (chain.source, None, None, {})

    assert [one.contains for one in await lastgood.where("#8")] == [False, False]
    with pytest.raises(UnknownFeature) as wrong:
        await lastgood.where("PR-77")
    assert wrong.value.exit_code == 5
    assert (wrong.value.message, wrong.value.hint) == ("there is no PR-77 in o/shop", "did you mean PR-7, PR-8?")
    with pytest.raises(UnknownFeature, match="no wihslist in") as wrong:
        await lastgood.where("wihslist")
    assert wrong.value.facts["nearest"] == ["PR-7 (feat: wishlist)"]


@pytest.mark.parametrize("nothing", ["", "  "])
async def test_where_asks_for_something(lastgood, nothing):
    """No name is no question."""
    with pytest.raises(CommandLineWrong, match=r"needs a feature|is empty"):
        await lastgood.where(nothing)


async def test_where_takes_the_address_of_a_page(lastgood):
    """Of a pull request or a commit of that source repo; one of another repo is told apart."""
    plain = await lastgood.where("PR-7")
    for page in ("https://git.example.com/o/shop/pull/7/files", "https://git.example.com/o/shop/-/merge_requests/7"):
        assert await lastgood.where(page) == plain, page
    commit = f"https://git.example.com/o/shop/commit/{plain[0].via}"
    assert [one.contains for one in await lastgood.where(commit)] == [True, False]
    with pytest.raises(UnknownFeature) as wrong:
        await lastgood.where("https://git.example.com/o/other/pull/7")
    assert wrong.value.message == (
        "git.example.com/o/other is no source repo of what runs here, which is built from o/shop"
    )


async def test_since_names_a_deployment_that_reached_its_target(world, lastgood):
    """One whose target failed before anything was done brought nothing; the next one of the same version did."""
    history = world.sources.history
    world.sources.revisions["r3"] = await history.commit(
        "feat: coupons (#9)", {"b": "1"}, [world.sources.revisions["r2"]]
    )
    world.target.fail_apply(APP, refuse=True)
    await world.release(app_file(APP, "r3"), "Release r3")
    await world.look()
    await world.run_until(APP, "failed", count=3)
    found = {one.app: one for one in await lastgood.where("PR-9")}
    assert (found[APP].contains, found[APP].deployment) == (False, 1), "it still runs r2"

    await world.release({"apps/web/production/note.txt": "once more"}, "Once more")
    await world.look()
    await world.run_until(APP, "succeeded", count=4)
    found = {one.app: one for one in await lastgood.where("PR-9")}
    assert (found[APP].contains, found[APP].deployment) == (True, 4)
    assert found[APP].chain.deployment.number == 4

    world.target.fail_apply(APP, refuse=True)
    await world.release({"apps/web/production/note.txt": None}, "As n3")
    await world.look()
    await world.run_until(APP, "failed", count=5)
    await world.release({"apps/web/production/note.txt": "once more"}, "As n4")
    await world.look()
    await world.run_until(APP, "succeeded", count=6)
    found = {one.app: one for one in await lastgood.where("PR-9")}
    assert (found[APP].contains, found[APP].deployment) == (True, 4)


async def test_where_an_image_is(world, lastgood):
    """Since which deployment; an image that nobody ran is known by what it was built from; else nobody knows it."""
    found = {one.app: one for one in await lastgood.where("web:r1")}
    assert [(one.contains, one.deployment) for one in found.values()] == [(True, 1), (True, 1)]
    found = {one.app: one for one in await lastgood.where("web:r2")}
    assert (found[APP].contains, found[APP].deployment, found[APP].reason) == (True, 2, "it runs this very image")
    assert (found["web-staging"].contains, found["web-staging"].deployment) == (False, 1)

    assert await lastgood.where("r2") == list(found.values()), "the tag alone is enough where one image had it"

    elsewhere = await lastgood.where("registry.example/shop/web:r2")
    assert [(one.contains, one.deployment) for one in elsewhere] == [(True, 2), (False, 1)]
    with pytest.raises(UnknownFeature) as wrong:
        await lastgood.where("web:r9")
    assert wrong.value.message == "nothing here ran web:r9: no revision is known of r9"
    assert wrong.value.hint == "did you mean web:r2, web:r1?"
    with pytest.raises(UnknownFeature) as wrong:
        await lastgood.where(f"sha256:{'0' * 64}")
    assert wrong.value.facts["nearest"] == []


async def test_the_figures_are_counted_from_the_records(world, lastgood):
    """Of everything, of a part, of nothing there is; a typo is exit 5, and a period without an end is refused."""
    view = await lastgood.figures(FiguresQuery())
    assert (view.figures.deployments, view.figures.change_fail_rate.count) == (3, 0)
    assert (await lastgood.figures(FiguresQuery(app=APP, environment="production"))).figures.deployments == 2
    assert (await lastgood.figures(FiguresQuery(group="web"))).figures.deployments == 3
    by = await lastgood.figures(FiguresQuery(by="environment"))
    assert [(part.name, part.figures.deployments) for part in by.parts] == [("production", 2), ("staging", 1)]
    past = await lastgood.figures(FiguresQuery(until=world.clock.now() - dt.timedelta(days=1)))
    assert past.figures.deployments == 0

    for query in (FiguresQuery(app="wbe-production"), FiguresQuery(environment="prod"), FiguresQuery(group="wbe")):
        with pytest.raises(Unknown) as wrong:
            await lastgood.figures(query)
        assert wrong.value.exit_code == 5


async def test_a_period_that_nothing_can_be_counted_in_is_refused(world, lastgood):
    """One that is still to come, one that ends before it begins, one that is too long; what is to come is cut off."""
    now, day = world.clock.now(), dt.timedelta(days=1)
    for since, until, said in (
        (now + day, None, "begins on .* which lies in the future"),
        (now + day, now + 2 * day, "begins on .* which lies in the future"),
        (now, now, "has no time in it"),
        (now - day, now - 2 * day, "has no time in it"),
        (now - 1_200 * day, None, "is longer than 1098 days"),
    ):
        with pytest.raises(CommandLineWrong, match=said) as wrong:
            await lastgood.figures(FiguresQuery(since=since, until=until))
        assert wrong.value.exit_code == 2
    until = (await lastgood.figures(FiguresQuery(until=now + 900 * day))).figures.until
    assert until <= world.clock.now()


async def test_a_rollback_of_no_application_is_refused(lastgood):
    """Whoever asks by the API may name none."""
    request = RollbackRequest(apps=(), previous=True)
    for asked in (lastgood.plan, lastgood.rollback):
        with pytest.raises(CommandLineWrong, match="no application is named"):
            await asked(request)


async def test_two_environments_are_compared_by_what_runs_in_them(world, lastgood):
    """What production has and staging lacks, since when; the other way round; equal to itself; a typo is exit 5."""
    view = await lastgood.compare("production", "staging")
    (web,) = view.applications
    assert (web.group, web.app, web.other_app) == ("web", APP, "web-staging")
    assert [(one.feature.id, one.since) for one in web.only] == [("PR-7", None)], "not kept yet"
    assert [[one.reference for one in images] for images in (web.images, web.other_images)] == [["r2"], ["r1"]]
    assert (web.only_other, web.unknown, web.alike) == ((), (), False)

    keep = KeepFeatures(store=world.store, sources=world.sources, declared=lambda _: (), clock=world.clock)
    assert await keep.look() > 0
    (web,) = (await lastgood.compare("production", "staging")).applications
    began = (await lastgood.timeline(TimelineQuery(app=APP)))[0].deployment.started_at
    assert [(one.feature.id, one.since) for one in web.only] == [("PR-7", began)]
    (back,) = (await lastgood.compare("staging", "production")).applications
    assert ([one.feature.id for one in back.only_other], back.only) == (["PR-7"], ())
    (same,) = (await lastgood.compare("staging", "staging")).applications
    assert same.alike

    with pytest.raises(Unknown) as wrong:
        await lastgood.compare("stagin", "production")
    assert (wrong.value.exit_code, wrong.value.hint) == (5, "did you mean staging?")


async def test_what_is_not_known_of_a_source_is_said(world, lastgood):
    """An image without a revision makes the answer unknown, with the reason; never an error."""
    del world.sources.revisions["r2"]

    found = {one.app: one for one in await lastgood.where("PR-8")}
    assert (found[APP].contains, found[APP].since) == (None, None)
    assert found[APP].reason == "web: no revision is known of r2; no deployment on record names PR-8"
    assert [(one.image, one.reason) for one in (await lastgood.features(APP)).unknown] == [
        ("web", "no revision is known of r2")
    ]


async def test_the_records_tell_where_the_source_repo_is_gone(world, lastgood):
    """Which deployment brought it, and what lies between two versions; what they cannot know is unknown, and said."""
    keep = KeepFeatures(store=world.store, sources=world.sources, declared=lambda _: (), clock=world.clock)
    await keep.look()
    before = {one.app: one for one in await lastgood.where("PR-7")}[APP]
    world.sources.away = True

    for asked in ("PR-7", "#7", "wishlist", before.via[:9]):
        found = {one.app: one for one in await lastgood.where(asked)}
        has = found[APP]
        assert (has.contains, has.deployment, has.since, has.via) == (True, 2, before.since, before.via), asked
        assert (has.reason, has.recorded) == ("by its deployment records: n2 brought it", True)
        assert (has.chain.pull_request.id, has.chain.source) == ("PR-7", None)
        assert has.chain.unknown["source"] == "web: no revision is known of r2"
        assert (has.chain.deployment.number, has.chain.config.subject) == (2, "Release r2")
        unsure = found["web-staging"]
        assert (unsure.contains, unsure.since, unsure.chain) == (None, None, None)
        assert unsure.reason == (
            "by its deployment records: n1 may have brought it: web is new with it; web: no revision is known of r1"
        )

    view = await lastgood.features(APP)
    assert [one.id for one in view.entered] == ["PR-7"]
    assert (view.left, view.unknown) == ((), ())
    assert [(one.image, one.reason) for one in view.recorded] == [("web", "no revision is known of r2")]
    back = await lastgood.features(APP, "current", "n1")
    assert ([one.id for one in back.left], back.entered) == (["PR-7"], ())
    assert {one.contains for one in await lastgood.where("PR-99")} == {None}

    (web,) = (await lastgood.compare("production", "staging")).applications
    assert ([one.feature.id for one in web.only], web.only_other, web.unknown) == (["PR-7"], (), ())
    assert [(one.image, one.reason) for one in web.recorded] == [("web", "no revision is known of r2")]


async def test_a_tag_that_was_moved_changes_nothing_of_what_ran(world, lastgood):
    """What runs was built before: where, features and compare speak of the revisions that the records keep."""
    history, revisions = world.sources.history, world.sources.revisions
    late = await history.commit("feat: coupons (#9)", {"b": "1"}, [revisions["r2"]])
    await history.refresh()
    keep = KeepFeatures(store=world.store, sources=world.sources, declared=lambda _: (), clock=world.clock)
    await keep.look()
    was = revisions["r2"]
    revisions |= {"r1": late, "r2": late}

    has = {one.app: (one.contains, one.deployment, one.recorded) for one in await lastgood.where("PR-7")}
    assert has == {APP: (True, 2, False), "web-staging": (False, 1, False)}
    assert {one.contains for one in await lastgood.where("PR-9")} == {False}
    by_image = {one.app: one for one in await lastgood.where("web:r2")}
    assert ([one.revision for one in by_image[APP].images], by_image[APP].via) == ([was], was)
    assert by_image["web-staging"].contains is False
    view = await lastgood.features(APP)
    assert ([one.id for one in view.entered], view.left, view.recorded) == (["PR-7"], (), ())
    (web,) = (await lastgood.compare("production", "staging")).applications
    assert ([one.feature.id for one in web.only], web.only_other) == (["PR-7"], ())


async def test_one_version_has_what_its_tag_meant_in_each_environment(world, lastgood):
    """The same files ran twice, and the tag in them was moved in between: these are two builds, and compare says so."""
    history, revisions = world.sources.history, world.sources.revisions
    late = await history.commit("feat: coupons (#9)", {"b": "1"}, [revisions["r2"]])
    await history.refresh()
    keep = KeepFeatures(store=world.store, sources=world.sources, declared=lambda _: (), clock=world.clock)
    await keep.look()
    revisions["r2"] = late
    await world.release(app_file("web-staging", "r2"), "Release r2 in staging")
    await world.look()
    await world.run_until("web-staging", "succeeded", count=2)
    await keep.look()

    (web,) = (await lastgood.compare("staging", "production")).applications
    assert web.version.version == web.other_version.version
    assert ([one.feature.id for one in web.only], web.only_other) == (["PR-9"], ())
    (back,) = (await lastgood.compare("production", "staging")).applications
    assert ([one.feature.id for one in back.only_other], back.only) == (["PR-9"], ())
    found = {one.app: (one.contains, one.via) for one in await lastgood.where("web:r2")}
    assert found["web-staging"] == (True, late)

    world.sources.away = True
    (web,) = (await lastgood.compare("staging", "production")).applications
    reason = "r2 was moved between the two deployments; no revision is known of r2"
    assert ([(one.image, one.reason) for one in web.unknown], web.alike) == ([("web", reason)], False)


async def test_a_version_that_never_ran_is_asked_for_where_it_is_now(world, lastgood):
    """What Git asks for before anybody deployed it has no record: its tag tells, wherever that was moved."""
    keep = KeepFeatures(store=world.store, sources=world.sources, declared=lambda _: (), clock=world.clock)
    await keep.look()
    history, revisions = world.sources.history, world.sources.revisions
    revisions["r3"] = await history.commit("feat: coupons (#9)", {"b": "1"}, [revisions["r2"]])
    await history.refresh()
    await world.store.pause(Pause(scope="everything", name=None, reason="", by="Ines Ops", since=world.clock.now()))
    await world.release(app_file(APP, "r3"), "Release r3")
    await world.look()
    assert [one.id for one in (await lastgood.features(APP, "n2", "current")).entered] == ["PR-9"]
    revisions["r3"] = revisions["r2"]
    assert (await lastgood.features(APP, "n2", "current")).entered == ()


async def test_what_is_current_is_the_run_that_the_timeline_calls_so(lastgood, world):
    """Also where the version was deployed anew for another definition, by a later commit."""
    await world.release({"lastgood.yaml": CONFIG.replace("60s", "90s")}, "Bake longer")
    await world.look()
    await world.run_until(APP, "succeeded", count=3)
    newest = (await lastgood.timeline(TimelineQuery(app=APP)))[0]
    shown = await lastgood.show(APP, "current")
    assert (newest.current, newest.deployment.trigger) == (True, "definition")
    assert (shown.number, shown.commit) == (newest.number, newest.commit)
    # By the commit that brought the version, its own run is found.
    assert (await lastgood.show(APP, newest.same_as)).commit == newest.same_as


async def test_a_timeline_goes_on_where_a_page_ended(lastgood):
    """`before` with the cursor of the last entry gives the next ones, without gap or repetition."""
    whole = await lastgood.timeline(TimelineQuery())
    paged, mark = [], None
    while page := await lastgood.timeline(TimelineQuery(limit=1, before=mark)):
        paged += page
        mark = page[-1].cursor

    assert [(e.app, e.number) for e in paged] == [(e.app, e.number) for e in whole]
    assert len(whole) == 3


async def test_a_timeline_is_filtered(lastgood):
    """By environment, words and outcome."""
    by_environment = await lastgood.timeline(TimelineQuery(environment="staging"))
    by_words = await lastgood.timeline(TimelineQuery(app=APP, search="RELEASE r2"))
    by_outcome = await lastgood.timeline(TimelineQuery(app=APP, outcome="failed"))

    assert [e.app for e in by_environment] == ["web-staging"]
    assert [e.number for e in by_words] == [2]
    assert by_outcome == []


async def test_one_record_is_found_by_every_kind_of_version(lastgood):
    """`n1`, `previous`, a commit and a version id name the same record."""
    first = await lastgood.show(APP, "n1")

    for text in ("previous", first.commit, first.commit[:12], first.version):
        assert (await lastgood.show(APP, text)).number == 1
    with pytest.raises(UnknownVersion):
        await lastgood.show(APP, "n9")


async def test_a_difference_is_rendered(lastgood):
    """Files and resources that differ between two versions."""
    view = await lastgood.diff(APP, "n1", None)

    assert (view.from_.subject, view.to.subject) == ("Release r1", "Release r2")
    assert view.rendered is True
    assert [file.path for file in view.files] == ["apps/web/production/process-compose.yaml"]
    assert view.resources


async def test_a_plan_changes_nothing(lastgood, world):
    """A plan names both versions and the files; Git stays as it is."""
    before = dict(world.remote.refs)
    plan = await lastgood.plan(RollbackRequest(apps=(APP,), previous=True))

    assert (plan.applications[0].from_.subject, plan.applications[0].to.subject) == ("Release r2", "Release r1")
    assert plan.result.commit is None
    assert world.remote.refs == before


async def test_a_rollback_is_one_commit_that_the_agent_follows(lastgood, world):
    """What was planned is pushed; the deployment that follows is a rollback, and waiting sees it Healthy."""
    request = RollbackRequest(apps=(APP,), previous=True, reason="slow", by=OPERATOR)
    plan = await lastgood.plan(request)
    done = await lastgood.rollback(request, planned=plan)

    assert done.result.pushed is True
    assert world.remote.refs["refs/heads/main"] == done.result.commit
    run = await world.run_until(APP, "succeeded", count=3)
    assert (run.trigger, run.version) == ("rollback", plan.applications[0].version)
    waited = await lastgood.wait_healthy(done, timeout_s=0)
    assert (waited.healthy, waited.outcome) == (True, {APP: "succeeded"})
    newest = (await lastgood.timeline(TimelineQuery(app=APP)))[0]
    assert newest.operation.kind == "rollback"
    assert newest.operation.recorded is True
    assert [e.held for e in await lastgood.timeline(TimelineQuery(app=APP))] == [False, True, False]
    assert (await lastgood.operation(newest.operation.id)).reason == "slow"


async def test_a_blocked_rollback_says_which_check(lastgood, world):
    """A commit of an unmerged branch blocks; the error has its exit code and names wherever it comes from."""
    strange = await world.remote.commit_files(
        "other", app_file(APP, "r9"), parents=(world.remote.refs["refs/heads/main"],)
    )
    world.repo.objects.bring(world.remote.objects, strange)
    with pytest.raises(Blocked) as blocked:
        await lastgood.rollback(RollbackRequest(apps=(APP,), to=strange, by=OPERATOR))

    assert blocked.value.exit_code == 3
    assert "not-on-branch" in blocked.value.facts["checks"]


async def test_where_no_version_is_good_that_is_said(lastgood):
    """No version has baked: exit 5, and `--previous` is named."""
    with pytest.raises(NoLastGood) as none:
        await lastgood.plan(RollbackRequest(apps=(APP,)))
    assert none.value.exit_code == 5
    assert "--previous" in none.value.hint


async def test_a_pause_is_in_force_until_it_ends(lastgood):
    """Pause returns what is paused, the application shows it, and resume ends it."""
    request = PauseRequest(scope="application", name=APP, reason="the database moves", by=OPERATOR)
    paused = await lastgood.pause(request)

    assert [(p.scope, p.name, p.reason) for p in paused] == [("application", APP, "the database moves")]
    assert [app.paused for app in await lastgood.apps()] == [True, False]
    assert await lastgood.resume(request) == []


async def test_the_agent_looks_and_presses(lastgood):
    """`sync` names the repos looked at; `retry` of what runs well starts nothing."""
    assert await lastgood.sync(None) == ["config"]
    pressed = await lastgood.retry(PressRequest(app=APP, by=OPERATOR), dry_run=True)
    assert pressed.started is False


async def test_a_tree_shows_what_runs(lastgood):
    """What the target says of the application's parts; an unknown application is an error."""
    tree = await lastgood.tree(APP)
    assert [(node.id, node.kind, node.name, node.asked, node.health) for node in tree.nodes] == [
        ("/Process//web", "Process", "web", True, "Healthy")
    ]
    for ask in (lastgood.tree, lastgood.services):
        with pytest.raises(UnknownApplication):
            await ask("web-productoin")


async def test_services_name_the_deployment_that_changed_them_last(lastgood, world):
    """Its number, commit and author; a deployment that left a service as it was does not count."""
    (told,) = (await lastgood.services(APP)).services
    assert (told.name, told.ready, told.pods) == ("web", 1, ("web",))
    assert (told.last_change.number, told.last_change.subject, told.last_change.trigger) == (2, "Release r2", "commit")

    world.target.fail_apply(APP, refuse=True)
    await world.release(app_file(APP, "r3"), "Release r3")
    await world.look()
    await world.run_until(APP, "failed", count=3)
    (told,) = (await lastgood.services(APP)).services
    assert told.last_change.number == 2


async def test_a_pod_tells_its_log_and_its_events(lastgood, world):
    """As long as asked for; a pod that is not the application's is unknown on both sides."""
    world.target.logs[APP, "web"] = "one\ntwo\nthree\n"
    event = PodEvent(
        at=world.clock.now(),
        first_at=None,
        count=2,
        type="Warning",
        reason="BackOff",
        message="again",
        source="kubelet",
    )
    world.target.events[APP, "web"] = (event,)

    log = await lastgood.pod_log(PodLogRequest(app=APP, pod="web", tail_lines=2, previous=True))
    assert (log.text, log.cut, log.previous) == ("two\nthree\n", False, True)
    assert await lastgood.pod_events(APP, "web") == [event]
    for namespace in (None, "elsewhere"):
        with pytest.raises(UnknownPod) as unknown:
            await lastgood.pod_events(APP, "web" if namespace else "..web", namespace=namespace)
        assert unknown.value.exit_code == 5
    with pytest.raises(UnknownPod):
        await lastgood.pod_log(PodLogRequest(app=APP, pod="nobody's"))


@pytest.mark.parametrize("words", [{"tail_lines": 0}, {"tail_lines": 5001}, {"limit_bytes": 0}, {"limit_bytes": 2**21}])
async def test_a_log_longer_than_is_read_is_refused(lastgood, words):
    """The bounds are the same on both sides."""
    with pytest.raises(CommandLineWrong, match="is from 1 to"):
        await lastgood.pod_log(PodLogRequest(app=APP, pod="web", **words))


async def test_without_the_agent_nobody_knows_what_is_alive(world):
    """A dashboard apart from its agent, and a destination that the settings lost, say so."""
    here = local(world)
    apart = LocalLastgood(here._branches, renderer=world.renderer, clock=world.clock, store=world.store)
    with pytest.raises(NeedsServer, match="in the memory of the agent"):
        await apart.tree(APP)
    clone = LocalLastgood(here._branches, renderer=world.renderer, clock=world.clock)
    with pytest.raises(NeedsServer, match="needs a running lastgood server"):
        await clone.services(APP)
    lost = LocalLastgood(
        here._branches,
        renderer=world.renderer,
        clock=world.clock,
        store=world.store,
        targets={}.get,
    )
    with pytest.raises(SettingsWrong, match="there is no destination twin"):
        await lost.services(APP)


async def test_an_agent_that_hangs_keeps_no_rollback_waiting(world, monkeypatch):
    """What was pushed is told at once, and the look goes on by itself."""
    looking = asyncio.Event()

    class Hanging:
        async def look(self, _repo):
            looking.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(local_lastgood, "LOOK_S", 0.01)
    here = LocalLastgood(
        [world.branch()], renderer=world.renderer, clock=world.clock, store=world.store, agent=Hanging()
    )
    plan = await here.rollback(RollbackRequest(apps=(APP,), to="n1", reason="x", by=OPERATOR))
    assert looking.is_set()
    assert plan.result.commit == await world.repo.fetch("main")


async def test_an_operation_that_nobody_knows_is_an_error(lastgood):
    """Exit code 5 on both sides."""
    with pytest.raises(UnknownOperation) as unknown:
        await lastgood.operation("no-such-operation")
    assert unknown.value.exit_code == 5


async def test_what_is_wrong_in_a_repo_is_told_with_its_line(lastgood, world):
    """A broken lastgood.yaml is a problem with file, line and reason; applications go on being shown."""
    assert await lastgood.problems() == []
    await world.release({"lastgood.yaml": b"version: 1\napplications:\n  - nam: x\n"}, "Break it")
    await world.look()

    found = await lastgood.problems(APP)
    assert [(one.file, one.line, one.app) for one in found] == [("lastgood.yaml", 3, None)]
    assert "nam" in found[0].reason
    assert found[0].hint.startswith("until it is mended nothing new is deployed, and what runs keeps running")
    assert [app.name for app in await lastgood.apps()] == [APP, "web-staging"]


async def test_a_repo_that_cannot_be_reached_is_a_problem_without_a_file(lastgood, world):
    """What is shown may be old then, and somebody should know."""
    (repo,) = await world.store.repos()
    gone = msgspec.structs.replace(repo, state="unreachable", message="the network is down")
    await world.store.save_repo(gone)

    (told,) = await lastgood.problems()
    assert (told.file, told.reason) == ("", f"the repo {repo.name} is unreachable: the network is down")
    assert told.hint == "what runs keeps running, and it is asked again; `lastgood doctor` says what is wrong"


async def test_a_repo_without_a_commit_is_one_state_and_no_wrong_file(lastgood, world):
    """Nobody can have made a mistake in a file of a repo that is empty."""
    (repo,) = await world.store.repos()
    world.remote.set("refs/heads/main", None)
    await world.look()

    (told,) = await lastgood.problems()
    assert (told.file, told.reason) == ("", f"the repo {repo.name} is empty: {world.remote.url} has no branch main")
    assert "push" in told.hint


async def test_a_broken_repo_without_a_mistake_in_its_file_is_told_too(lastgood, world):
    """A full disk, or a loss of many applications, has no line in lastgood.yaml, and must not pass in silence."""
    (repo,) = await world.store.repos()
    full = "git fetch failed: No space left on device"
    await world.store.save_repo(msgspec.structs.replace(repo, state="broken", message=full))
    assert [(one.file, one.reason, one.repo) for one in await lastgood.problems(APP)] == [
        ("", f"the repo {repo.name} is broken: {full}", repo.name)
    ]


async def test_what_does_not_run_what_git_asks_for_is_out_of_sync(lastgood, world):
    """Nothing drifted, and yet the version at the head does not run: it does not render."""
    await world.release({"apps/web/production/process-compose.yaml": "processes: ["}, "Break it")
    await world.look()
    await world.run_until(APP, "failed", count=3)

    (app,) = [one for one in await lastgood.apps() if one.name == APP]
    assert (app.health, app.sync) == ("Healthy", "OutOfSync")
    assert app.desired.version != app.running.version


async def test_drift_is_told_apart_from_what_is_unwell(lastgood, world):
    """What is Healthy and not as asked for says so beside its sync. Paused, nothing mends it."""
    await lastgood.pause(PauseRequest(scope="application", name=APP, reason="the database moves", by=OPERATOR))
    world.target.drift(APP, "web")
    await world.agent.changed(None)

    async def seen():
        return (await world.record(APP)).sync == "OutOfSync"

    await world.until(seen)
    status = await lastgood.status(APP)
    assert (status.application.health, status.application.sync, status.health_message) == ("Healthy", "OutOfSync", "")
    assert status.sync_message == "web was taken away, last by somebody"


async def test_a_state_that_needs_a_person_says_what_to_do(lastgood, world):
    """What is gone keeps running until one command ends that; a folder that is missing can be put there."""
    single = f"{CONFIG}  - {{name: solo, path: nowhere, destination: twin}}\n"
    await world.release({"lastgood.yaml": single}, "An entry without a folder")
    await world.release(dict.fromkeys(app_file("web-staging", "r1")), "Take staging away")
    await world.look()

    said = {app.name: app.message for app in await lastgood.apps()}
    assert said["solo"].startswith("its path nowhere is missing; put a folder there")
    assert said["web-staging"].endswith("keeps running; `lastgood forget web-staging --prune` ends that")


async def test_what_was_forgotten_comes_back_by_its_number(lastgood, world):
    """Its records stay: a deployment's number still plans the way back, and `status` says where to look."""
    await world.release({"apps/web/staging/process-compose.yaml": None}, "Remove it")
    await world.look()
    assert (await lastgood.status("web-staging")).policy == Policy(bake_s=60)
    for forgotten in (False, True):
        if forgotten:
            await lastgood.forget("web-staging", prune=True)
        plan = await lastgood.plan(RollbackRequest(apps=("web-staging",), to="n1"))
        assert [one.path for one in plan.applications[0].files] == ["apps/web/staging/process-compose.yaml"]
        with pytest.raises(UnknownVersion):
            await lastgood.plan(RollbackRequest(apps=("web-staging",), to="n7"))
        with pytest.raises(UnknownApplication, match="was forgotten" if forgotten else "keeps running") as asked:
            await lastgood.plan(RollbackRequest(apps=("web-staging",)))
        assert "`lastgood plan web-staging --to nN`" in asked.value.hint

    with pytest.raises(UnknownApplication, match="gone from Git and was forgotten") as gone:
        await lastgood.status("web-staging")
    assert "lastgood timeline web-staging" in gone.value.hint
