"""What is wrong in the repos, and with the records: what looking passes over, and what to do about it.

Awaits the ports; writes nothing.
"""

import contextlib
from collections.abc import Sequence

import msgspec

from lastgood.core.discovery import UNTIL_MENDED, Problem
from lastgood.core.errors import GitFailed
from lastgood.core.ports import Store
from lastgood.core.record import RepoRecord, RepoState
from lastgood.queries.followed import Followed, places

_WHAT_TO_DO: dict[RepoState, str] = {
    "empty": "push a commit with a lastgood.yaml there, or mend `branch` in lastgood.toml; what runs keeps running",
    "unreachable": "what runs keeps running, and it is asked again; `lastgood doctor` says what is wrong",
    "broken": "what runs keeps running; `lastgood doctor` says what is wrong",
    "unsupported": "what runs keeps running; `lastgood doctor` says what is wrong",
}


async def problems(
    app: str | None, *, followed: Sequence[Followed], store: Store | None, trouble: Problem | None
) -> list[Problem]:
    """Return what is wrong: the agent's trouble and the states of repos first, then what files say; hold files, too.

    app: only what concerns this one, or a whole file or repo.
    """
    found = [trouble] if trouble is not None else []
    for branch in followed:
        with contextlib.suppress(GitFailed):
            look = await branch.look()
            if look.head is None and store is not None:
                continue  # the record of the repo says whether it is empty, or out of reach
            whole = look.discovered.config is None
            found += [
                _in_repo(one, branch.repo.name, whole=whole) if store is not None else one
                for one in look.discovered.problems
                if one.app is None or app in {None, one.app}
            ]
    known = await places(followed)
    for name in [app] if app is not None else known:
        problem = await known[name].hold_problem() if name in known else None
        if problem is not None:
            found.append(_in_repo(problem, known[name].repo.name) if store is not None else problem)
    # What is wrong in lastgood.yaml was found with its line; a full disk or a loss of applications has none.
    told = {one.repo for one in found if one.app is None}
    records = await store.repos() if store is not None else ()
    states = [_state(record) for record in records if record.state not in {"ok", "broken"} or _is_untold(record, told)]
    return states + found


def records_trouble(reason: str) -> Problem:
    """Say that the agent cannot write its records. reason: why."""
    hint = "no deployment starts until they can; what runs keeps running; free some space, or end what locks them"
    return Problem(app=None, file="", line=None, reason=reason, hint=hint)


def agent_missing(reason: str, hint: str) -> Problem:
    """Say that no agent runs. hint: how one is started."""
    seen = "what is shown is as it was last seen, and nothing is deployed"
    return Problem(app=None, file="", line=None, reason=f"{reason}: {seen}", hint=f"what runs keeps running; {hint}")


def _is_untold(record: RepoRecord, told: set[str | None]) -> bool:
    return record.state == "broken" and record.name not in told


def _state(record: RepoRecord) -> Problem:
    return Problem(
        app=None,
        file="",
        line=None,
        reason=record.problem,
        hint=_WHAT_TO_DO.get(record.state, ""),
        repo=record.name,
    )


def _in_repo(problem: Problem, repo: str, *, whole: bool = False) -> Problem:
    """Name the repo of a problem, where a server follows several.

    whole: the whole file cannot be used; then what becomes of the applications is said, too.
    """
    hint = "; ".join(part for part in (UNTIL_MENDED if whole else "", problem.hint) if part)
    return msgspec.structs.replace(problem, repo=repo, hint=hint)
