"""What the agent deploys when something changes that applications share: all who are made of it, and nobody else."""

import pytest

from lastgood.core import declared_inputs
from lastgood.core.record import DeploymentQuery
from twins.agent_world import World
from twins.renderer import InputsRenderer

YAML = """\
version: 1
applications:
  - {name: "web-{environment}", path: "web/overlays/{environment}", environment: "{environment}", destination: twin}
  - name: shop-staging
    path: charts/shop
    destination: twin
    helm: {values: [values.yaml, values-staging.yaml]}
  - name: shop-production
    path: charts/shop
    destination: twin
    helm: {values: [values.yaml, values-production.yaml]}
"""
FILES = {
    "lastgood.yaml": YAML,
    "web/kustomization.yaml": "resources: [deployment.yaml, ../common]\n",
    "web/deployment.yaml": "replicas: 1\n",
    "common/kustomization.yaml": "resources: [labels.yaml]\n",
    "common/labels.yaml": "team: shop\n",
    "parts/tls/kustomization.yaml": "kind: Component\npatches: [{path: tls.yaml}]\n",
    "parts/tls/tls.yaml": "tls: on\n",
    "web/overlays/staging/kustomization.yaml": "resources: [../..]\n",
    "web/overlays/production/kustomization.yaml": "resources: [../..]\ncomponents: [../../../parts/tls]\n",
    "charts/shop/Chart.yaml": "name: shop\ndependencies: [{name: lib, repository: 'file://../lib'}]\n",
    "charts/shop/values.yaml": "a: 1\n",
    "charts/shop/values-staging.yaml": "a: 1\n",
    "charts/shop/values-production.yaml": "a: 1\n",
    "charts/lib/Chart.yaml": "name: lib\n",
    "charts/lib/templates/lib.yaml": "b: 1\n",
}
APPS = ("shop-production", "shop-staging", "web-production", "web-staging")


@pytest.fixture
async def world():
    made = World(renderer=InputsRenderer())
    await made.release(FILES)
    await made.start()
    for app in APPS:
        await made.run_until(app, "succeeded")
    yield made
    await made.stop()
    made.store.close()


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("web/deployment.yaml", ("web-production", "web-staging")),
        ("common/labels.yaml", ("web-production", "web-staging")),
        ("parts/tls/tls.yaml", ("web-production",)),
        ("web/overlays/staging/kustomization.yaml", ("web-staging",)),
        ("web/README.md", ()),
        ("parts/tls/README.md", ()),
        ("charts/shop/Chart.yaml", ("shop-production", "shop-staging")),
        ("charts/shop/values.yaml", ("shop-production", "shop-staging")),
        ("charts/shop/values-staging.yaml", ("shop-staging",)),
        ("charts/shop/values-qa.yaml", ()),
        ("charts/lib/templates/lib.yaml", ("shop-production", "shop-staging")),
    ],
)
async def test_a_change_redeploys_all_who_are_made_of_it(world, path, moved):
    """Each with the commit that changed it, however far away that was; a change elsewhere deploys nothing."""
    commit = await world.release({path: FILES.get(path, "") + "# changed\n"})
    last = await world.release({"docs/elsewhere.md": "nobody's input"})
    await world.look()
    for app in moved:
        run = await world.run_until(app, "succeeded", 2)
        assert (run.commit.oid, run.trigger) == (commit, "commit")
    for app in APPS:
        record = await world.record(app)
        assert (record.current.commit == commit) is (app in moved)
        assert len(await world.runs(app)) == (2 if app in moved else 1)
    assert (await world.store.repos())[0].head == last


async def test_a_base_counts_from_the_commit_that_names_it(world):
    """A changed reference moves the application, and from then on what it leads to does, also after a restart."""
    named = "resources: [../.., ../../../parts/tls]\n"
    await world.release({"web/overlays/staging/kustomization.yaml": named})
    await world.look()
    await world.run_until("web-staging", "succeeded", 2)
    await world.stop()
    commit = await world.release({"parts/tls/tls.yaml": "tls: off\n"})
    await world.start()
    assert (await world.run_until("web-staging", "succeeded", 3)).commit.oid == commit
    assert (await world.run_until("web-production", "succeeded", 2)).commit.oid == commit


async def test_more_than_can_be_followed_stops_the_application_and_says_so(world, monkeypatch):
    """A version of half the inputs would miss changes: it is broken in words, and what ran keeps running."""
    monkeypatch.setattr(declared_inputs, "MAX_INPUTS", 4)
    many = "resources: [../../../a, ../../../b, ../../../c, ../../../d, ../../../e]\n"
    await world.release({"web/overlays/staging/kustomization.yaml": many})
    await world.look()
    record = await world.record("web-staging")
    assert (record.state, record.message) == ("broken", "its declarations lead to more than 4 files")
    assert record.running is not None


async def test_a_record_keeps_which_bases_changed(world):
    """By Git ref, before and after; a later deployment of the same ref has none, and none is an image."""
    base = "resources: [../.., 'https://github.com/org/app//deploy?ref=%s']\n"
    path = "web/overlays/staging/kustomization.yaml"
    for n, more in enumerate(({path: base % "v1"}, {path: base % "v2"}, {"web/deployment.yaml": "replicas: 5\n"}), 2):
        await world.release(more)
        await world.look()
        await world.run_until("web-staging", "succeeded", n)
    runs = await world.store.deployments(DeploymentQuery(app="web-staging"))
    name = "github.com/org/app//deploy"
    assert [tuple(one.bases for one in run.origins) for run in reversed(runs)] == [
        ({}, {}), ({}, {name: "v1"}), ({name: "v1"}, {name: "v2"}), ({}, {}),
    ]  # fmt: skip
    assert {run.images for run in runs} == {()}
