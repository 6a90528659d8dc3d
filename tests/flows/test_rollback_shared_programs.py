"""Shared inputs with Kustomize and Helm themselves: what a rollback says of its render is what they make of it."""

import msgspec
import pytest

from lastgood.store import SqlStore
from twins.rendering import renderers
from twins.rollback_world import RollbackWorld, make_world, outcome
from twins.store import make_deployment

pytestmark = pytest.mark.programs

YAML = """version: 1
applications:
  - {name: "web-{environment}", path: "web/overlays/{environment}", environment: "{environment}", destination: x}
  - name: shop-staging
    path: charts/shop
    destination: x
    helm: {release: shop, values: [values.yaml, values-staging.yaml]}
  - name: shop-production
    path: charts/shop
    destination: x
    helm: {release: shop, values: [values.yaml, values-production.yaml]}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: REPLICAS, template: {spec: {containers: [{name: web, image: 'shop/web:v0'}]}}}
"""
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {level: "{{ .Values.level }}", format: FORMAT}
"""


def base(replicas: int) -> dict[str, str]:
    return {"web/base/deployment.yaml": DEPLOYMENT.replace("REPLICAS", str(replicas))}


def overlay(environment: str, tag: str) -> dict[str, str]:
    return {
        f"web/overlays/{environment}/kustomization.yaml": (
            f"resources: [../../base]\ncomponents: [../../parts/labels]\nimages: [{{name: shop/web, newTag: {tag}}}]\n"
        )
    }


def labels(team: str) -> dict[str, str]:
    component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    return {"web/parts/labels/kustomization.yaml": f"{component}labels: [{{pairs: {{team: {team}}}}}]\n"}


def chart(text: str) -> dict[str, str]:
    return {"charts/shop/templates/config.yaml": TEMPLATE.replace("FORMAT", text)}


FILES = {
    "lastgood.yaml": YAML,
    "web/base/kustomization.yaml": "resources: [deployment.yaml]\n",
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/values.yaml": "level: info\n",
    "charts/shop/values-staging.yaml": "level: debug\n",
    "charts/shop/values-production.yaml": "level: warning\n",
    **base(1),
    **labels("shop"),
    **overlay("staging", "v1"),
    **overlay("production", "v1"),
    **chart("json"),
}
WEB, SHOP = "web-production", "shop-production"


@pytest.fixture
def world(tmp_path, render_programs):
    store = SqlStore.in_memory()
    yield from make_world("mirror", tmp_path, store=store, renderer=renderers(render_programs))
    store.close()


async def ran(world: RollbackWorld, commit: str, name: str) -> None:
    """Record that an application ran what it was at a commit."""
    app = await world.app(name)
    version, path_tree = await world.repo.version(commit, app.scope)
    rendered = await world.branch.renderer.render(app, world.repo, commit)
    run = make_deployment(
        app=name, version=version, path_tree=path_tree, commit=await world.repo.commit(commit),
        outcome="succeeded", digest=rendered.digest, definition=app.definition, baked_at=world.clock.now(),
    )  # fmt: skip
    begun = await world.store.start_deployment(run)
    await world.store.save_deployment(msgspec.structs.replace(run, id=begun.id, number=begun.number))


@pytest.mark.parametrize(
    ("app", "own", "shared", "with_whom"),
    [
        (WEB, overlay("production", "v2"), base(3), "web-staging"),
        (WEB, overlay("production", "v2"), labels("site"), "web-staging"),
        (SHOP, {"charts/shop/values-production.yaml": "level: error\n"}, chart("text"), "shop-staging"),
    ],
)
async def test_what_a_rollback_renders_to_is_compared_with_what_ran(world, app, own, shared, with_whom):
    """Its own part alone: as ran. A shared part in between: not, and with whom. The shared part, too: as ran again."""
    first = await world.commit(FILES)
    await ran(world, first, app)
    await world.commit(own)
    plan = await world.plan(app, to=first)
    assert (plan.applications[0].renders_as_ran, outcome(plan, "shared-input", app)) == (True, "pass")
    assert plan.applications[0].version == plan.applications[0].to.version

    await world.commit(shared)
    plan = await world.plan(app, to=first)
    told = next(check for check in plan.checks if check.name == "shared-input")
    assert (plan.applications[0].renders_as_ran, told.outcome) == (False, "warn")
    assert f"(shared with {with_whom})" in told.detail
    assert "in the shared part alone" in told.detail

    done = await world.roll_back(app, to=first, with_shared=True, despite=("shared-input",))
    assert done.applications[0].renders_as_ran is True
    assert [one.app for one in done.also_affected] == [with_whom]
    there = await world.branch.renderer.render(await world.app(app), world.repo, await world.head())
    assert there.digest == (await world.branch.renderer.render(await world.app(app), world.repo, first)).digest
