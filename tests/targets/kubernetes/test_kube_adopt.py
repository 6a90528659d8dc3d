"""Whose fields become ours when an object is applied."""

import pytest

from lastgood.targets.kubernetes.adopt import adopted, tools_in


def entry(manager, fields, *, operation="Update", subresource=None):
    said = {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1"}
    said |= {"subresource": subresource} if subresource else {}
    return {**said, "fieldsV1": fields}


OURS = entry("lastgood", {"f:data": {"f:a": {}}}, operation="Apply")


def data(*names):
    return {"f:data": {".": {}, **{f"f:{name}": {} for name in names}}}


@pytest.mark.parametrize("manager", ["helm", "kubectl-edit", "argocd-controller", "kustomize-controller", "lastgood"])
def test_what_a_tool_and_our_own_puts_left_becomes_part_of_what_we_apply(manager):
    """One entry is left, ours, with the fields of both: so a version without them takes them out."""
    (taken,) = adopted([entry(manager, data("b")), OURS])
    assert (taken["manager"], taken["operation"]) == ("lastgood", "Apply")
    assert taken["fieldsV1"]["f:data"].keys() == {".", "f:a", "f:b"}


@pytest.mark.parametrize(
    "entries",
    [
        [OURS],
        [OURS, entry("sidecar-injector", data("b"))],
        [OURS, entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")],
        [OURS, entry("kubectl-rollout", data("b"))],
        "nonsense",
        [3, None],
    ],
)
def test_nothing_is_taken_over_from_controllers_nor_from_nonsense(entries):
    """Theirs stays theirs, and no tool is named."""
    assert adopted(entries) is None
    assert tools_in(entries) == []


def test_what_was_added_with_kubectl_stays_where_the_object_asks_for_it():
    """Flux's `ssa: Merge`: what other tools set is ours all the same."""
    by_hand = entry("kubectl-edit", data("c"))
    kept, taken = adopted([by_hand, entry("kustomize-controller", data("b")), OURS], keep_kubectl=True)
    assert kept == by_hand
    assert taken["fieldsV1"]["f:data"].keys() == {".", "f:a", "f:b"}
    assert adopted([by_hand, OURS], keep_kubectl=True) is None
    assert tools_in([by_hand, OURS], keep_kubectl=True) == []
