"""The way back of an Argo Rollout, on a real control plane that has its definition and nobody who steps."""

import json

import pytest

from lastgood.core.request import RollbackRequest
from lastgood.flows.rollback import Rollbacks
from twins.processes import eventually

pytestmark = pytest.mark.cluster

PATIENCE = 10_000
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "{app}", namespace: NAMESPACE}
"""
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "names": {"kind": "Rollout", "listKind": "RolloutList", "plural": "rollouts", "singular": "rollout"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
STEPS = [{"setWeight": 20}, {"pause": {"duration": "10m"}}, {"analysis": {"templates": []}}, {"pause": {}}]


WAY = (
    "the Rollout web goes in 4 steps, with pauses of 10m in all and waiting once for a person to promote it, "
    "and 1 analysis of no known length"
)


@pytest.fixture
async def corner(corner):
    """A corner of a cluster that knows Rollouts."""
    kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    named = f"{kinds}/{DEFINITION['metadata']['name']}"

    def is_settled():
        there = corner.ask("GET", named)
        return there is None or "deletionTimestamp" not in there["metadata"]

    # That of the test before may still be going, and then there is none.
    await eventually(is_settled, what="the definition of Rollouts is gone")
    if corner.ask("GET", named) is None:
        corner.ask("POST", kinds, DEFINITION)
        corner.everywhere.append(named)
    return corner


def path_of(corner):
    return f"/apis/argoproj.io/v1alpha1/namespaces/{corner.namespace()}/rollouts/web"


def template(image):
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}}


def release(image):
    spec = {"replicas": 1, "template": template(image)}
    spec["strategy"] = {"canary": {"steps": STEPS}}
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"}, "spec": spec}
    return {"apps/web/rollout.json": json.dumps(rollout)}


def image(corner):
    there = corner.ask("GET", path_of(corner))
    return there and there["spec"]["template"]["spec"]["containers"][0]["image"]


async def runs(corner, world, wanted):
    """Wait until the cluster has the Rollout with an image."""

    async def is_there():
        return image(corner) == wanted

    await world.until(is_there, wanted, looks=PATIENCE)


async def test_the_steps_of_a_way_back_are_announced_and_the_cluster_gets_them(corner, world):
    """The plan says how long the pauses take and who is waited for, before anything moves."""
    world.other_targets = {"web": corner.target(clock=world.clock)}
    first = await world.release({"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace()), **release("web:1")})
    await world.start()
    path = path_of(corner)

    await runs(corner, world, "web:1")
    await world.release(release("web:2"))
    await world.look()
    await runs(corner, world, "web:2")

    plan = await Rollbacks(world.branch()).plan(RollbackRequest(apps=("web",), to=first[:12]))
    (check,) = [one for one in plan.checks if one.name == "hooks-rerun"]
    assert check.outcome == "warn"
    assert check.detail == f"{WAY}; at once if that is its stable version, which is unknown"
    assert image(corner) == "web:2"
    await world.release(release("web:1"))
    await world.look()
    await runs(corner, world, "web:1")
    assert corner.ask("GET", path)["spec"]["strategy"]["canary"]["steps"] == STEPS


async def test_the_way_back_to_the_stable_version_is_at_once(corner, world):
    """Half-way to a version the plan knows that what ran before is there still; once that is promoted, it is not."""
    target = corner.target(clock=world.clock)
    world.other_targets = {"web": target}
    world.rollouts = lambda app: target.rollouts(app.name)
    base = path_of(corner)
    first = await world.release({"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace()), **release("web:1")})
    await world.start()

    def controls(*, stable, current):
        """Write what Argo Rollouts' controller would."""
        there = corner.ask("GET", base)
        status = {"stableRS": stable, "currentPodHash": current}
        there["status"] = {**status, "observedGeneration": str(there["metadata"]["generation"])}
        corner.ask("PUT", f"{base}/status", there)

    def make(image, named):
        """Make a ReplicaSet of the Rollout's as its controller would."""
        labels = {"app": "web", "rollouts-pod-template-hash": named}
        uid = corner.ask("GET", base)["metadata"]["uid"]
        owner = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": uid, "controller": True}
        metadata = {"name": f"web-{named}", "labels": labels, "ownerReferences": [owner]}
        spec = {"replicas": 0, "selector": {"matchLabels": labels}}
        spec["template"] = {**template(image), "metadata": {"labels": labels}}
        corner.ask(
            "POST",
            f"/apis/apps/v1/namespaces/{corner.namespace()}/replicasets",
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec},
        )

    async def until_told(outcome, detail):
        async def is_told():
            plan = await Rollbacks(world.branch()).plan(RollbackRequest(apps=("web",), to=first[:12]))
            (check,) = [one for one in plan.checks if one.name == "hooks-rerun"]
            return (check.outcome, check.detail) == (outcome, detail)

        await world.until(is_told, detail, looks=PATIENCE)

    await runs(corner, world, "web:1")
    make("web:1", "one")
    await world.release(release("web:2"))
    await world.look()
    await runs(corner, world, "web:2")
    make("web:2", "two")
    controls(stable="one", current="two")
    said = "no hook, Job or stepwise Rollout would run; at once, without steps, as back to what was promoted: web"
    await until_told("pass", said)
    controls(stable="two", current="two")
    await until_told("warn", WAY)
