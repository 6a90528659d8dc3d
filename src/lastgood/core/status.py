"""One application in full, and what came of waiting for it. Pure values."""

import datetime as dt
from collections.abc import Iterable, Sequence

from lastgood.core.application import ApplicationView, Policy
from lastgood.core.deployment import Deployment
from lastgood.core.hold import Hold
from lastgood.core.observation import ResourceHealth, ResourceResult
from lastgood.core.operation import Operation
from lastgood.core.record import Pause, RepoRecord
from lastgood.core.value import Value
from lastgood.core.words import Health, OperationKind, Outcome

# So long somebody may not have looked how the request ended that they made.
_TOLD_FOR = dt.timedelta(days=1)


class WaitingRequest(Value, frozen=True, kw_only=True):
    """A rollback, an undo or a hold that waits for its pull request, at `url`.

    title: what it asks for, as the pull request's title says it ("" where that cannot be read). message: why it may not
    fit any more, or how it stands is not known; "" where it waits for nothing but the merge.
    """

    operation: str
    kind: OperationKind
    url: str
    by: str
    since: dt.datetime
    message: str
    title: str = ""


def waiting_requests(operations: Iterable[Operation]) -> tuple[WaitingRequest, ...]:
    """Return those of these operations that wait for a pull request, in their order."""
    return tuple(
        WaitingRequest(
            operation=one.id,
            kind=one.kind,
            url=one.pull_request,
            by=one.by.name,
            since=one.requested_at,
            message=one.message,
            title=one.title,
        )
        for one in operations
        if one.step == "waiting" and one.pull_request is not None
    )


def not_done(operations: Sequence[Operation], *, now: dt.datetime) -> str | None:
    """Say why an application's newest operation is not done: nobody answered, or its pull request came to nothing.

    That one is said for a day. operations: newest first.
    """
    newest = operations[0] if operations else None
    if newest is not None and newest.step == "unknown":
        return f"{newest.kind}: {newest.message}; the same command finishes it"
    if newest is None or newest.step != "failed" or newest.pull_request is None or newest.finished_at is None:
        return None
    return f"{newest.kind}: {newest.message}" if now - newest.finished_at < _TOLD_FOR else None


class StatusView(Value, frozen=True, kw_only=True):
    """What `status APP` prints. resources, deployment, health_message, sync_message, left: None or empty in Git alone.

    health_message: what is not well, and why. sync_message: what is not as asked for, and who changed it. left: what
    left Git and was not deleted, and why, as the newest deployment that came to deleting found it. waiting: rollbacks
    by pull request, newest first.
    """

    application: ApplicationView
    policy: Policy
    holds: tuple[Hold, ...]
    pauses: tuple[Pause, ...]
    repo: RepoRecord | None
    deployment: Deployment | None
    resources: tuple[ResourceHealth, ...]
    health_message: str
    warnings: tuple[str, ...] = ()
    left: tuple[ResourceResult, ...] = ()
    sync_message: str = ""
    waiting: tuple[WaitingRequest, ...] = ()

    @property
    def further_warnings(self) -> tuple[str, ...]:
        """The warnings that its state (stopped, broken, removed) or its refusal does not say already."""
        app = self.application
        told = app.message if app.state != "followed" or app.refused is not None else None
        return tuple(text for text in self.warnings if text != told)


class WaitResult(Value, frozen=True, kw_only=True):
    """How waiting ended. healthy: every application runs what was pushed and is Healthy."""

    healthy: bool
    health: dict[str, Health]
    outcome: dict[str, Outcome | None]
    message: str
