"""Why a version is to be deployed: because of a commit, or of an operation that made the commit.

A recorded operation has its id in the store with this very commit; a claim in a commit's trailers counts for the
trigger that is shown if its content agrees, and never lets anything through.
"""

from lastgood.core.claim import confirmed_claim
from lastgood.core.commit import Commit
from lastgood.core.message import read_claim
from lastgood.core.operation import Operation
from lastgood.core.ports import ConfigRepo, Store
from lastgood.core.value import Value
from lastgood.core.words import OperationKind, Trigger

# Among so many newest operations of an application the one that was merged is looked for.
_RECENT = 20
_TRIGGERS: dict[OperationKind, Trigger] = {"rollback": "rollback", "undo": "undo"}


class Why(Value, frozen=True, kw_only=True):
    """A trigger, and the operation behind it. recorded: the store has the operation with this commit."""

    trigger: Trigger
    operation: str | None = None
    recorded: bool = False


async def why_deployed(commit: Commit, *, app: str, repo: ConfigRepo, store: Store) -> Why:
    """Tell from a commit, and from the records, what asked for the version that it brought to an application.

    Raises StoreFailed, GitFailed.
    """
    claim = read_claim(commit.message)
    claimed = claim is not None and claim.kind in _TRIGGERS and app in {moved.app for moved in claim.moved}
    operation = await store.operation(claim.id) if claim is not None and claimed else None
    if operation is None or operation.commit != commit.oid:
        # A forge's merge of a pull request has its own message: the record alone knows whose commit it is.
        operation = await _merged_as(commit, app=app, store=store)
    if operation is not None and operation.kind in _TRIGGERS:
        return Why(trigger=_TRIGGERS[operation.kind], operation=operation.id, recorded=True)
    if claim is not None and claimed and await confirmed_claim(repo, commit) is not None:
        return Why(trigger=_TRIGGERS[claim.kind], operation=claim.id)
    return Why(trigger="commit")


async def _merged_as(commit: Commit, *, app: str, store: Store) -> Operation | None:
    for one in await store.operations(app=app, limit=_RECENT):
        if one.step == "done" and one.commit == commit.oid and (one.plan or {}).get("via") == "pr":
            return one
    return None
