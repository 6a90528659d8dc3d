"""What runs again on the way to a version, and how the check says it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.observation import ResourceResult
from lastgood.core.preflight import hooks_rerun
from lastgood.core.rerun import jobs_as_in, rerun
from lastgood.core.resource import Rendered, Resource
from twins.store import make_deployment

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
    hooks = [argo("d", "PreSync"), argo("c", "Sync"), argo("b", "PostSync"), argo("a", "SyncFail"), argo("e", "Skip")]
    after = rendered(*hooks, argo("f", "PostDelete"))
    assert said(after, after) == (
        "warn",
        "hooks run: Job d (before), Job c (with), Job b (after), Job a (if it fails)",
    )


def run(version, outcome, *, job=None, own_fault=False):
    """A record; job: what became of the change of the Job migrate."""
    done = ResourceResult(kind="Job", name="migrate", change="modified", outcome=job or "applied")
    return make_deployment(version=version, outcome=outcome, resources=(done,), own_fault=own_fault)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([run("bad", "partial", job="failed", own_fault=True), run("good", "succeeded")], {"migrate"}),
        (
            [
                run("worse", "partial", job="failed", own_fault=True),
                run("bad", "partial", job="failed", own_fault=True),
                run("good", "succeeded"),
            ],
            {"migrate"},
        ),
        ([run("bad", "partial", job="applied", own_fault=True), run("good", "succeeded")], set()),
        ([run("bad", "partial", job="failed"), run("good", "succeeded")], set()),
        (
            [run("bad", "partial", job="failed", own_fault=True), run("other", "succeeded"), run("good", "succeeded")],
            set(),
        ),
        ([run("bad", "partial", job="failed", own_fault=True), run("good", "partial", job="failed")], set()),
        ([run("bad", "partial", job="failed", own_fault=True)], set()),
        ([], set()),
    ],
)
def test_a_job_whose_change_was_refused_is_as_it_was(runs, found):
    """What nobody could change does not run again on the way back to the version that it is of."""
    assert jobs_as_in({"good"}, runs) == found
    again = rerun(rendered(job("migrate", "b")), rendered(job("migrate")), "return", as_before=found)
    assert again.jobs == (() if found else ("migrate",))


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
                "to promote it; at once if that is its stable version or within its rollback window, which is unknown"
            ),
        ),
        (
            {"strategy": {"blueGreen": {"autoPromotionEnabled": False}}},
            (
                "the Rollout web goes in 1 step, waiting once for a person to promote it; "
                "at once if what it goes back to was replaced less than 30s ago"
            ),
        ),
        (
            {"strategy": {"blueGreen": {"autoPromotionSeconds": 30, "scaleDownDelaySeconds": 0}}},
            "the Rollout web goes in 1 step, with pauses of 30s in all",
        ),
        (
            {"strategy": {"blueGreen": {"autoPromotionEnabled": False, "autoPromotionSeconds": 0}}},
            (
                "the Rollout web goes in 1 step, waiting once for a person to promote it; "
                "at once if what it goes back to was replaced less than 30s ago"
            ),
        ),
        (
            {
                "strategy": {
                    "blueGreen": {
                        "autoPromotionEnabled": False,
                        "autoPromotionSeconds": 600,
                        "scaleDownDelaySeconds": 3600,
                        "prePromotionAnalysis": {"templates": []},
                    }
                }
            },
            (
                "the Rollout web goes in 1 step, with pauses of 10m in all, and 1 analysis of no known length; "
                "at once if what it goes back to was replaced less than 1h ago"
            ),
        ),
        (
            canary(
                {"setWeight": 20},
                {"analysis": {"templates": []}},
                {"experiment": {"duration": "90s"}},
                {"experiment": {"templates": []}},
                {"pause": {"duration": "1.5h"}},
            ),
            "the Rollout web goes in 5 steps, with pauses of 1h31m30s in all, and 2 analyses of no known length",
        ),
        (
            {"strategy": {"canary": {"steps": [{"setWeight": 50}], "analysis": {"templates": []}}}},
            "the Rollout web goes in 1 step",
        ),
    ],
)
def test_a_rollout_is_announced_with_the_time_that_its_pauses_take(spec, words):
    """Seconds, `90` and `1h` are read as Argo Rollouts does; a pause without an end waits for a person."""
    words += "" if "unknown" in words else "; at once if that is its stable version, which is unknown"
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


def test_a_rollout_goes_in_steps_where_the_workload_that_it_refers_to_changes():
    """Its own text stays the same then; the template stands in the Deployment."""
    mine = {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, **canary({"pause": {}})}
    one = {"apiVersion": ROLLOUTS, "kind": "Rollout", "metadata": {"name": "web"}, "spec": mine}

    def deployment(image):
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": image}}

    assert said(rendered(one, deployment("a")), rendered(one, deployment("b")))[0] == "warn"
    assert said(rendered(one, deployment("a")), rendered(one, deployment("a")))[0] == "pass"


LENGTHS = {
    "seconds": (st.integers(0, 10**6), int),
    "text": (st.integers(0, 10**6).map(str), int),
    "parts": (
        st.tuples(st.integers(0, 99), st.integers(0, 999), st.integers(0, 9999)).map(lambda t: "{}h{}m{}s".format(*t)),
        lambda text: sum(int(n) * u for n, u in zip(re.findall(r"[0-9]+", text), (3600, 60, 1), strict=True)),
    ),
}
STEP = st.one_of(
    st.builds(lambda weight: ({"setWeight": weight}, 0, 0), st.integers(0, 100)),
    st.builds(lambda: ({"pause": {}}, 0, 1)),
    *(
        length.map(lambda said, seconds=seconds: ({"pause": {"duration": said}}, seconds(said), 0))
        for length, seconds in LENGTHS.values()
    ),
)


@given(steps=st.lists(STEP, min_size=1, max_size=20))
def test_the_time_of_a_canary_is_that_of_its_pauses(steps):
    """Whatever the steps: each counts once, lengths add up in every form, and pauses without an end are counted."""
    spec = canary(*(step for step, _, _ in steps))
    (found,) = rerun(rendered(rollout("old", **spec)), rendered(rollout("new", **spec)), "return").rollouts
    assert found.count == len(steps)
    assert found.pauses_s == sum(seconds for _, seconds, _ in steps)
    assert found.waits_for_people == sum(waits for _, _, waits in steps)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda x: (
            st.lists(x, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["canary", "blueGreen", "steps", "pause", "duration", "autoPromotionSeconds", "experiment"]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_a_strategy_of_any_form_is_read_without_harm(strategy):
    """What is no strategy announces nothing or something, and never breaks a plan."""
    before, after = rollout("old", strategy=strategy), rollout("new", strategy=strategy)
    for steps in rerun(rendered(before), rendered(after), "return").rollouts:
        assert (steps.count > 0, steps.pauses_s >= 0, steps.waits_for_people >= 0) == (True, True, True)
