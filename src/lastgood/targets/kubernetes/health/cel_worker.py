"""The process that evaluates CEL: one line of JSON in, one line out, until its input ends.

First `{limit_s, rules: [{inProgress, failed, current}]}`, answered by `{wrong: [{rule, expression, reason}]}`; then
`{rule, object}`, answered by `{answer: inProgress|failed|current|none, why}`. Knows nothing of health.
"""

import json
import re
import resource
import signal
import sys
from typing import Any

ORDER = ("inProgress", "failed", "current")
MAX_MEMORY_BYTES = 1024**3
MAX_EXPRESSION = 10_000
_MAX_WHY = 300
_UNDEFINED = re.compile(r"Undefined variable or function: '(\w{1,100})'")


def main() -> None:
    """Serve."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The terminal's Ctrl-C is for the program that asks; the alarm's own action ends this one, whatever it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    import cel  # noqa: PLC0415 - after the limits hold

    setup = json.loads(sys.stdin.readline())
    programs, wrong = _compiled(cel, setup["rules"])
    _write({"wrong": wrong})
    for line in sys.stdin:
        asked = json.loads(line)
        # Whoever asks ends this process when its time is over; if they are gone, the alarm does.
        signal.setitimer(signal.ITIMER_REAL, setup["limit_s"] + 1)
        _write(_evaluate(programs[asked["rule"]], asked["object"]))
        signal.setitimer(signal.ITIMER_REAL, 0)


def _compiled(cel: Any, rules: list[dict[str, str]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    programs: list[dict[str, Any]] = []
    wrong: list[dict[str, Any]] = []
    for number, rule in enumerate(rules):
        programs.append({})
        for name in ORDER:
            if not rule[name]:
                continue
            if len(rule[name]) > MAX_EXPRESSION:
                reason = f"it is longer than {MAX_EXPRESSION} characters"
                wrong.append({"rule": number, "expression": name, "reason": reason})
                continue
            try:
                programs[-1][name] = cel.compile(rule[name])
            except Exception as failed:  # noqa: BLE001 - whatever the library says of it, it is no expression
                wrong.append({"rule": number, "expression": name, "reason": _first_line(failed)})
    return programs, wrong


def _evaluate(programs: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the first expression that is true. One that cannot be evaluated (a field is missing) is not true.

    And where nobody could say whether it has failed, or is in progress, it is not current.
    """
    why = ""
    for name in ORDER:
        if name not in programs:
            continue
        try:
            found = programs[name].execute(manifest)
            if found is True and (name != "current" or not why):
                return {"answer": name}
            if not isinstance(found, bool):
                why = why or f"{name} is neither true nor false"
        except Exception as failed:  # noqa: BLE001 - the library has errors of many kinds for a missing field
            why = why or f"{name}: {_missing(failed, programs[name].functions()) or _first_line(failed)}"
    return {"answer": "none", "why": why}


def _missing(failed: Exception, functions: list[str]) -> str:
    """Say which of the object's own fields is not there; the library takes it for a name that was misspelt.

    functions: the names that the expression calls, which no object will ever bring.
    """
    if isinstance(failed, KeyError):
        return f"the object has no {failed.args[0]}"[:_MAX_WHY]
    found = _UNDEFINED.match(str(failed))
    if found and found[1] in functions:
        return f"there is no function {found[1]} for what it is given"
    return f"the object has no {found[1]}" if found else ""


def _first_line(failed: Exception) -> str:
    return (str(failed).strip() or type(failed).__name__).split("\n")[0][:_MAX_WHY]


def _write(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
