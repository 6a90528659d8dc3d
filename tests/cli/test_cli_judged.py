"""What is unwell, for a tired person: its name and its reason whole, the rest counted."""

import msgspec
import pytest

from lastgood.cli import apps
from lastgood.cli.judged import MAX_MESSAGE, Judged, counted, judged_table
from lastgood.cli.status import FEW, MOST, status_text
from lastgood.cli.text import Style, width_of, wrapped
from lastgood.core.health_words import in_words
from lastgood.core.observation import ResourceHealth
from twins.lastgood import MemoryLastgood

NARROW = Style(width=80, color=False)
POD = "checkout-production-worker-7d9f8b6c5d-x2x4z"
WHY = "CrashLoopBackOff: container worker: back-off 5m0s restarting failed container; container worker ended with 1"
TITLES = ["HEALTH", "KIND", "NAMESPACE", "NAME", "MESSAGE"]


def well(number: int) -> ResourceHealth:
    return ResourceHealth(kind="ConfigMap", name=f"settings-{number}", health="Healthy", reason="Exists", message="is")


def test_what_is_unwell_keeps_its_name_and_its_reason():
    """At 80 columns a long message stands below; the healthy one's is cut. The order is the one given."""
    things = [
        Judged("Missing", ("ConfigMap", "checkout-production", "settings"), "it is not in the cluster"),
        Judged("Degraded", ("Pod", "checkout-production", POD), WHY),
        Judged("Healthy", ("Service", "checkout-production", "web"), "no load balancer is asked for, so nothing waits"),
    ]
    lines = judged_table(TITLES, things, NARROW).splitlines()

    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [
        "HEALTH", "Missing", "Degraded", "Healthy",
    ]  # fmt: skip
    named = next(line for line in lines if line.startswith("Degraded"))
    assert POD[:15] in named
    assert named.endswith(POD[-15:])
    below = lines[lines.index(next(line for line in lines if line.startswith("Degraded"))) + 1 :]
    assert " ".join(line.strip() for line in below[:2]) == WHY
    assert lines[-1].endswith("…")


def test_a_long_message_is_bounded():
    """A container's last words may be a page; JSON has them."""
    told = judged_table(["HEALTH", "NAME", "WHY"], [Judged("Degraded", ("a",), "words " * 1000)], NARROW)
    assert len(told) < MAX_MESSAGE + 200
    assert all(width_of(line) <= NARROW.width for line in told.splitlines())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, []),
        ("one two three", 7, ["one two", "three"]),
        ("abcdefgh ij", 3, ["abc", "def", "gh", "ij"]),
        ("出来た", 4, ["出来", "た"]),
        ("出来", 1, ["出", "来"]),
    ],
)
def test_a_text_is_broken_into_lines(text, width, lines):
    """At spaces, inside words that are too long, and never for ever."""
    assert wrapped(text, width) == lines


@pytest.mark.parametrize(
    ("health", "reason", "message", "said"),
    [
        ("Degraded", "CrashLoopBackOff", "back-off", "CrashLoopBackOff: back-off"),
        ("Degraded", "ImagePullBackOff", "container a: ImagePullBackOff", "container a: ImagePullBackOff"),
        ("Suspended", "Paused", "it is paused", "it is paused"),
        ("Missing", "Missing", "it is not in the cluster", "it is not in the cluster"),
        ("Healthy", "MinimumReplicasAvailable", "3 of 3 available", "3 of 3 available"),
        ("Progressing", "Pending", "", "Pending"),
        ("Unknown", "", "", ""),
    ],
)
def test_a_reason_stands_before_what_does_not_have_it(health, reason, message, said):
    """Once, and not where all is well."""
    assert in_words(health, reason, message) == said


async def with_resources(*resources: ResourceHealth, **changes):
    found = await MemoryLastgood().status("cart-production")
    return msgspec.structs.replace(found, resources=resources, **changes)


async def test_many_healthy_resources_are_counted():
    """Of 400 the two that matter are listed; `--all` lists them all."""
    sick = ResourceHealth(kind="Deployment", name="web", health="Degraded", reason="Quota", message="used up")
    waits = ResourceHealth(kind="Service", name="web", health="Progressing", reason="NoAddress", message="none yet")
    view = await with_resources(*(well(n) for n in range(398)), waits, sick)

    told = status_text(view, NARROW)
    assert told.splitlines()[-4:] == [
        "HEALTH       RESOURCE        WHY",
        "Degraded     Deployment web  Quota: used up",
        "Progressing  Service web     NoAddress: none yet",
        "and 398 Healthy; `--all` lists them",
    ]
    assert len(status_text(view, NARROW, everything=True).splitlines()) > 400


async def test_what_is_unwell_is_told_once():
    """The line of health counts what the list explains; without a list it explains."""
    sick = ResourceHealth(kind="Deployment", name="web", health="Degraded", reason="Quota", message="used up")
    listed = status_text(await with_resources(sick, health_message="Deployment web: Quota: used up"), NARROW)
    assert listed.count("used up") == 1
    assert "1 Degraded" in listed
    alone = await with_resources(health_message="Deployment web: Quota: used up")
    assert "Quota: used up" in status_text(alone, NARROW)


async def test_few_resources_are_all_listed():
    """A small application is seen whole."""
    told = status_text(await with_resources(*(well(n) for n in range(FEW))), NARROW)
    assert told.count("ConfigMap settings-") == FEW
    assert "--all" not in told


async def test_many_sick_resources_are_bounded_too():
    """Everything gone is one finding, and no page of it."""
    gone = [ResourceHealth(kind="Pod", name=f"p{n}", health="Missing") for n in range(200)]
    told = status_text(await with_resources(*gone), NARROW)
    assert told.count("Missing  Pod p") == MOST
    assert told.splitlines()[-1] == f"and {200 - MOST} Missing; `--all` lists them"


async def test_what_is_not_as_asked_for_stands_on_the_line_of_sync():
    """Whoever reads that it is Healthy does not look for drift there."""
    view = await with_resources(
        health_message="", sync_message="ConfigMap settings was changed, last by kubectl: /data/a"
    )
    app = msgspec.structs.replace(view.application, health="Healthy", sync="OutOfSync")
    lines = status_text(msgspec.structs.replace(view, application=app), NARROW).splitlines()

    at = next(n for n, line in enumerate(lines) if line.startswith("sync"))
    assert lines[at - 1].split() == ["health", "Healthy"]
    assert " ".join(" ".join(lines[at : at + 3]).split()).startswith(
        "sync OutOfSync ConfigMap settings was changed, last by"
    )


async def test_a_version_that_waits_is_named_beside_sync():
    """Nothing drifted, and yet it is out of sync: the version at the head does not run."""
    view = await with_resources(sync_message="")
    desired = msgspec.structs.replace(view.application.desired, version="f" * 40, commit="f" * 40, short="fffffff")
    app = msgspec.structs.replace(view.application, sync="OutOfSync", desired=desired)
    told = status_text(msgspec.structs.replace(view, application=app), NARROW)
    assert f"sync         OutOfSync  {app.running.short} runs, and fffffff is asked for" in told


async def test_a_version_that_only_began_is_not_what_runs():
    """The first deployment is under way: nothing runs yet, and it is said what comes."""
    view = (await MemoryLastgood().status("cart-production")).application
    desired = msgspec.structs.replace(view.desired, version="f" * 40, commit="f" * 40)
    hashes = {view.running.commit: view.running.commit[:7], desired.commit: "fffffff"}

    def now_of(**changes):
        return apps._now(msgspec.structs.replace(view, **changes), hashes)

    assert now_of(desired=desired) == f"{view.running.commit[:7]} -> fffffff"
    assert now_of(desired=desired, running=None) == "nothing -> fffffff"
    assert now_of(desired=view.running) == view.running.commit[:7]
    assert now_of(desired=None, running=None) == "nothing"
    assert now_of(desired=desired, running=None, paused=None) == "fffffff"


def test_a_count_begins_with_the_worst():
    """The first number is the one that matters."""
    assert counted(["Healthy", "Degraded", "Healthy"], NARROW) == "1 Degraded, 2 Healthy"
