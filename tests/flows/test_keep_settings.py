"""Each record keeps the settings that its deployment changed, is found by them, and holds no secret."""

import msgspec
import pytest

from lastgood.core.errors import RenderFailed, TargetFailed
from lastgood.core.record import DeploymentQuery
from lastgood.core.timeline import TimelineQuery
from lastgood.flows.keep_settings import AGAIN, AT_MOST, OLDER, SOON, KeepSettings
from lastgood.local.lastgood import LocalLastgood
from twins.agent_world import CONFIG, World
from twins.store import NOON, make_deployment

APP = "web-production"
FILE = "apps/web/production/process-compose.yaml"
SECRET = "hunter2-is-a-secret"


def compose(command="run", **environment):
    told = ", ".join(f'"{name}={value}"' for name, value in environment.items())
    return (
        'x-lastgood: {artifacts: {web: "r1"}}\n'
        f'processes: {{web: {{command: "{command}", working_dir: ".", environment: [{told}]}}}}\n'
    )


class CountingRenderer:
    """A renderer that counts what is asked of it, and fails with what it is told to fail with."""

    def __init__(self, renderer):
        self._renderer = renderer
        self.asked = 0
        self.wrong = None

    async def kind(self, *about):
        return await self._renderer.kind(*about)

    async def render(self, *about):
        self.asked += 1
        if self.wrong is not None:
            raise self.wrong
        return await self._renderer.render(*about)


class Kept:
    """An agent among twins, and who keeps settings beside it."""

    def __init__(self, world):
        self.world = world
        self.renderer = CountingRenderer(world.renderer)
        self.repos = {world.repo.name: world.repo}
        self.discovered = world.agent.discovered
        self.count = 0

    def keep(self):
        return KeepSettings(
            store=self.world.store,
            renderer=self.renderer,
            repos=self.repos,
            discovered=self._discovered,
            clock=self.world.clock,
        )

    def _discovered(self, repo):
        return self.discovered(repo)

    async def release(self, text, config=CONFIG):
        await self.world.release({"lastgood.yaml": config, FILE: text}, "Release")
        await self.world.look()
        self.count += 1
        return await self.world.run_until(APP, "succeeded", count=self.count)

    def lastgood(self):
        world = self.world
        return LocalLastgood(
            [world.branch()], renderer=self.renderer, clock=world.clock, store=world.store, agent=world.agent
        )

    async def settings(self, number):
        run = await self.world.store.deployment(APP, number)
        return (await self.world.store.settings([run.id]))[run.id]


@pytest.fixture
async def kept():
    world = World()
    await world.start()
    yield Kept(world)
    await world.stop()


async def test_a_record_keeps_what_its_deployment_changed(kept):
    """A new flag, and nothing but it; the first deployment has nothing before it, and a return has the way back."""
    await kept.release(compose())
    await kept.release(compose(FLAG="on"))
    await kept.release(compose())
    assert await kept.keep().look() == 3
    assert await kept.keep().look() == 0

    assert (await kept.settings(1)).settings.unknown == "there is no version before it"
    told = [[(c.path, c.before, c.after) for c in (await kept.settings(n)).settings.changes] for n in (2, 3)]
    assert told == [[("spec.environment.FLAG", None, "on")], [("spec.environment.FLAG", "on", None)]]
    events = [event.payload for event in await kept.world.store.events(after=0) if event.kind == "settings"]
    assert events == [{"number": 2, "changes": 1}, {"number": 3, "changes": 1}]
    first = await kept.world.store.deployment(APP, 1)
    assert (await kept.settings(2)).before == first.version


async def test_they_are_shown_and_found_without_a_render(kept):
    """By `show`, `timeline` and `features`, when nothing renders any more, too; the search finds names and values."""
    await kept.release(compose())
    await kept.release(compose("run --workers 4", MEMORY_LIMIT="512Mi"))
    await kept.keep().look()
    kept.renderer.wrong = RenderFailed(app=APP, file=None, line=None, reason="the chart is gone")
    lastgood = kept.lastgood()

    newest = (await lastgood.timeline(TimelineQuery(app=APP)))[0]
    assert [c.path for c in newest.settings.changes] == ["spec.argv", "spec.environment.MEMORY_LIMIT"]
    assert (await lastgood.show(APP, "n2")).settings == newest.settings
    assert (await lastgood.features(APP)).settings == newest.settings
    for app in (APP, None):
        for words in ("memory", "512mi", "workers environment", "Process/web"):
            assert [one.number for one in await lastgood.timeline(TimelineQuery(app=app, search=words))] == [2], words
        assert await lastgood.timeline(TimelineQuery(app=app, search="cpu")) == []
    run = await kept.world.store.deployment(APP, 2)
    await kept.world.store.save_deployment(run)  # what is written of a record later leaves its settings
    assert [one.number for one in await kept.world.store.deployments(DeploymentQuery(search="memory_limit"))] == [2]


async def test_what_nobody_kept_is_rendered(kept):
    """Records of before settings were kept: `show` finds it out, a list says nothing."""
    await kept.release(compose())
    await kept.release(compose(FLAG="on"))
    lastgood = kept.lastgood()
    assert (await lastgood.timeline(TimelineQuery(app=APP)))[0].settings is None
    assert [c.path for c in (await lastgood.show(APP, "n2")).settings.changes] == ["spec.environment.FLAG"]


async def test_a_secret_is_kept_as_changed_and_nothing_else(kept):
    """Not in the row, not in what is searched, not in a reason: not in a single byte of the database."""
    await kept.release(compose(DB_PASSWORD=SECRET, URL="https://shop:hunter1@db.example/"))
    changed = compose(DB_PASSWORD=SECRET + "-new", URL="https://shop:hunter3@db.example/", API_TOKEN="hunter4")
    await kept.release(changed)
    await kept.keep().look()
    changes = (await kept.settings(2)).settings.changes
    assert [(c.path, c.before, c.after, c.hidden) for c in changes] == [
        ("spec.environment.DB_PASSWORD", None, None, True),
        ("spec.environment.URL", None, None, True),
        ("spec.environment.API_TOKEN", None, "[redacted]", False),
    ]
    run = await kept.world.store.deployment(APP, 2)
    await kept.world.store.save_deployment(run)
    assert await kept.world.store.deployments(DeploymentQuery(search="hunter")) == []
    assert len(await kept.world.store.deployments(DeploymentQuery(search="db_password"))) == 1

    kept.renderer.wrong = TargetFailed(f"cannot render: password={SECRET}")
    await kept.release(compose(DB_PASSWORD=SECRET + "-third"))
    await kept.keep().look()
    dumped = "\n".join(await kept.world.store._database.read(lambda c: list(c.connection.iterdump())))
    assert "cannot render: password=[redacted]" in dumped
    assert "hunter" not in dumped


async def test_an_application_is_rendered_as_it_was_declared_then(kept):
    """A changed definition is a deployment, and what it changed is told by both definitions, at any time."""
    await kept.release(compose())
    moved = {FILE: None, "apps/web/production/next/process-compose.yaml": compose(FLAG="on")}
    config = CONFIG.replace('{environment}"\n    environment', '{environment}/next"\n    environment')
    await kept.world.release({"lastgood.yaml": config, **moved}, "Move it")
    await kept.world.look()
    await kept.world.run_until(APP, "succeeded", count=2)
    await kept.keep().look()
    assert [c.path for c in (await kept.settings(2)).settings.changes] == ["spec.environment.FLAG"]


async def test_the_same_version_changes_nothing_and_is_not_rendered(kept):
    """What heals drift runs what ran: no render, no setting."""
    run = await kept.release(compose())
    again = msgspec.structs.replace(run, trigger="drift", commit=run.commit)
    await kept.world.store.start_deployment(again)
    assert await kept.keep().look() == 2
    assert kept.renderer.asked == 0
    assert (await kept.settings(2)).settings == type((await kept.settings(2)).settings)()


async def test_what_is_wrong_with_the_content_stays_and_what_passes_is_looked_for_again(kept, monkeypatch):
    """A version that does not render never will; a target that was away is asked again, later and later, for a day."""
    await kept.release(compose())
    keep = kept.keep()
    await keep.look()
    kept.renderer.wrong = RenderFailed(app=APP, file=None, line=None, reason="line 3 is no YAML")
    await kept.release(compose(A="1"))
    await keep.look()
    found = await kept.settings(2)
    assert (found.settings.unknown, found.again_at) == ("web-production does not render: line 3 is no YAML", None)

    kept.renderer.wrong = TargetFailed("the cluster is away")
    await kept.release(compose(A="2"))
    await keep.look()
    first = await kept.settings(3)
    assert first.settings.unknown == "the cluster is away"
    assert first.again_at - first.found_at == AGAIN
    run = await kept.world.store.deployment(APP, 3)
    at = first.again_at + AGAIN
    monkeypatch.setattr(kept.world.clock, "now", lambda: at)
    assert await keep.look() == 1
    second = await kept.settings(3)
    assert second.again_at - second.found_at == at - run.started_at, "after as long as the record is old"
    at = run.started_at + AT_MOST
    assert await keep.look() == 1
    assert (await kept.settings(3)).again_at is None


async def test_until_the_agent_has_looked_nothing_is_known_for_a_moment(kept):
    """Just after a start: said so, and soon asked again; a repo that is followed no more is said, too."""
    await kept.release(compose())
    await kept.release(compose(A="1"))
    there, kept.discovered = kept.discovered, lambda _repo: None
    keep = kept.keep()
    await keep.look()
    found = await kept.settings(2)
    assert found.settings.unknown == "its repo has not been looked at yet"
    assert found.again_at - found.found_at == SOON
    kept.discovered = there
    await kept.world.clock.move(SOON.total_seconds())
    await keep.look()
    assert [c.path for c in (await kept.settings(2)).settings.changes] == ["spec.environment.A"]

    await kept.release(compose(A="2"))
    kept.repos = {}
    await kept.keep().look()
    assert (await kept.settings(3)).settings.unknown == "its repo is not followed any more"


async def test_what_never_came_to_apply_is_not_what_ran_before(kept):
    """What did not render changed nothing: the deployment after it counts from the one before."""
    await kept.release(compose())
    await kept.world.release({FILE: "processes: ["}, "Broken")
    await kept.world.look()
    await kept.world.run_until(APP, "failed", count=2)
    kept.count = 2
    await kept.release(compose(A="1"))
    await kept.keep().look()
    assert "does not render" in (await kept.settings(2)).settings.unknown
    assert [c.path for c in (await kept.settings(3)).settings.changes] == ["spec.environment.A"]


async def test_of_old_records_the_newest_are_looked_at(kept, monkeypatch):
    """Two renders each: not those of years."""
    monkeypatch.setattr("lastgood.flows.keep_settings.OLDER", 2)
    assert OLDER > 2
    for _ in range(5):
        await kept.world.store.start_deployment(make_deployment(started_at=NOON))
    assert await kept.keep().look() == 2
