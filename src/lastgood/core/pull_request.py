"""A pull request (a merge request) of a config repo, as its forge tells of it. A pure value."""

from typing import Literal

from lastgood.core.value import Value
from lastgood.core.words import OperationKind

PullState = Literal["open", "merged", "closed"]
# Beside the plan of an operation whose pull request was closed: somebody may open it again.
CLOSED = "closed"


class PullRequest(Value, frozen=True, kw_only=True):
    """closed: without merging. into: the branch that it is for, which somebody may have changed.

    merged_as: the commit by which that branch got it, where the forge says so.
    """

    number: int
    url: str
    state: PullState
    into: str
    merged_as: str | None = None


def proposed_branch(kind: OperationKind, operation: str) -> str:
    """Return the branch of a config repo that holds the commit of an operation until its pull request is merged."""
    return f"lastgood/{kind}/{operation}"
