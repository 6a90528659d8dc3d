"""Read the states of a Pod's containers, and find the one that is worst. Pure."""

import datetime as dt
from typing import NamedTuple

from lastgood.targets.kubernetes.health.live import Live

MAX_CONTAINERS = 1000
# Reasons of waiting that no time heals without a change, or that follow a failure. Others (ContainerCreating,
# PodInitializing) are on the way.
_BAD_REASONS = frozenset(("InvalidImageName", "RegistryUnavailable", "RROUnsupported"))
_BAD_ENDS = ("Error", "BackOff", "Failed")


class Container(NamedTuple):
    """One container as its kubelet sees it. waiting: the reason, "" where it does not wait.

    exit_code: of this run, None while it runs; last_exit: of the run before it. words: its termination message.
    """

    name: str
    init: bool
    ready: bool
    restarts: int
    waiting: str
    message: str
    started_at: dt.datetime | None
    exit_code: int | None
    exit_reason: str
    last_exit: int | None
    last_reason: str
    words: str

    @property
    def bad(self) -> bool:
        """Whether it waits for a reason that is bad news."""
        reason = self.waiting
        return reason in _BAD_REASONS or reason.startswith("Err") or reason.endswith(_BAD_ENDS)

    @property
    def reason(self) -> str:
        """Why it waits."""
        return self.waiting

    @property
    def said(self) -> str:
        """Say what is wrong with it, its own last words included."""
        said = f"container {self.name}: {self.message or self.waiting}"
        return f"{said}; {self.how_it_ended()}" if self.last_exit is not None else said

    def how_it_ended(self) -> str:
        """Say how its last run ended."""
        code = self.exit_code if self.exit_code is not None else self.last_exit
        why = self.exit_reason if self.exit_code is not None else self.last_reason
        named = f" ({why})" if why and why not in {"Error", "Completed"} else ""
        times = f", restarted {self.restarts} {'time' if self.restarts == 1 else 'times'}" if self.restarts else ""
        words = f": {self.words}" if self.words else ""
        return f"container {self.name} ended with {code}{named}{times}{words}"


def containers_of(live: Live) -> list[Container]:
    """Return the containers of a Pod that have a status, init containers first."""
    inits = live.parts("status", "initContainerStatuses")[:MAX_CONTAINERS]
    others = live.parts("status", "containerStatuses")[:MAX_CONTAINERS]
    return [*(_container(one, init=True) for one in inits), *(_container(one, init=False) for one in others)]


def worst_container(containers: list[Container]) -> Container | None:
    """Return the first container whose waiting is bad news, None where there is none."""
    return next((one for one in containers if one.bad), None)


def _container(live: Live, *, init: bool) -> Container:
    ended, before = live.part("state", "terminated"), live.part("lastState", "terminated")
    has_ended, has_ended_before = bool(ended.manifest), bool(before.manifest)
    words = ended.text("message") if has_ended else before.text("message")
    return Container(
        name=live.text("name"),
        init=init,
        ready=live.flag("ready"),
        restarts=live.count("restartCount"),
        waiting=live.text("state", "waiting", "reason"),
        message=live.text("state", "waiting", "message"),
        started_at=live.time("state", "running", "startedAt"),
        exit_code=_code(ended) if has_ended else None,
        exit_reason=ended.text("reason"),
        last_exit=_code(before) if has_ended_before else None,
        last_reason=before.text("reason"),
        words=words.strip(),
    )


def _code(ended: Live) -> int:
    code = ended.get("exitCode")
    if code is None:
        return 0
    if isinstance(code, bool) or not isinstance(code, int):
        ended.wrong(("exitCode",), "a whole number", code)
    return code
