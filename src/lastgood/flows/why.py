"""Why a version is to be deployed: because of a commit, or of an operation that made the commit.

A recorded operation has its id in the store with this very commit; a claim in a commit's trailers counts for the
trigger that is shown if its content agrees, and never lets anything through.
"""

import asyncio
from collections.abc import Sequence

from lastgood.core.claim import confirmed_claim
from lastgood.core.commit import Commit
from lastgood.core.message import read_claim
from lastgood.core.operation import Operation
from lastgood.core.ports import ConfigRepo, Store
from lastgood.core.value import Value
from lastgood.core.words import OperationKind, Trigger

_TRIGGERS: dict[OperationKind, Trigger] = {"rollback": "rollback", "undo": "undo"}


class Why(Value, frozen=True, kw_only=True):
    """A trigger, and the operation behind it. recorded: the store has the operation with this commit."""

    trigger: Trigger
    operation: str | None = None
    recorded: bool = False


class WhyDeployed:
    """Tells from a commit of one config repo, and from the records, what asked for the version that it brought."""

    def __init__(self, *, repo: ConfigRepo, store: Store) -> None:
        self._repo = repo
        self._store = store
        self._asking: dict[str, asyncio.Task[Sequence[Operation]]] = {}

    async def __call__(self, commit: Commit, *, app: str) -> Why:
        """Say it for an application. Raises StoreFailed, GitFailed."""
        claim = read_claim(commit.message)
        claimed = claim is not None and claim.kind in _TRIGGERS and app in {moved.app for moved in claim.moved}
        operation = await self._store.operation(claim.id) if claim is not None and claimed else None
        if operation is None or operation.commit != commit.oid:
            # A forge's merge of a pull request has its own message: the record alone knows whose commit it is.
            operation = await self._merged_as(commit.oid, app)
        if operation is not None and operation.kind in _TRIGGERS:
            return Why(trigger=_TRIGGERS[operation.kind], operation=operation.id, recorded=True)
        if claim is not None and claimed and await confirmed_claim(self._repo, commit) is not None:
            return Why(trigger=_TRIGGERS[claim.kind], operation=claim.id)
        return Why(trigger="commit")

    async def _merged_as(self, commit: str, app: str) -> Operation | None:
        """Return the operation of an application whose pull request came to the branch by a commit."""
        asking = self._asking.get(commit)
        if asking is None:
            # One commit may change a thousand applications: they ask at once, and one question answers them.
            asking = self._asking[commit] = asyncio.create_task(self._store.operations(commit=commit))
            asking.add_done_callback(lambda _: self._asking.pop(commit, None))
        for one in await asyncio.shield(asking):
            mine = any(moved.app == app for moved in one.moved)
            if mine and one.step == "done" and (one.plan or {}).get("via") == "pr":
                return one
        return None
