"""A definition of a kind that several applications bring, on a real control plane: one has it, all of them run."""

import asyncio
import json

import pytest

from twins.clusters import config_map, definition_of, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

PATIENCE = 10_000
CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: "cluster", namespace: NAMESPACE}
"""
FIRST = "it belongs to the application first, which alone changes it, and is left in place"


def widget(group, name="one", version="v1"):
    return {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 1}}


@pytest.fixture
def group(corner):
    """A group of the test's own, whose definition goes with the test."""
    named = f"{corner.mark}.example.com"
    corner.everywhere.append(path_of(named))
    return named


def path_of(group):
    return f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"


def free(group, owner="first"):
    return f"CustomResourceDefinition widgets.{group} belonged to the application {owner}, which keeps it no more"


def message_of(result, kind="CustomResourceDefinition"):
    return next((one.outcome, one.message) for one in result.resources if one.kind == kind)


async def both(corner, target, group):
    """Two environments of one chart, of which the first has the definition."""
    first, second = corner.application("first"), corner.application("second")
    wanted = manifests(definition_of(group), widget(group))
    assert (await target.apply(first, wanted)).complete
    assert (await target.apply(second, wanted)).complete
    return first, second


async def test_two_applications_bring_the_same_definition_and_both_are_healthy(corner, group):
    """The second leaves it to the first; neither drifts, also for an agent that begins anew, and neither is warned."""
    target = corner.target()
    first, second = await both(corner, target, group)
    wanted = manifests(definition_of(group), widget(group))
    assert message_of(await target.apply(second, wanted)) == ("unchanged", FIRST)
    for one in (target, corner.target(), corner.target("lost-its-memory")):
        if one is not target:
            assert (await one.apply(second, wanted)).complete
            assert (await one.apply(first, wanted)).complete
        for app in ("first", "second"):
            seen = await until_health(one, "Healthy", app)
            assert (seen.sync, seen.message, seen.may_go_on) == ("Synced", "", None)


async def test_two_that_come_at_once_do_not_meet(corner, group):
    """Of one push for two environments one makes the definition; the other one waits for it."""
    target = corner.target()
    wanted = manifests(definition_of(group), widget(group))
    results = await asyncio.gather(
        *(target.apply(corner.application(name), wanted) for name in ("first", "second", "third"))
    )
    assert [one.complete for one in results] == [True] * 3, [one.message for one in results]


async def test_a_definition_that_differs_is_left_in_place_with_a_warning(corner, group):
    """Whoever brings another one is told what differs, and goes on; the warning ends once its owner changed it."""
    target = corner.target()
    first, second = await both(corner, target, group)
    other = manifests(definition_of(group, shortNames=["wd"]), widget(group))
    result = await target.apply(second, other)
    assert result.complete
    told = f"{FIRST}; it is not as this version has it: .spec.names.shortNames"
    assert message_of(result) == ("unchanged", told)
    assert "shortNames" not in corner.ask("GET", path_of(group))["spec"]["names"]
    for one in (target, corner.target()):
        seen = await until_health(one, "Healthy", "second")
        assert (seen.sync, seen.message) == ("Synced", f"CustomResourceDefinition widgets.{group}: {told}")
    assert (await target.observe("first")).sync == "Synced"
    await target.apply(first, other)

    async def is_told_no_more():
        return (await target.observe("second")).message == ""

    await eventually(is_told_no_more)


async def test_what_the_owners_definition_does_not_serve_waits_for_it(corner, group):
    """Only objects of a version that is not served are refused, with who has to serve it; they go once it is."""
    target = corner.target()
    first, second = await both(corner, target, group)
    newer = manifests(definition_of(group, "v1", "v2"), widget(group, version="v2"), config_map("settings"))
    result = await target.apply(second, newer)
    assert (result.complete, result.fault) == (False, "way")
    told = (
        "the cluster serves Widget as v1 and not as v2; its definition belongs to the application first, which has to"
        " serve that first"
    )
    assert message_of(result, "Widget") == ("failed", told)
    assert message_of(result, "ConfigMap")[0] == "applied"
    assert (await target.apply(first, manifests(definition_of(group, "v1", "v2"), widget(group)))).complete

    async def may_go_on():
        return (await target.observe("second")).may_go_on

    await eventually(may_go_on)
    assert (await target.apply(second, newer)).complete


async def test_a_definition_that_another_one_needs_stays_and_may_be_had(corner, group):
    """Deleting it would take the other's objects; once its owner asks for it no more, the other one has it."""
    target = corner.target(may_delete=frozenset({"CustomResourceDefinition"}))
    first, second = await both(corner, target, group)
    result = await target.apply(first, manifests(config_map("settings")))
    told = "left Git and stays: second needs it too, and deleting it would take all objects of its kind along"
    assert message_of(result) == ("left", told)
    widgets = f"/apis/{group}/v1/namespaces/{corner.namespace('second')}/widgets/one"
    assert corner.ask("GET", widgets) is not None
    seen = await target.observe("second")
    assert (seen.health, seen.sync, seen.drift) == ("Healthy", "OutOfSync", free(group))
    again = manifests(definition_of(group, shortNames=["wd"]), widget(group))
    assert message_of(await target.apply(second, again))[0] == "applied"
    assert corner.ask("GET", path_of(group))["spec"]["names"]["shortNames"] == ["wd"]
    assert (await target.observe("first")).left == ()
    assert (await until_health(target, "Healthy", "second")).sync == "Synced"


async def test_an_application_that_is_taken_away_leaves_the_definition_to_the_other(corner, group):
    """Its own objects go; the definition goes with the last one that needs it."""
    target = corner.target(may_delete=frozenset({"CustomResourceDefinition"}))
    _, second = await both(corner, target, group)
    label = f"CustomResourceDefinition widgets.{group}"
    assert label in (await target.going("first")).stays
    assert label not in await target.prune("first")
    assert (await target.observe("second")).drift == free(group)
    assert (await target.apply(second, manifests(definition_of(group), widget(group)), occasion="heal")).complete
    assert (await target.observe("second")).sync == "Synced"
    # The cluster itself looks after its objects, by a finalizer.
    assert f"{label} (it is being deleted and waits for its finalizer" in "; ".join(await target.prune("second"))


async def test_a_definition_is_taken_over_by_one_of_those_who_bring_it_once_its_owner_is_followed_no_more(
    corner, group
):
    """Also where the owner runs on: its definition is kept for it, and healed by whoever has it now."""
    allowed = frozenset({"CustomResourceDefinition"})
    target = corner.target(may_delete=allowed)
    first, second = await both(corner, target, group)
    third, wanted = corner.application("third"), manifests(definition_of(group), widget(group))
    assert (await target.apply(third, wanted)).complete
    for apps in (["first", "second", "third"], ["second", "third"]):
        target.followed(apps)
        seen = [(await target.observe(app)).drift for app in ("first", "second", "third")]
        assert seen == ["", *[free(group) if len(apps) == 2 else ""] * 2]
    await target.close()

    target = corner.target(may_delete=allowed)
    target.followed(["second", "third"])
    healed = await asyncio.gather(*(target.apply(one, wanted, occasion="heal") for one in (second, third)))
    assert [message_of(one)[0] for one in healed] == ["applied", "unchanged"]
    for app in ("first", "second", "third"):
        seen = await until_health(target, "Healthy", app)
        assert (seen.sync, seen.message) == ("Synced", "")
    label = f"CustomResourceDefinition widgets.{group}"
    assert label in (await target.going("second")).stays

    # Changed by hand, whoever has it now is told, and mends it; whoever comes back leaves it there.
    target.followed(["first", "second", "third"])
    there = corner.ask("GET", path_of(group))
    there["spec"]["names"]["singular"] = "gadget"
    corner.ask("PUT", path_of(group), there)
    await eventually_drifts(target, "second", f"{label} was changed")
    assert (await target.apply(second, wanted, occasion="heal")).complete
    assert corner.ask("GET", path_of(group))["spec"]["names"]["singular"] == "widget"
    told = FIRST.replace("first", "second")
    assert message_of(await target.apply(first, wanted))[1].startswith(told)
    assert label not in await target.prune("first")
    assert (await target.observe("second")).sync == "Synced"


async def eventually_drifts(target, app, words):
    async def drifts():
        return (await target.observe(app)).drift.startswith(words)

    await eventually(drifts)


async def test_a_definition_whose_owner_left_git_is_taken_over_by_itself(corner, group, world):
    """Nothing is deployed for it but the record of healing, which says from whom."""
    target = corner.target(clock=world.clock)
    world.other_targets = {"cluster": target}
    files = {
        f"apps/{app}/{name}.json": json.dumps(one)
        for app in ("first", "second")
        for name, one in (("crd", definition_of(group)), ("settings", config_map(f"settings-{app}")))
    }
    config = {"lastgood.yaml": CONFIG.replace("NAMESPACE", corner.namespace())}
    await world.release({**config, **{file: text for file, text in files.items() if "first" in file}})
    await world.start()
    await world.run_until("first", "succeeded", looks=PATIENCE)
    await world.release({file: text for file, text in files.items() if "second" in file})
    await world.look()
    await world.run_until("second", "succeeded", looks=PATIENCE)
    await world.release({file: None for file in files if "first" in file})
    await world.look()
    healed = await world.run_until("second", "succeeded", 2, looks=PATIENCE, passing=0.1)
    assert (healed.trigger, healed.message) == ("drift", f"mended: {free(group)}")
    assert (await target.observe("first")).sync == "Synced"
