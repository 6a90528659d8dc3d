"""What may wait until its cluster has its kind, on a real control plane."""

import pytest

from lastgood.targets.kubernetes import kinds
from twins.clusters import annotated, config_map, manifests
from twins.processes import eventually

pytestmark = pytest.mark.cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"


def definition(group):
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


async def test_what_may_wait_for_its_kind_is_no_error_and_comes_with_it(corner, monkeypatch):
    """`SkipDryRunOnMissingResource`: it holds no wave up and is no drift, until its kind is there."""
    monkeypatch.setattr(kinds, "MISSING_S", 0.5)
    group, target, app = f"t{corner.mark}.example.com", corner.target(), corner.application()
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 3}}
    widget = annotated(widget, **{SYNC_OPTIONS: "SkipDryRunOnMissingResource=true"})
    version = manifests(widget, annotated(config_map("late"), **{"argocd.argoproj.io/sync-wave": "1"}))
    result = await target.apply(app, version)
    assert result.complete
    assert {one.name: one.outcome for one in result.resources} == {"one": "unchanged", "late": "applied"}
    seen = await target.observe("web")
    assert (seen.health, seen.sync) == ("Healthy", "Synced")
    assert seen.message == "Widget one: NoSuchKind: the cluster does not have its kind yet"

    corner.ask("POST", DEFINITIONS, definition(group))
    try:

        async def is_missed():
            return (await target.observe("web")).drift == "Widget one is missing"

        await eventually(is_missed, within_s=60)
        healed = await target.apply(app, version, occasion="heal")
        assert {one.name: one.outcome for one in healed.resources} == {"one": "applied", "late": "unchanged"}
    finally:
        corner.ask("DELETE", f"{DEFINITIONS}/widgets.{group}")
