"""What the annotations and labels of an object ask for."""

import pytest

from lastgood.targets.kubernetes.options import Options, options_of

FLUX = "kustomize.toolkit.fluxcd.io"


@pytest.mark.parametrize("where", ["annotations", "labels"])
@pytest.mark.parametrize(
    ("key", "value", "asked"),
    [
        ("prune", "disabled", Options(prune=False, delete=False)),
        ("prune", "Disabled", Options(prune=False, delete=False)),
        ("force", "enabled", Options(force=True)),
        ("ssa", "IfNotPresent", Options(create_only=True)),
        ("ssa", "Ignore", Options(create_only=True, compare=False)),
        ("ssa", "Merge", Options(keep_kubectl=True)),
        ("ssa", "Override", Options()),
        ("reconcile", "disabled", Options(create_only=True, compare=False, prune=False, delete=False)),
        ("reconcile", "enabled", Options()),
    ],
)
def test_flux_is_asked_by_an_annotation_or_by_a_label(where, key, value, asked):
    """Flux takes either, so a repo may hold either."""
    assert options_of({"metadata": {where: {f"{FLUX}/{key}": value}}}) == asked


@pytest.mark.parametrize("values", [("disabled", "enabled"), ("enabled", "disabled")])
def test_an_object_is_kept_where_flux_is_asked_by_either(values):
    """A label and an annotation that differ: one that asks for it is enough, as for Flux."""
    label, annotation = ({f"{FLUX}/prune": value} for value in values)
    assert options_of({"metadata": {"labels": label, "annotations": annotation}}) == Options(prune=False, delete=False)


def test_argo_and_helm_are_asked_by_annotations_alone():
    """A label of theirs asks for nothing, as with their own tools."""
    labels = {"argocd.argoproj.io/sync-options": "Prune=false", "helm.sh/resource-policy": "keep"}
    assert options_of({"metadata": {"labels": labels}}) == Options()


@pytest.mark.parametrize("labels", [None, [], "x", {f"{FLUX}/prune": True}, {f"{FLUX}/prune": None}])
def test_labels_that_are_none_ask_for_nothing(labels):
    """What a cluster would refuse is for the cluster to refuse."""
    assert options_of({"metadata": {"labels": labels, "annotations": labels}}) == Options()
