"""Whether an Argo Rollout goes to a template at once, and how the check says it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.preflight import hooks_rerun
from lastgood.core.rerun import rerun
from lastgood.core.resource import Rendered, Resource
from lastgood.core.rollout import LiveRollout, RolloutVersion, at_once

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
STEPS = {"canary": {"steps": [{"setWeight": 20}, {"pause": {"duration": "10m"}}]}}


def template(image, **container):
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image, **container}]},
    }


def kept(image, **container):
    """Return the template as a cluster keeps it."""
    added = {"imagePullPolicy": "IfNotPresent", "resources": {}, "terminationMessagePolicy": "File"}
    return {
        "metadata": {"labels": {"app": "web", "rollouts-pod-template-hash": "any"}, "creationTimestamp": None},
        "spec": {
            "containers": [{"name": "main", "image": image, **added, **container}],
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
        },
    }


def live(*images, stable, current):
    """Return a Rollout that went from one image to the next, one a day. stable, current: images."""
    versions = tuple(
        RolloutVersion(hash=image, template=kept(image), created_at=DAY + dt.timedelta(days=day))
        for day, image in enumerate(images)
    )
    return LiveRollout(name="web", namespace="shop", stable=stable, current=current, versions=versions)


@pytest.mark.parametrize(
    ("stands", "to", "window", "answer"),
    [
        # Half-way to b, or given up there: a is stable still.
        (live("a", "b", stable="a", current="b"), "a", 0, "yes"),
        (live("a", "b", "c", stable="b", current="c"), "a", 0, "no"),
        (live("a", "b", stable="b", current="b"), "a", 0, "no"),
        (live("a", "b", stable="b", current="b"), "new", 0, "no"),
        # Between a and the stable version there may be fewer than the window says.
        (live("a", "b", stable="b", current="b"), "a", 1, "yes"),
        (live("a", "b", "c", stable="c", current="c"), "a", 1, "no"),
        (live("a", "b", "c", stable="c", current="c"), "a", 2, "yes"),
        (live("a", "b", "c", stable="b", current="c"), "new", 9, "no"),
        # Newer than the stable one: that is no way back.
        (live("a", "b", "c", stable="a", current="c"), "b", 9, "no"),
        (live("b", stable="a", current="b"), "a", 0, "unknown"),
        (live("a", "b", stable="", current=""), "a", 0, "unknown"),
        (None, "a", 3, "unknown"),
    ],
)
def test_the_way_to_what_was_promoted_is_at_once(stands, to, window, answer):
    """Argo Rollouts skips the steps to its stable ReplicaSet, and within the rollback window."""
    assert at_once(stands, template(to), window=window) == answer


@pytest.mark.parametrize(
    ("wanted", "there", "answer"),
    [
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "1"}]}, "yes"),
        ({}, {"env": [{"name": "A", "value": "1"}]}, "unknown"),
        ({"env": [{"name": "A", "value": "1"}]}, {}, "unknown"),
        ({"resources": {"limits": {"cpu": "1000m"}}}, {"resources": {"limits": {"cpu": "1"}}}, "unknown"),
        ({"env": []}, {}, "yes"),
        ({"command": None}, {}, "yes"),
        ({"livenessProbe": {}}, {"livenessProbe": {"timeoutSeconds": 1, "periodSeconds": 10}}, "yes"),
        ({"livenessProbe": {}}, {"livenessProbe": {"timeoutSeconds": 30}}, "unknown"),
    ],
)
def test_what_cannot_be_told_is_unknown(wanted, there, answer):
    """Of the same images, only what differs by nothing but the cluster's own additions is the same template."""
    stable = RolloutVersion(hash="a", template=kept("a", **there), created_at=DAY)
    stands = LiveRollout(name="web", namespace=None, stable="a", current="b", versions=(stable,))
    assert at_once(stands, template("a", **wanted), window=0) == answer


def test_a_template_that_was_not_kept_is_unknown():
    """A ReplicaSet may be too large to keep."""
    stable = RolloutVersion(hash="a", template=None, created_at=DAY)
    stands = LiveRollout(name="web", namespace=None, stable="a", current="b", versions=(stable,))
    assert at_once(stands, template("a"), window=0) == "unknown"


WORDS = "the Rollout web goes in 2 steps, with pauses of 10m in all"


@pytest.mark.parametrize(
    ("stands", "said"),
    [
        (
            live("a", "b", stable="a", current="b"),
            (
                "pass",
                "no hook, Job or stepwise Rollout would run; at once, without steps, as back to what was promoted: web",
            ),
        ),
        (live("a", "b", stable="b", current="b"), ("warn", WORDS)),
        (None, ("warn", f"{WORDS}; at once if that is its stable version, which is unknown")),
    ],
)
def test_the_check_says_what_the_cluster_would_do(stands, said):
    """A way that is at once is no reason to warn; what is unknown is said to be."""

    def rendered(image):
        manifest = {"kind": "Rollout", "spec": {"template": template(image), "strategy": STEPS}}
        one = Resource(group="argoproj.io", kind="Rollout", namespace=None, name="web", manifest=manifest)
        return Rendered(resources=(one,), images={}, digest="")

    found = rerun(rendered("b"), rendered("a"), "return", live=[stands] if stands is not None else None)
    check = hooks_rerun("web", found)
    assert (check.outcome, check.detail) == said


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(st.sampled_from(["spec", "containers", "name", "image", "metadata"]), x, max_size=3)
    ),
    max_leaves=15,
)


@given(ANYTHING, st.dictionaries(st.sampled_from(["spec", "metadata"]), ANYTHING, max_size=2))
def test_a_template_of_any_form_is_read_without_harm(wanted, there):
    """A repo and a cluster may say anything."""
    stable = RolloutVersion(hash="a", template=there, created_at=DAY)
    stands = LiveRollout(name="web", namespace=None, stable="a", current="b", versions=(stable,))
    assert at_once(stands, wanted, window=1) in ("yes", "no", "unknown")
