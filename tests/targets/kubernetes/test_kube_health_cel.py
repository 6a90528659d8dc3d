"""The operator's own rules, evaluated in a real process."""

import datetime as dt
import time

import pytest

from lastgood.app.health import health_rules
from lastgood.app.settings import read_settings
from lastgood.core.errors import SettingsWrong
from lastgood.targets.kubernetes.health import health_of
from lastgood.targets.kubernetes.health.cel_rules import CelRule, CelRules

NOW = dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC)
# Written by somebody who wants the agent to stand still: days of work.
ENDLESS = "status.l.map(a, status.l.map(b, status.l.map(c, status.l.map(d, a + b + c + d)))).size() > 0"
MEMORY = "status.l.map(a, status.l.map(b, status.l.map(c, 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'))).size() > 0"


def rule(kind: str = "Widget", **expressions: str) -> CelRule:
    return CelRule(api_version="x.io/v1", kind=kind, **{"current": "false", **expressions})


def widget(kind: str = "Widget", **status):
    return {"apiVersion": "x.io/v1", "kind": kind, "metadata": {"name": "w", "generation": 2}, "status": status}


@pytest.fixture(scope="module")
def rules():
    """Rules of which one never ends."""
    made = CelRules(
        [
            rule(
                in_progress="status.phase == 'Building'",
                failed="status.conditions.exists(c, c.type == 'Broken' && c.status == 'True')",
                current="status.phase == 'Ready'",
            ),
            rule("Number", current="1"),
            rule("Lower", current="status.phase.lowerAscii() == 'ready'"),
            rule("Slow", current=ENDLESS),
            rule("Fat", current=MEMORY),
            CelRule(api_version="apps/v1", kind="Deployment", current="spec.replicas == 0"),
        ]
    )
    made.check()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("status", "health", "reason"),
    [
        ({"phase": "Building", "conditions": [{"type": "Broken", "status": "True"}]}, "Progressing", "InProgress"),
        ({"phase": "Ready", "conditions": [{"type": "Broken", "status": "True"}]}, "Degraded", "Failed"),
        ({"phase": "Ready", "conditions": []}, "Healthy", "Current"),
        ({"phase": "Idle", "conditions": []}, "Progressing", "NotCurrent"),
        ({}, "Progressing", "NotCurrent"),
        ({"phase": "Ready"}, "Progressing", "NotCurrent"),
        ({"phase": "Ready", "observedGeneration": 1}, "Progressing", "NotObserved"),
    ],
)
def test_the_first_expression_that_is_true_decides(rules, status, health, reason):
    """In the order inProgress, failed, current; the generation comes before them."""
    found = health_of(widget(**status), now=NOW, own=rules)
    assert (found.health, found.reason) == (health, reason), found


def test_a_field_that_is_not_there_is_named(rules):
    """An expression that cannot be evaluated is not true, and the message says why."""
    assert health_of(widget(), now=NOW, own=rules).message.endswith("(inProgress: the object has no phase)")
    bare = {key: value for key, value in widget().items() if key != "status"}
    assert health_of(bare, now=NOW, own=rules).message.endswith("(inProgress: the object has no status)")


def test_what_the_object_says_itself_is_told(rules):
    """The words of the condition that the expression names, else those of its status, else the rule alone."""
    broken = {"type": "Broken", "status": "True", "reason": "NoDisk", "message": "no disk is left"}
    other = {"type": "Other", "status": "False", "message": "nobody asks for this"}
    found = health_of(widget(phase="Ready", conditions=[other, broken]), now=NOW, own=rules)
    assert found.message == "the operator's rule says that it failed: no disk is left"
    building = health_of(widget(phase="Building", message="step 3 of 9", conditions=[broken]), now=NOW, own=rules)
    assert building.message == "the operator's rule says that it is in progress: step 3 of 9"
    silent = health_of(widget(phase="Building", message=["odd"], conditions="odd"), now=NOW, own=rules)
    assert silent.message == "the operator's rule says that it is in progress"


def test_what_cannot_be_asked_whether_it_has_failed_is_not_healthy(rules):
    """Not checked is not fine: it says what stood in the way."""
    found = health_of(widget(phase="Ready"), now=NOW, own=rules)
    assert found.message.endswith("(failed: the object has no conditions)")


def test_a_function_that_is_not_there_is_named(rules):
    """It is no field that the object lacks: waiting for it would be in vain."""
    found = health_of(widget("Lower", phase="Ready"), now=NOW, own=rules)
    assert found.message.endswith("(current: there is no function lowerAscii for what it is given)")


def test_an_expression_that_is_neither_true_nor_false_says_so(rules):
    """A number or a text is no verdict: without a word of it the kind would be in progress for ever."""
    found = health_of(widget("Number"), now=NOW, own=rules)
    assert (found.health, found.reason) == ("Progressing", "NotCurrent")
    assert found.message.endswith("(current is neither true nor false)")


def test_a_rule_overrides_what_lastgood_knows(rules):
    """A built-in kind is judged by the operator's rule where there is one."""
    live = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 0}}
    assert health_of(live, now=NOW, own=rules).reason == "Current"
    assert health_of({**live, "kind": "ReplicaSet"}, now=NOW, own=rules).reason == "NotObserved"


def test_an_expression_that_never_ends_is_ended(rules):
    """Within its limit and a little; it rests, and other rules work on."""
    began = time.monotonic()
    slow = widget("Slow", l=list(range(1000)))
    found = health_of(slow, now=NOW, own=rules)
    took = time.monotonic() - began
    assert (found.health, found.reason) == ("Unknown", "RuleTooSlow")
    assert took < 20
    began = time.monotonic()
    assert health_of(slow, now=NOW, own=rules).reason == "RuleTooSlow"
    assert time.monotonic() - began < 0.5
    assert health_of(widget(phase="Ready", conditions=[]), now=NOW, own=rules).health == "Healthy"


def test_an_expression_that_eats_memory_hurts_only_itself(rules):
    """Its process has a bound; the verdict is Unknown."""
    assert health_of(widget("Fat", l=list(range(2000))), now=NOW, own=rules).health == "Unknown"
    assert health_of(widget(phase="Ready", conditions=[]), now=NOW, own=rules).health == "Healthy"


def test_no_process_is_left():
    """Closing ends the process; a rule that is not asked starts none."""
    made = CelRules([rule(current="true")])
    assert made._worker is None
    made.check()
    worker = made._worker
    made.close()
    assert worker.poll() is not None


def test_what_is_no_cel_is_refused_by_name(tmp_path):
    """The setting is named as its writer spells it."""
    file = tmp_path / "lastgood.toml"
    file.write_text('[[health]]\napiVersion = "x.io/v1"\nkind = "W"\ncurrent = "true"\nfailed = "status.("\n')
    with pytest.raises(SettingsWrong, match=r"^health\[0\]\.failed: is no CEL expression"):
        health_rules(read_settings(file))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[health]]\nkind = "W"\ncurrent = "true"', "api_version|apiVersion"),
        ('[[health]]\napiVersion = "a/v1"\nkind = "W"', "current"),
        ('[[health]]\napiVersion = "a/v1"\nkind = "W"\ncurrent = "true"\n' * 2, "same apiVersion and kind"),
        ('[[health]]\napiVersion = "a/v1"\nkind = "*"\ncurrent = "true"\n', "a rule is for one kind"),
        ('[[health]]\napiVersion = "a/v1"\nkind = "W V"\ncurrent = "true"\n', "a rule is for one kind"),
        ('[[health]]\napiVersion = "a.io"\nkind = "W"\ncurrent = "true"\n', "is no apiVersion"),
        ('[[health]]\napiVersion = "a/v1/x"\nkind = "W"\ncurrent = "true"\n', "is no apiVersion"),
        ('[[health]]\napiVersion = "a/v1"\nkind = "W"\ncurrent = "true"\nready = "true"', "ready"),
    ],
)
def test_rules_that_lack_something_are_refused(tmp_path, text, reason):
    """No rule is half understood."""
    file = tmp_path / "lastgood.toml"
    file.write_text(text)
    with pytest.raises(SettingsWrong, match=reason):
        read_settings(file)
