"""An operation: something that a person asked for, with its id, and how far it has come. Pure values."""

import datetime as dt
from typing import Any, Literal

from lastgood.core.commit import Person
from lastgood.core.value import Value
from lastgood.core.words import OperationKind

Step = Literal["planned", "committed", "pushing", "waiting", "done", "failed", "unknown"]


class Moved(Value, frozen=True, kw_only=True):
    """One `Lastgood-Moved` trailer: an application, from one commit to another."""

    app: str
    from_: str
    to: str


class Operation(Value, frozen=True, kw_only=True):
    """The record of an operation.

    step: planned -> committed (its commit's id is stored) -> pushing -> done; or failed; or unknown, when nobody can
    tell whether the push arrived. By pull request: pushing (its own branch, then the request) -> waiting -> done, with
    the commit by which the branch got it; message says why it may not fit any more.
    plan: the whole plan as JSON, so that a restart goes on from it.
    """

    id: str
    kind: OperationKind
    repo: str | None
    branch: str | None
    moved: tuple[Moved, ...]
    reason: str
    despite: tuple[str, ...]
    by: Person
    requested_at: dt.datetime
    step: Step
    commit: str | None = None
    head: str | None = None
    message: str = ""
    finished_at: dt.datetime | None = None
    plan: dict[str, Any] | None = None

    @property
    def pull_request(self) -> str | None:
        """The address of its pull request; None where it is delivered by a push, or there is none yet."""
        result = (self.plan or {}).get("result")
        url = result.get("pull_request") if isinstance(result, dict) else None
        return url if isinstance(url, str) else None

    @property
    def title(self) -> str:
        """What its commit says in one line, which is its pull request's title; "" where that cannot be read."""
        return str((self.plan or {}).get("message", "")).partition("\n")[0]


class OperationClaim(Value, frozen=True, kw_only=True):
    """What the trailers of a commit claim. A claim is shown as an operation only if the content agrees."""

    id: str
    kind: OperationKind
    moved: tuple[Moved, ...]
    despite: tuple[str, ...]
    reason: str


class OperationView(Value, frozen=True, kw_only=True):
    """The `operation` field of a timeline entry. recorded: the store has its id."""

    id: str
    kind: OperationKind
    from_: str | None
    to: str | None
    reason: str
    despite: tuple[str, ...]
    recorded: bool
