"""A row of the table: what the fields and conditions of a kind mean. Knows no kind."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast, get_args

from lastgood.core.words import Health
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.table.test import Answer, parse_test, scope_of
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, verdict

# Where operators put a sentence about a phase or state.
_WORDS = ("message", "reason", "phaseReason", "failureReason", "error", "description", "errorMessage", "statusMessage")
_CAMEL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,60}")
_HEALTHS = frozenset(get_args(Health))


class Row(NamedTuple):
    """What the objects of some kinds say of their health.

    group: an API group, or `*.` and the end of several. kinds: names, `*` for all of the group.
    rules: `Health: test & test`, the first that holds decides (`test.py` has the language).
    otherwise: where no rule holds. source: who says so.
    """

    group: str
    kinds: str
    rules: tuple[str, ...]
    otherwise: Health = "Progressing"

    def judge(self, live: Live) -> HealthVerdict:
        """Return what the first rule that holds says."""
        scope = scope_of(live.manifest)
        for rule in self.rules:
            health, tests = read_rule(rule)
            answers = []
            for test in tests:
                answer = parse_test(test)(scope)
                if answer is None:
                    break
                answers.append(answer)
            else:
                return _said(health, answers, live.manifest)
        if self.otherwise == "Progressing":
            return verdict("Progressing", "Waiting", _words(live.manifest) or "its controller has not said how it is")
        return verdict(
            self.otherwise, "", _words(live.manifest) or f"it says nothing that means otherwise than {self.otherwise}"
        )


def read_rule(rule: str) -> tuple[Health, tuple[str, ...]]:
    """Return a rule's health and its tests. Raises ValueError for what is no rule."""
    health, colon, tests = rule.partition(": ")
    if not colon or health not in _HEALTHS:
        raise ValueError(f"{rule!r} is no rule")
    return cast("Health", health), tuple(tests.split(" & "))


def _said(health: Health, answers: list[Answer], manifest: Mapping[str, Any]) -> HealthVerdict:
    """Give the words of the condition that decided, else those of the status, else the field itself."""
    decided = next((one.condition for one in answers if one.condition is not None), None)
    if decided is not None:
        said = decided.said(f"{decided.type} is {decided.status}")
        return verdict(health, decided.reason or decided.type, said, since=decided.since)
    words = _words(manifest)
    for answer in answers:
        if isinstance(answer.value, str) and answer.value:
            name = answer.field.rpartition(".")[2].rstrip("]")
            reason = answer.value if _CAMEL.fullmatch(answer.value) else ""
            return verdict(health, reason[:1].upper() + reason[1:], words or f"its {name} is {answer.value}")
    return verdict(health, "", words or f"what it says of itself means {health}")


def _words(manifest: Mapping[str, Any]) -> str:
    status = manifest.get("status")
    if not isinstance(status, Mapping):
        return ""
    return next((said for name in _WORDS if isinstance(said := status.get(name), str) and said), "")
