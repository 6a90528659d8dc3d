"""Judge a process by what its supervisor says of it. Pure: one state in, one verdict out.

The rules, first match wins, stand in `judge`. What this cannot know: whether a process without a readiness probe
does its work; running is all that can be seen of it.
"""

from lastgood.core.observation import ResourceHealth
from lastgood.core.words import Health
from lastgood.targets.process.state import FINAL, ProcessState

KIND = "Process"


def judge(
    name: str, state: ProcessState | None, *, disabled: bool, supervised: bool, stalled: bool, applying: bool
) -> ResourceHealth:
    """Say how a process is.

    state: what its supervisor wrote last, None for nothing; supervised: that supervisor still runs; stalled: it was
    stopped by somebody; applying: lastgood is at work on this application at this moment.
    Returns health, a reason in CamelCase and a sentence.
    """
    if disabled:
        verdict: _Verdict = ("Suspended", "Disabled", "it is disabled")
    elif state is None or state.phase == "stopped":
        why = "it was never started" if state is None else "it was stopped"
        verdict = ("Progressing", "Waiting", "it is not started yet") if applying else ("Missing", "NotRunning", why)
    elif state.phase not in FINAL and not supervised:
        gone: _Verdict = ("Missing", "SupervisorGone", "its supervisor is gone")
        verdict = ("Progressing", "Waiting", "it is started anew") if applying else gone
    elif stalled:
        verdict = ("Unknown", "SupervisorStopped", "its supervisor was stopped by a signal")
    elif state.failures and state.phase in _AFTER_FAILURES:
        health, reason, words = _AFTER_FAILURES[state.phase]
        verdict = (health, reason, words.format(times=_times(state.failures)))
    else:
        health, reason, words = _BY_PHASE["ended" if state.phase == "completed" and state.probed else state.phase]
        verdict = (health, reason, words or state.message)
    return ResourceHealth(
        kind=KIND,
        name=name,
        health=verdict[0],
        reason=verdict[1],
        message=verdict[2],
        ready=int(verdict[1] in ("Ready", "Restarted")),
    )


_Verdict = tuple[Health, str, str]

# Where the sentence is empty, the supervisor's own says more.
_BY_PHASE: dict[str, _Verdict] = {
    "starting": ("Progressing", "Starting", "it is not ready yet"),
    "ready": ("Healthy", "Ready", ""),
    "unready": ("Degraded", "NotReady", ""),
    "backoff": ("Degraded", "CrashLoop", ""),
    "completed": ("Healthy", "Completed", "it ended with 0"),
    "ended": ("Degraded", "Ended", "it ended, and its readiness probe says that it should serve"),
    "failed": ("Degraded", "Failed", ""),
    "stopping": ("Progressing", "Stopping", "it is being stopped"),
}

# Ready again is not Healthy at once: a process that lives for two seconds each time is not.
_AFTER_FAILURES: dict[str, _Verdict] = {
    "starting": ("Degraded", "CrashLoop", "it ended {times} in a row and is not ready again"),
    "ready": ("Progressing", "Restarted", "it is ready again after it ended {times} in a row"),
}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
