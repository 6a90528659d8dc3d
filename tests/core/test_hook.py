"""Which objects are run instead of kept, at which moment and in which order."""

import pytest

from lastgood.core.hook import deletion_hooks, hooks_at, kept
from lastgood.core.resource import Resource

ARGO = "argocd.argoproj.io"


def job(name, **annotations):
    metadata = {"name": name, "annotations": {key.replace("__", "/"): value for key, value in annotations.items()}}
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
    return Resource(group="batch", kind="Job", namespace=None, name=name, manifest=manifest)


def of_kind(kind, name, hook, **more):
    manifest = {"kind": kind, "metadata": {"name": name, "annotations": {"helm.sh/hook": hook, **more}}}
    return Resource(group="", kind=kind, namespace=None, name=name, manifest=manifest)


def argo(name, hook, **more):
    return job(name, **{f"{ARGO}/hook": hook, **more})


def helm(name, hook, **more):
    return job(name, **{"helm.sh/hook": hook, **more})


@pytest.mark.parametrize("occasion", ["install", "upgrade", "return", "heal"])
def test_no_version_runs_a_hook_of_the_deletion(occasion):
    """They are not kept either: they wait for the deletion."""
    hooks = [argo("a", "PreDelete"), argo("b", "PostDelete"), helm("c", "pre-delete"), helm("d", "post-delete")]
    assert hooks_at(hooks, occasion) == []
    assert kept(hooks) == []


def test_the_hooks_of_the_deletion_come_before_and_after_it_by_weight():
    """Those before it first, whatever their weights; within a moment the lower weight, then the name."""
    hooks = [
        helm("sweep", "post-delete", **{"helm.sh/hook-weight": "-9"}),
        argo("late", "PreDelete", **{f"{ARGO}/sync-wave": "3"}),
        helm("b", "pre-delete"),
        helm("a", "pre-delete,pre-install"),
        argo("other", "PreSync,PostSync"),
        helm("check", "test"),
        job("plain"),
    ]
    assert [(one.moment, one.resource.name) for one in deletion_hooks(hooks)] == [
        ("before deletion", "a"),
        ("before deletion", "b"),
        ("before deletion", "late"),
        ("after deletion", "sweep"),
    ]


def test_one_object_may_be_a_hook_of_versions_and_of_the_deletion():
    """Each occasion runs it for its own sake."""
    both = helm("a", "post-install,post-delete", **{"helm.sh/hook-delete-policy": "hook-succeeded"})
    assert [one.moment for one in hooks_at([both], "install")] == ["after"]
    (found,) = deletion_hooks([both])
    assert (found.moment, found.delete) == ("after deletion", frozenset({"hook-succeeded"}))


def test_within_a_weight_what_others_need_comes_first():
    """Charts give a Job and the account that it runs as the same weight, or none."""
    hooks = [helm("a", "pre-install")]
    hooks += [of_kind(kind, "z", "pre-install") for kind in ("RoleBinding", "ConfigMap", "Role", "ServiceAccount")]
    hooks.append(of_kind("Secret", "late", "pre-install", **{"helm.sh/hook-weight": "1"}))
    order = ["ServiceAccount", "ConfigMap", "Role", "RoleBinding", "Job", "Secret"]
    assert [one.resource.kind for one in hooks_at(hooks, "install")] == order


@pytest.mark.parametrize(
    ("kind", "policy", "at"),
    [
        ("Job", "", {"before-hook-creation"}),
        ("Job", "hook-succeeded, hook-failed", {"hook-succeeded", "hook-failed"}),
        ("PersistentVolumeClaim", "", set()),
        ("PersistentVolumeClaim", "hook-succeeded", {"hook-succeeded"}),
        ("Namespace", "", set()),
        ("CustomResourceDefinition", "", set()),
        ("CustomResourceDefinition", "before-hook-creation", set()),
    ],
)
def test_what_a_hook_is_deleted_at(kind, policy, at):
    """What takes more with it is not deleted because nobody said anything; a definition never is, as with Helm."""
    (found,) = hooks_at([of_kind(kind, "a", "pre-install", **{"helm.sh/hook-delete-policy": policy})], "install")
    assert found.delete == at
