"""What runs again on the way to a version, and how the check says it."""

import pytest

from lastgood.core.preflight import hooks_rerun
from lastgood.core.rerun import rerun
from lastgood.core.resource import Rendered, Resource

ROLLOUTS = "argoproj.io/v1alpha1"


def rendered(*manifests):
    return Rendered(
        resources=tuple(
            Resource(
                group=one["apiVersion"].rpartition("/")[0],
                kind=one["kind"],
                namespace=None,
                name=one["metadata"]["name"],
                manifest=one,
            )
            for one in manifests
        ),
        images={},
        digest="",
    )


def job(name, image="a", **annotations):
    metadata = {"name": name, "annotations": {key.replace("__", "/"): value for key, value in annotations.items()}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"image": image}}


def helm(name, *moments):
    return {**job(name), "metadata": {"name": name, "annotations": {"helm.sh/hook": ",".join(moments)}}}


def argo(name, moment):
    return {**job(name), "metadata": {"name": name, "annotations": {"argocd.argoproj.io/hook": moment}}}


def rollout(image, **spec):
    return {"apiVersion": ROLLOUTS, "kind": "Rollout", "metadata": {"name": "web"}, "spec": {"template": image, **spec}}


def canary(*steps):
    return {"strategy": {"canary": {"steps": list(steps)}}}


def said(before, after, occasion="return"):
    check = hooks_rerun("web", rerun(before, after, occasion))
    return check.outcome, check.detail


def test_nothing_that_runs_passes():
    """Objects that stay are no business of this check, and neither is a Job that is there as it should be."""
    assert said(rendered(job("seed")), rendered(job("seed"))) == ("pass", "no hook, Job or stepwise Rollout would run")


def test_helms_hooks_of_a_rollback_stand_in_for_those_of_an_upgrade():
    """On the way back to what ran, these run; to what never ran, the others; tests and deletions never."""
    after = rendered(helm("up", "pre-upgrade"), helm("back", "pre-rollback"), helm("try", "test", "post-delete"))
    assert said(None, after) == ("warn", "hooks run: Job back (before)")
    assert said(None, after, "upgrade") == ("warn", "hooks run: Job up (before)")


def test_argo_cds_hooks_run_each_time():
    """At each moment that there is; Skip and deletions never."""
    hooks = [argo("a", "PreSync"), argo("b", "Sync"), argo("c", "PostSync"), argo("d", "SyncFail"), argo("e", "Skip")]
    after = rendered(*hooks, argo("f", "PostDelete"))
    assert said(after, after) == (
        "warn",
        "hooks run: Job a (before), Job b (with), Job c (after), Job d (if it fails)",
    )


def test_a_job_that_differs_runs_again():
    """One that is the same does not."""
    before, after = rendered(job("seed", "a"), job("same")), rendered(job("seed", "b"), job("same"))
    assert said(before, after) == ("warn", "a Job runs again: seed")
    assert said(None, after) == ("warn", "Jobs run again: seed, same")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            canary({"setWeight": 20}, {"pause": {"duration": "10m"}}, {"setWeight": 50}, {"pause": {"duration": 90}}),
            "the Rollout web goes in 4 steps, with pauses of 11m30s in all",
        ),
        (
            canary({"setWeight": 20}, {"pause": {}}),
            "the Rollout web goes in 2 steps, waiting once for a person to promote it",
        ),
        (
            {
                **canary({"pause": None}, {"pause": {"duration": "1h"}}, {"pause": {}}),
                "rollbackWindow": {"revisions": 2},
            },
            (
                "the Rollout web goes in 3 steps, with pauses of 1h in all and waiting 2 times for a person "
                "to promote it; its rollback window may let it jump"
            ),
        ),
        (
            {"strategy": {"blueGreen": {"autoPromotionEnabled": False}}},
            "the Rollout web goes in 1 step, waiting once for a person to promote it",
        ),
        (
            {"strategy": {"blueGreen": {"autoPromotionSeconds": 30}}},
            "the Rollout web goes in 1 step, with pauses of 30s in all",
        ),
    ],
)
def test_a_rollout_is_announced_with_the_time_that_its_pauses_take(spec, words):
    """Seconds, `90` and `1h` are read as Argo Rollouts does; a pause without an end waits for a person."""
    assert said(rendered(rollout("old", **spec)), rendered(rollout("new", **spec))) == ("warn", words)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rollout("same", **canary({"pause": {}})), rollout("same", replicas=3, **canary({"pause": {}}))),
        (rollout("old", **canary()), rollout("new", **canary())),
        (rollout("old", strategy={"blueGreen": {}}), rollout("new", strategy={"blueGreen": {}})),
        (rollout("old", strategy="odd"), rollout("new", strategy={"canary": {"steps": "odd"}})),
        (job("other"), rollout("new", **canary({"pause": {}}))),
    ],
)
def test_a_rollout_that_goes_at_once_is_not_announced(before, after):
    """Without a new template, without steps, or where it was not there before."""
    assert said(rendered(before), rendered(after))[0] == "pass"
