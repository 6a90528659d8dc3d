"""Judge kinds by CEL expressions that the operator wrote, in a process of its own that can be ended.

The form is that of Flux's `healthCheckExprs`. An evaluator holds the interpreter's lock while it works, and an
expression of nested comprehensions works for hours: no thread and no signal handler ends it, only the kernel does.
Knows no settings file. Blocks the caller, for as long as the limit at most.
"""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lastgood.core.errors import SettingsWrong
from lastgood.core.value import Value
from lastgood.core.words import Health
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, verdict

LIMIT_S = 1.0
# A rule that ran out of time rests: else every look at such a kind would cost the limit.
REST_S = 60.0
_START_S = 30.0
_MAX_ANSWER = 100_000
# As a file: it needs nothing else of this program, and is there at once.
_WORKER = Path(__file__).with_name("cel_worker.py")

_MEANS: dict[str, tuple[Health, str, str]] = {
    "inProgress": ("Progressing", "InProgress", "the operator's rule says that it is in progress"),
    "failed": ("Degraded", "Failed", "the operator's rule says that it failed"),
    "current": ("Healthy", "Current", "the operator's rule says that it is current"),
    "none": ("Progressing", "NotCurrent", "the operator's rule does not say that it is current"),
}


class CelRule(Value, frozen=True, kw_only=True):
    """One rule. Expressions over the object, whose fields are variables; "" is never true.

    The first that is true decides: inProgress, failed, current; where none is, the object is Progressing.
    """

    api_version: str
    kind: str
    current: str
    in_progress: str = ""
    failed: str = ""


def _own_words(live: Live, rule: CelRule, answer: str) -> str:
    """Return what an object that is not well says itself: in a condition that the expression names, else at all."""
    expression = {"inProgress": rule.in_progress, "failed": rule.failed}.get(answer)
    status = live.manifest.get("status")
    if expression is None or not isinstance(status, Mapping):
        return ""
    for one in live.conditions().values():
        if one.said() and any(quote + one.type + quote in expression for quote in "'\""):
            return one.said()
    message = status.get("message")
    return message if isinstance(message, str) else ""


class CelRules:
    """The operator's rules. Safe to use from several threads, one at a time is served. Close it at the end."""

    def __init__(self, rules: Sequence[CelRule], *, limit_s: float = LIMIT_S) -> None:
        self._rules = {(rule.api_version, rule.kind): (number, rule) for number, rule in enumerate(rules)}
        self._all = list(rules)
        self._limit_s = limit_s
        self._rest_until: dict[int, float] = {}
        self._worker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Have all expressions read. Raises SettingsWrong naming the first that is no CEL."""
        if not self._all:
            return
        with self._lock:
            for wrong in self._started():
                raise SettingsWrong(
                    setting=f"health[{wrong['rule']}].{wrong['expression']}",
                    reason=f"is no CEL expression: {wrong['reason']}",
                    hint="see docs/reference/kubernetes-health.md for what an expression may say",
                )

    def judge(self, live: Live) -> HealthVerdict | None:
        """Return what the rule of that apiVersion and kind says; None where there is none.

        Unknown where the rule could not be asked, took too long, or is no CEL.
        """
        found = self._rules.get((live.text("apiVersion"), live.kind))
        if found is None:
            return None
        number, _ = found
        with self._lock:
            if time.monotonic() < self._rest_until.get(number, 0.0):
                return self._too_long()
            return self._asked(number, live)

    def close(self) -> None:
        """End the process that evaluates."""
        with self._lock:
            self._end()

    def _asked(self, number: int, live: Live) -> HealthVerdict:
        try:
            if self._worker is None and (wrong := self._started()):
                return _unknown("RuleWrong", f"the operator's rule is no CEL: {wrong[0]['reason']}")
            answer = self._exchange({"rule": number, "object": live.manifest}, self._limit_s)
        except TimeoutError:
            self._end()
            self._rest_until[number] = time.monotonic() + REST_S
            return self._too_long()
        except (OSError, ValueError, RecursionError):
            # It may have run out of memory, or been ended by its own alarm.
            self._end()
            self._rest_until[number] = time.monotonic() + REST_S
            return _unknown("RuleFailed", "the process that evaluates the operator's rule ended")
        health, reason, said = _MEANS[str(answer["answer"])]
        why = answer.get("why")
        own = _own_words(live, self._all[number], str(answer["answer"]))
        return verdict(health, reason, f"{said} ({why})" if why else f"{said}: {own}" if own else said)

    def _too_long(self) -> HealthVerdict:
        return _unknown("RuleTooSlow", f"the operator's rule took longer than {self._limit_s:g} s")

    def _started(self) -> list[dict[str, Any]]:
        """Start the process, which reads the expressions; return those that are wrong."""
        self._end()
        # -I: neither the folder that we stand in nor the environment chooses what is run.
        self._worker = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        for pipe in (self._worker.stdin, self._worker.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        asked = {
            "limit_s": self._limit_s,
            "rules": [
                {"inProgress": rule.in_progress, "failed": rule.failed, "current": rule.current} for rule in self._all
            ],
        }
        wrong: list[dict[str, Any]] = self._exchange(asked, _START_S)["wrong"]
        return wrong

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue
        worker.wait()

    def _exchange(self, asked: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Send one line, return the answer. Raises TimeoutError, OSError, ValueError."""
        if self._worker is None or self._worker.stdin is None or self._worker.stdout is None:
            raise OSError("it does not run")
        to, of = self._worker.stdin.fileno(), self._worker.stdout.fileno()
        rest = memoryview(json.dumps(asked).encode() + b"\n")
        found = b""
        until = time.monotonic() + limit_s
        while not found.endswith(b"\n"):
            left = until - time.monotonic()
            readable, writable, _ = select.select([of], [to] if rest else [], [], max(left, 0))
            if left <= 0 and not readable:
                raise TimeoutError
            if writable:
                rest = rest[os.write(to, rest[:65_536]) :]
            if readable:
                more = os.read(of, 65_536)
                found += more
                if not more or len(found) > _MAX_ANSWER:
                    raise OSError("it ended")
        answer = json.loads(found)
        if not isinstance(answer, dict):
            raise ValueError("no answer")  # noqa: TRY004 - what a process of ours says is data
        return answer


def _unknown(reason: str, message: str) -> HealthVerdict:
    return verdict("Unknown", reason, message)
