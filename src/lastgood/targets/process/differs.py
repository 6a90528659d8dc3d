"""Say in what a process is not as it was asked for: what was done to it, or which parts of it differ. Pure.

Parts are compared by digest and told by name: their content may be secret.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lastgood.targets.process.state import FINAL, AppliedProcess, ProcessState

MAX_VARIABLES = 200
MAX_NAMED = 5
MAX_NAME = 100
_COMMAND, _ENVIRONMENT, _ARTIFACT = "command", "environment", "artifact"


def parts_of(spec: Mapping[str, Any], run: Mapping[str, Any], account: str | None) -> dict[str, str]:
    """Return digests of what a process is made of, by the words of the file that describes it.

    spec: without what is not part of what a process is. run: as settled for this machine.
    """
    parts: dict[str, Any] = {
        key: value for key, value in spec.items() if key not in ("argv", "environment", "disabled")
    }
    parts |= {_COMMAND: spec["argv"], _ARTIFACT: run["release"], "account": account}
    environment = run["environment"]
    if len(environment) > MAX_VARIABLES:
        parts[_ENVIRONMENT] = environment
    else:
        parts |= {f"{_ENVIRONMENT} {name}": value for name, value in environment.items()}
    return {name: _digest(value) for name, value in parts.items() if value is not None}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def differs(name: str, asked: AppliedProcess | None, state: ProcessState | None, *, supervised: bool) -> str:
    """Say in what a process is not as it was asked for, "" where it is.

    asked: None for one that nobody asks for; state: None for one that nobody started.
    """
    if asked is None:
        return f"{name} is there and nobody asks for it"
    if asked.disabled:
        return f"{name} is there and disabled in Git" if state is not None else ""
    if state is None:
        return f"{name} was never started"
    if state.phase in ("stopped", "stopping"):
        return f"{name} {'was' if state.phase == 'stopped' else 'is being'} stopped"
    if state.phase not in FINAL and not supervised:
        return f"{name} has lost its supervisor"
    return "" if state.digest == asked.digest else f"{name} differs{_named(asked.parts, state.parts)}"


def _named(asked: Mapping[str, str], runs: Mapping[str, str]) -> str:
    # What was started before parts were written down does not tell.
    if not asked or not runs:
        return ""
    names = sorted(one[:MAX_NAME] for one in asked.keys() | runs.keys() if asked.get(one) != runs.get(one))
    more = ["and more"] if len(names) > MAX_NAMED else []
    return f": {', '.join([*names[:MAX_NAMED], *more])}" if names else ""
