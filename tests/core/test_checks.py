"""The table of checks and its rules."""

import datetime as dt

import pytest

from lastgood.core import preflight
from lastgood.core.checks import CHECKS, fails, known_names, overridden, passes, unknown
from lastgood.core.commit import Person
from lastgood.core.errors import CommandLineWrong, NoRenderer, RenderFailed
from lastgood.core.hold import Hold
from lastgood.core.plan import AlsoAffected
from lastgood.core.resource import Rendered, Resource
from twins.store import PRIYA, make_commit, make_deployment

NOW = dt.datetime(2026, 11, 19, 14, 0, tzinfo=dt.UTC)
BLOCKING = """
    not-on-branch renders held deletes-application deletes-data deletes-many image-missing server-refuses crd-version
    migration others-commits reset-policy busy frozen stale-plan
"""
WARNING = """
    nothing-to-do render-unstable shared-input definition-changed never-ran failed-before not-baked image-moved
    missing-reference hooks-rerun feature-needed other-writer
"""
RENDERED = Rendered(resources=(), images={}, digest="d1")


def test_the_names_are_those_of_the_promise():
    """Scripts rely on them, and on which of them block."""
    assert [check.name for check in CHECKS if check.blocks] == BLOCKING.split()
    assert [check.name for check in CHECKS if not check.blocks] == WARNING.split()


def test_a_bad_answer_blocks_or_warns_by_the_table():
    """The rule asks; the table says how bad it is; the hint names the override."""
    assert fails("held", "web", "x").outcome == "block"
    assert "--despite held" in fails("held", "web", "x").hint
    assert fails("never-ran", "web", "x").outcome == "warn"
    assert "cannot be overridden" in fails("stale-plan", "web", "x").hint


def test_overrides_count_for_blocking_checks_alone():
    """What passes, warns, is unknown or cannot be overridden is not marked; the order is the table's."""
    checks = [
        fails("stale-plan", "web", ""),
        fails("held", "web", ""),
        unknown("renders", "web", ""),
        passes("busy", "web", ""),
        fails("never-ran", "web", ""),
    ]
    found = overridden(checks, ["held", "renders", "busy", "never-ran", "stale-plan", "reset-policy"])
    assert [(c.name, c.overridden) for c in found] == [
        ("renders", False),
        ("never-ran", False),
        ("held", True),
        ("busy", False),
        ("stale-plan", False),
    ]


def test_an_unknown_name_is_refused_with_the_nearest():
    """A typo in --despite is a wrong command line."""
    known_names(["held"])
    with pytest.raises(CommandLineWrong) as wrong:
        known_names(["heId"])
    assert "held" in wrong.value.hint


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ({"on_branch": True, "recorded": False, "discarded": False}, "pass"),
        ({"on_branch": False, "recorded": True, "discarded": False}, "pass"),
        ({"on_branch": False, "recorded": False, "discarded": True}, "pass"),
        ({"on_branch": None, "recorded": False, "discarded": False}, "unknown"),
        ({"on_branch": False, "recorded": False, "discarded": False}, "block"),
    ],
)
def test_not_on_branch(words, outcome):
    """An ancestor, a recorded deployment or a discarded head; a shallow clone may not know."""
    assert preflight.not_on_branch("web", "abc", **words).outcome == outcome


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (RENDERED, "pass"),
        (None, "pass"),
        (RenderFailed(app="web", reason="x"), "block"),
        (NoRenderer(app="web", kind="helm"), "unknown"),
    ],
)
def test_renders(result, outcome):
    """What does not render blocks; what cannot be rendered here is unknown."""
    assert preflight.renders("web", result).outcome == outcome


def _of(digest, **data):
    manifests = [{"kind": "ConfigMap", "metadata": {"name": name}, "data": value} for name, value in data.items()]
    resources = tuple(
        Resource(group="", kind="ConfigMap", namespace=None, name=one["metadata"]["name"], manifest=one)
        for one in manifests
    )
    return Rendered(resources=resources, images={}, digest=digest)


@pytest.mark.parametrize(
    ("first", "second", "outcome", "detail"),
    [
        (_of("d1", a=1), _of("d1", a=1), "pass", "two renders agree"),
        (_of("d1", a=1, b=1), _of("d2", a=1, b=2), "warn", "two renders differ in ConfigMap b"),
        (_of("d1", a=1), _of("d2", a=1, c=1), "warn", "two renders differ in ConfigMap c"),
        (_of("d1", a=1, c=1), _of("d2", a=1), "warn", "two renders differ in ConfigMap c"),
        (_of("d1", a=1, b=1), _of("d2", b=1, a=1), "warn", "two renders differ in their order"),
        (_of("d1", a=1), RenderFailed(app="web", reason="no memory"), "unknown", "web does not render: no memory"),
    ],
)
def test_render_unstable(first, second, outcome, detail):
    """Two renders of one version are compared by digest; what differs is named, never shown."""
    check = preflight.render_unstable("web", first, second)
    assert (check.name, check.outcome, check.detail) == ("render-unstable", outcome, detail)


@pytest.mark.parametrize(
    ("result", "shared", "digest", "outcome"),
    [
        (RENDERED, (), "d1", "pass"),
        (RENDERED, ("base",), "d1", "pass"),
        (RENDERED, ("base",), "d2", "warn"),
        (RENDERED, (), "d2", "warn"),
        (RENDERED, (), None, "pass"),
        (RENDERED, ("base",), None, "warn"),
        (NoRenderer(app="web", kind="helm"), (), None, "unknown"),
        (NoRenderer(app="web", kind="helm"), ("base",), None, "warn"),
    ],
)
def test_shared_input(result, shared, digest, outcome):
    """The rendered result decides where it is known; else shared inputs that differ from then."""
    inputs = preflight.SharedInputs(differing=shared, sharing=("cart",) if shared else ())
    check = preflight.shared_input("web", result, inputs, ran_digest=digest)
    assert check.outcome == outcome


def test_trouble_in_the_shared_part_is_said_plainly():
    """A restore that leaves alone what the newest change touched says that it does not take that back."""
    newest = make_commit("Raise the limit for all", oid="5a1e000" + "0" * 33)
    shared = preflight.SharedInputs(differing=("base/d.yaml",), sharing=("cart", "pay"), newest=newest)
    check = preflight.shared_input("web", RENDERED, shared, ran_digest="other")
    assert check.detail == (
        "it does not render as what ran: base/d.yaml (shared with cart, pay) differs from then and stays as now; the "
        "newest change, 5a1e000 Raise the limit for all, is in the shared part alone: this restore does not take it "
        "back"
    )
    assert check.hint == "`--with-shared` takes them back, too, for all who share them"


def test_a_cluster_that_serves_other_kinds_than_then_explains_another_render():
    """A chart is told what the cluster serves, and a version may have brought a kind itself."""
    check = preflight.shared_input("web", RENDERED, preflight.SharedInputs(), ran_digest="other")
    assert check.detail.endswith("the renderer changed since, or what it is told of the cluster")


def test_what_comes_from_elsewhere_explains_another_render():
    """Same inputs and another render: what the repo does not hold is named."""
    shared = preflight.SharedInputs(elsewhere=("https://x.test/base is not in this repo",))
    check = preflight.shared_input("web", RENDERED, shared, ran_digest="other")
    assert check.detail.endswith("or what it takes in from elsewhere: https://x.test/base is not in this repo")


def test_taking_shared_inputs_back_blocks():
    """It blocks until somebody insists, and names who moves along; where nobody else does, it passes."""
    shared = preflight.SharedInputs(differing=("base/a", "base/b"), sharing=("cart",))
    check = preflight.shared_taken_back("web", shared)
    assert (check.outcome, check.detail) == (
        "block",
        "base/a, base/b (shared with cart) are taken back, too: everybody who shares it moves",
    )
    assert check.hint == "`--despite shared-input` goes ahead all the same"
    assert preflight.shared_taken_back("web", preflight.SharedInputs()).outcome == "pass"


def test_definition_changed():
    """Named by the keys that differ; unknown where the entry did not exist."""
    assert preflight.definition_changed("web", now={"a": 1}, then={"a": 1}).outcome == "pass"
    assert preflight.definition_changed("web", now={"a": 1}, then=None).outcome == "unknown"
    changed = preflight.definition_changed("web", now={"a": 1, "b": 1}, then={"a": 2})
    assert changed.outcome == "warn"
    assert changed.detail.endswith("a, b")


@pytest.mark.parametrize(
    ("runs", "outcomes"),
    [
        (None, ("unknown", "unknown", "unknown")),
        ([], ("warn", "unknown", "unknown")),
        ([{"outcome": "superseded"}], ("warn", "unknown", "unknown")),
        ([{"outcome": "succeeded", "baked_at": NOW}], ("pass", "pass", "pass")),
        ([{"outcome": "succeeded"}], ("pass", "pass", "warn")),
        ([{"outcome": "failed"}, {"outcome": "succeeded", "baked_at": NOW}], ("pass", "warn", "pass")),
        ([{"outcome": "succeeded", "baked_at": NOW, "degraded_at": NOW}], ("pass", "warn", "pass")),
    ],
)
def test_how_it_ran(runs, outcomes):
    """never-ran, failed-before, not-baked, from the newest record on."""
    records = None if runs is None else [make_deployment(number=9 - n, **run) for n, run in enumerate(runs)]
    assert tuple(check.outcome for check in preflight.ran("web", "abc", records)) == outcomes


def test_what_failed_is_called_by_its_own_commit():
    """What it comes to may have failed by another commit than the one that was asked for."""
    failed = make_deployment(number=2, outcome="failed", message="no such image")
    check = next(one for one in preflight.ran("web", "abc", [failed]) if one.name == "failed-before")
    assert check.detail == f"n2 of {failed.commit.short}: no such image"


def test_held_names_the_reason():
    """Since when and why, and what lets it go; an override says that the commit ends it."""
    hold = Hold(id="1", version="a" * 40, commit=None, since=NOW, reason="500s")
    assert preflight.held("web", "abc", None, released=False).outcome == "pass"
    check = preflight.held("web", "abc", hold, released=False)
    assert (check.outcome, "500s" in check.detail, "unhold" in check.hint) == ("block", True, True)
    assert "ends the hold" in preflight.held("web", "abc", hold, released=True).detail


def test_deletes_application():
    """Going to where the path is not there deletes; what is gone already is not deleted."""
    assert preflight.deletes_application("web", before="a", after=None).outcome == "block"
    assert preflight.deletes_application("web", before=None, after=None).outcome == "pass"
    assert preflight.deletes_application("web", before="a", after="b").outcome == "pass"


def test_others_commits():
    """Only my own commits, and nobody else's application: a pass."""
    mine, theirs = make_commit("mine"), make_commit("theirs", author=Person(name="Ines", email="i@example.com"))
    assert preflight.others_commits([mine], me=PRIYA, also=()).outcome == "pass"
    assert "Ines" in preflight.others_commits([mine, theirs], me=PRIYA, also=()).detail
    also = (AlsoAffected(app="cart", how="x"),)
    assert preflight.others_commits([mine], me=PRIYA, also=also).outcome == "block"


@pytest.mark.parametrize(
    ("name", "email", "bot"),
    [
        ("image-updater[bot]", "x@example.com", True),
        ("Renovate", "renovate@example.com", True),
        ("release bot", "r@example.com", True),
        ("GitHub", "12+dependabot[bot]@users.example.com", True),
        ("deploy-bot", "d@example.com", True),
        ("Abbott", "abbott@example.com", False),
        ("Robert Botham", "robert.botham@example.com", False),
        ("Cici", "cici@example.com", False),
    ],
)
def test_who_is_a_bot(name, email, bot):
    """A guess by name and address, which only ever warns."""
    assert preflight.is_bot(Person(name=name, email=email)) is bot
