"""How far an operation has come, in five steps: committed, pushed, rendered, applied, healthy. Read, never guessed."""

import datetime as dt

from lastgood.core.deployment import Deployment, Phase
from lastgood.core.errors import Unknown, UnknownVersion
from lastgood.core.operation import Operation
from lastgood.core.ports import Lastgood
from lastgood.core.pull_request import CLOSED
from lastgood.core.resource import ImageChange
from lastgood.core.status import StatusView
from lastgood.core.value import Value
from lastgood.core.words import Outcome
from lastgood.web.badge import Badge, health_badge
from lastgood.web.clockface import span

END_STEPS = ("done", "stopped")
_TITLES = {
    "rollback": ("Rolling back", "Rolled back"),
    "undo": ("Undoing", "Undone"),
    "hold": ("Placing a hold on", "Held a version of"),
    "unhold": ("Releasing a hold of", "Released a hold of"),
}
_GIT_ONLY = ("hold", "unhold", "pause", "resume", "forget")


class StepView(Value, frozen=True, kw_only=True):
    """One step. state: done, now, failed, waiting or unknown."""

    name: str
    state: str
    detail: str
    at: dt.datetime | None = None
    took: str = ""

    @property
    def tone(self) -> str:
        """The class of the step."""
        return {"done": "t-ok", "now": "t-run", "failed": "t-bad", "unknown": "t-part"}.get(self.state, "t-off")


class ResourceLine(Value, frozen=True, kw_only=True):
    """One running thing of one application, or one that is not well, as observed now. ready: of how many, in words."""

    app: str
    kind: str
    name: str
    badge: Badge
    ready: str
    message: str


class LogLine(Value, frozen=True, kw_only=True):
    """One line of what happened."""

    at: dt.datetime
    text: str


class Run(Value, frozen=True, kw_only=True):
    """The deployment that an operation led to, of one application."""

    app: str
    number: int | None
    outcome: Outcome
    message: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    phases: tuple[Phase, ...]
    images: tuple[ImageChange, ...]

    @classmethod
    def of(cls, found: Deployment) -> "Run":
        """Take from a record what the page shows."""
        return cls(
            app=found.app,
            number=found.number,
            outcome=found.outcome,
            message=found.message,
            started_at=found.started_at,
            finished_at=found.finished_at,
            phases=found.phases,
            images=found.images,
        )


class Progress(Value, frozen=True, kw_only=True):
    """An operation as its page shows it. state: running, done, stopped or unknown.

    deploys: whether it is to bring another version. moved_on: another deployment came since, so that what it led to no
    longer runs, or runs anew.
    """

    operation: Operation
    apps: tuple[str, ...]
    title: str
    state: str
    headline: str
    elapsed: str
    steps: tuple[StepView, ...]
    resources: tuple[ResourceLine, ...]
    images: tuple[ImageChange, ...]
    log: tuple[LogLine, ...]
    may_undo: bool
    deploys: bool
    moved_on: bool


async def progress_of(lastgood: Lastgood, identity: str, *, now: dt.datetime) -> Progress:
    """Ask for the operation, for the status of each application that it moved, and for what it led to.

    Where another deployment came since, its record is asked for. Raises UnknownOperation.
    """
    operation = await lastgood.operation(identity)
    apps = tuple(moved.app for moved in operation.moved)
    statuses, runs = [], []
    for app in apps:
        try:
            status = await lastgood.status(app)
        except Unknown:
            continue
        statuses.append(status)
        run = _run_of(operation, status) or await _recorded_run(lastgood, operation, status)
        if run is not None:
            runs.append(run)
    return describe(operation, statuses, runs, now=now)


def describe(operation: Operation, statuses: list[StatusView], deployments: list[Run], *, now: dt.datetime) -> Progress:
    """Put the steps together from an operation, the present state of its applications and what it led to. Pure."""
    apps = tuple(moved.app for moved in operation.moved)
    steps = _git_steps(operation)
    deploys = _deploys(operation)
    if deploys:
        pushed = operation.step == "done"
        steps += _target_steps(deployments, statuses, expected=len(apps) if pushed else 0)
    state = _state(operation, steps)
    doing, did = _TITLES.get(operation.kind, (operation.kind.capitalize(), operation.kind.capitalize()))
    if operation.step == "failed":
        doing = f"{operation.kind.capitalize()} of"
    in_git = operation.step == "failed" or not deploys
    ended = operation.finished_at if in_git else _ended(deployments)
    elapsed = span(((ended if state in END_STEPS and ended else now) - operation.requested_at).total_seconds())
    later = [
        status.deployment
        for status in statuses
        for run in deployments
        if run.app == status.application.name
        and status.deployment is not None
        and status.deployment.number != run.number
    ]
    return Progress(
        operation=operation,
        apps=apps,
        title=f"{did if state == 'done' else doing} {', '.join(apps) or operation.repo or 'everything'}",
        state=state,
        headline=_headline(state, steps, elapsed, operation),
        elapsed=elapsed,
        steps=tuple(steps),
        resources=tuple(
            ResourceLine(
                app=status.application.name,
                kind=found.kind,
                name=found.name,
                badge=health_badge(found.health),
                ready=f"{found.ready} of {found.wanted}" if found.counts else "",
                message=found.message,
            )
            for status in statuses
            for found in status.resources
            if found.counts or found.health != "Healthy"
        ),
        images=tuple(image for deployment in deployments for image in deployment.images),
        log=_log(operation, deployments),
        # An undo refuses what moved since: it would take that along.
        may_undo=operation.kind == "rollback"
        and operation.step == "done"
        and all(one.commit.oid == operation.commit for one in later),
        deploys=deploys,
        moved_on=bool(later),
    )


def _deploys(operation: Operation) -> bool:
    """Say whether an operation brings another version. The undo of a hold changes Git alone, as a hold does."""
    parts = (operation.plan or {}).get("applications", ())
    stays = bool(parts) and all((part.get("from") or {}).get("version") == part.get("version") for part in parts)
    return operation.kind not in _GIT_ONLY and not stays


def _run_of(operation: Operation, status: StatusView) -> Run | None:
    found = status.deployment
    if found and (found.operation == operation.id or (operation.commit and found.commit.oid == operation.commit)):
        return Run.of(found)
    return None


async def _recorded_run(lastgood: Lastgood, operation: Operation, status: StatusView) -> Run | None:
    """Return what became of an operation that a later deployment followed; None where none of its own is recorded."""
    last = status.deployment
    later = last is not None and last.started_at >= operation.requested_at
    if not later or operation.step != "done" or operation.commit is None or not _deploys(operation):
        return None
    try:
        entry = await lastgood.show(status.application.name, operation.commit)
    except UnknownVersion:
        return None
    found = entry.deployment
    if found is None:
        return None
    return Run(
        app=entry.app,
        number=entry.number,
        outcome=found.outcome,
        message=found.message,
        started_at=found.started_at,
        finished_at=found.finished_at,
        phases=found.phases,
        images=entry.images or (),
    )


def _git_steps(operation: Operation) -> list[StepView]:
    step, commit = operation.step, (operation.commit or "")[:7]
    committed = StepView(name="Committed", state="done", detail=commit, at=operation.requested_at)
    by_request = (operation.plan or {}).get("via") == "pr"
    word, failed = ("Merged", "Not merged") if by_request else ("Pushed", "Push failed")
    pushed = StepView(name=word, state="waiting", detail="")
    branch = operation.branch or ""
    if step == "planned":
        committed = StepView(name="Committed", state="now", detail="waiting for its turn")
    elif step == "failed" and not operation.commit:
        committed = StepView(name="Committed", state="failed", detail=operation.message)
    elif step == "failed":
        pushed = StepView(name=failed, state="failed", detail=operation.message)
    elif step == "waiting":
        pushed = StepView(name=word, state="now", detail=operation.message)
    elif step in {"committed", "pushing"}:
        pushed = StepView(name=word, state="now", detail=f"to {branch}")
    elif step == "unknown":
        pushed = StepView(name=word, state="unknown", detail=operation.message or "no clear answer came back")
    else:
        pushed = StepView(name=word, state="done", detail=branch, at=operation.finished_at)
    return [committed, pushed]


def _target_steps(deployments: list[Run], statuses: list[StatusView], *, expected: int) -> list[StepView]:
    rendered = _phase_step("Rendered", "render", deployments, expected)
    applied = _phase_step("Applied", "apply", deployments, expected)
    health = [status.application.health for status in statuses]
    well = sum(word == "Healthy" for word in health)
    failed = next((found for found in deployments if found.outcome in {"failed", "partial", "superseded"}), None)
    over = (
        expected > 0 and len(deployments) == expected and all(found.outcome != "in-progress" for found in deployments)
    )
    counted = "" if expected <= 1 else f"{well} of {expected}"
    if failed and applied.state == "done":
        healthy = StepView(name=f"Ended: {failed.outcome}", state="failed", detail=failed.message)
    elif over and applied.state == "done":
        state = "done" if well == len(health) else "failed"
        # It was healthy when the deployment ended; what has come since then is said as it is.
        detail = counted if state == "done" else f"now {', '.join(word or 'Unknown' for word in health)}"
        healthy = StepView(name="Healthy", state="done", detail=detail, at=_ended(deployments))
    elif applied.state == "done":
        healthy = StepView(name="Healthy", state="now", detail=counted)
    else:
        healthy = StepView(name="Healthy", state="waiting", detail="")
    return [rendered, applied, healthy]


def _phase_step(name: str, phase: str, deployments: list[Run], expected: int) -> StepView:
    found: list[tuple[Run, Phase]] = [
        (deployment, part) for deployment in deployments for part in deployment.phases if part.name == phase
    ]
    finished = [(deployment, part) for deployment, part in found if part.finished_at]
    ended = [deployment for deployment in deployments if deployment.outcome not in {"in-progress", "succeeded"}]
    stuck = next((deployment for deployment in ended if not _went_past(deployment, phase)), None)
    if stuck:
        return StepView(name=name, state="failed", detail=stuck.message)
    if expected and len(finished) >= expected:
        last = max(part.finished_at for _, part in finished if part.finished_at)
        took = sum((part.finished_at - part.started_at).total_seconds() for _, part in finished if part.finished_at)
        detail = finished[0][1].message if len(finished) == 1 else f"{len(finished)} applications"
        return StepView(name=name, state="done", detail=detail, at=last, took=f"{took:.1f} s")
    if expected and len(deployments) == expected and all(item.outcome == "succeeded" for item in deployments):
        return StepView(name=name, state="done", detail="")
    waits = next((deployment.message for deployment, part in found if not part.finished_at), "")
    return StepView(name=name, state="now" if found else "waiting", detail=waits)


def _went_past(deployment: Run, phase: str) -> bool:
    # A failed deployment names in its phases how far it came: its last phase is where it failed.
    names = [part.name for part in deployment.phases]
    return phase in names and names[-1] != phase


def _state(operation: Operation, steps: list[StepView]) -> str:
    if operation.step == "unknown":
        return "unknown"
    if any(step.state == "failed" for step in steps):
        return "stopped"
    return "done" if all(step.state == "done" for step in steps) else "running"


def _headline(state: str, steps: list[StepView], elapsed: str, operation: Operation) -> str:
    if state == "done":
        return f"Done, and healthy after {elapsed}" if _deploys(operation) else f"Done after {elapsed}"
    if state == "unknown":
        request = (operation.plan or {}).get("via") == "pr"
        return f"It is not known whether the {'pull request was opened' if request else 'push arrived'}"
    if operation.step == "failed" and operation.pull_request is not None:
        if CLOSED in (operation.plan or {}):
            return "The pull request was not merged"
        return "The pull request did not bring what was planned"
    if state == "stopped":
        number = next(at for at, step in enumerate(steps, 1) if step.state == "failed")
        return f"Step {number} of {len(steps)} did not work"
    current = next((at for at, step in enumerate(steps, 1) if step.state != "done"), len(steps))
    return f"Step {current} of {len(steps)}: {_DOING.get(steps[current - 1].name, 'under way')}"


_DOING = {
    "Committed": "writing the commit",
    "Pushed": "pushing",
    "Merged": "waiting for the pull request",
    "Rendered": "waiting for the agent to render",
    "Applied": "applying",
    "Healthy": "waiting for healthy",
}


def _ended(deployments: list[Run]) -> dt.datetime | None:
    times = [found.finished_at for found in deployments if found.finished_at]
    return max(times, default=None)


def _log(operation: Operation, deployments: list[Run]) -> tuple[LogLine, ...]:
    asked = f"{operation.kind.capitalize()} asked for by {operation.by.name}"
    lines = [LogLine(at=operation.requested_at, text=asked)]
    lines += [LogLine(at=operation.requested_at, text=f"{check} overridden") for check in operation.despite]
    if operation.finished_at is not None and operation.pull_request is not None:
        merged = f"{operation.pull_request} merged as {(operation.commit or '')[:7]}"
        ended = merged if operation.step == "done" else operation.message
        lines.append(LogLine(at=operation.finished_at, text=ended))
    for found in deployments:
        lines.append(LogLine(at=found.started_at, text=f"{found.app}: deployment n{found.number} started"))
        lines += [
            LogLine(at=part.finished_at or part.started_at, text=f"{found.app}: {part.name} {part.message}".strip())
            for part in found.phases
        ]
        if found.finished_at:
            lines.append(LogLine(at=found.finished_at, text=f"{found.app}: {found.outcome} {found.message}".strip()))
    return tuple(sorted(lines, key=lambda line: line.at))[-200:]
