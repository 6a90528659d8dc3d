"""Find the operation that an undo takes back: by the records, else by what commits claim and their content confirms."""

from lastgood.core.application import Application, Scope
from lastgood.core.claim import confirmed_claim
from lastgood.core.commit import Commit
from lastgood.core.errors import NothingToUndo, UnknownOperation
from lastgood.core.operation import Moved, Operation
from lastgood.core.value import Value
from lastgood.core.words import OperationKind
from lastgood.flows.branch import Look
from lastgood.flows.recover import GIT_KINDS
from lastgood.flows.requested import is_request

_HOLDS = Scope(path=".lastgood/holds")
_LOOKED_AT = 64


class Done(Value, frozen=True, kw_only=True):
    """An operation that is on the branch. commit: its own; of a reset: where the branch was moved to.

    discarded: the head that a reset left, None for anything but a reset.
    """

    id: str
    kind: OperationKind
    moved: tuple[Moved, ...]
    commit: Commit
    moves_branch: bool = False
    discarded: str | None = None


async def last_operation(look: Look, app: Application, *, operation: str | None) -> Done:
    """Return the newest operation of an application that is on the branch; operation: the one with that id.

    Raises NothingToUndo, UnknownOperation.
    """
    found = [
        done
        for done in (await _recorded(look, app, operation), await _claimed(look, app, operation))
        if done is not None
    ]
    if not found:
        if operation is not None:
            raise UnknownOperation(operation=operation, app=app.name)
        raise NothingToUndo(app=app.name)
    recorded = found[0]
    claimed = found[-1]
    if recorded.id == claimed.id:
        return recorded
    newer = await look.branch.repo.is_ancestor(recorded.commit.oid, claimed.commit.oid)
    return claimed if newer and not recorded.moves_branch else recorded


async def _recorded(look: Look, app: Application, operation: str | None) -> Done | None:
    repo, head = look.branch.repo, look.head.oid
    last: Done | None = None
    for record in await look.branch.journal.operations(app.name, limit=_LOOKED_AT):
        # They come as they were asked for. A pull request may have been merged long after: Git tells which came last.
        if last is not None and (last.moves_branch or not is_request(record)):
            continue
        if operation is not None and record.id != operation:
            continue
        if record.kind not in GIT_KINDS or record.step != "done" or record.commit is None:
            continue
        if (record.repo, record.branch) != (repo.name, look.branch.name):
            continue
        if await repo.is_ancestor(record.commit, head) is not True:
            continue
        done = await _done(look, record)
        # A reset whose discarded head is back is over.
        over = done.discarded is not None and await repo.is_ancestor(done.discarded, head) is not False
        if not over and (last is None or await repo.is_ancestor(last.commit.oid, done.commit.oid) is True):
            last = done
    return last


async def _done(look: Look, record: Operation) -> Done:
    moves = (record.plan or {}).get("mode") == "reset"
    return Done(
        id=record.id,
        kind=record.kind,
        moved=record.moved,
        commit=await look.branch.repo.commit(str(record.commit)),
        moves_branch=moves,
        discarded=record.head if moves and record.kind == "rollback" else None,
    )


async def _claimed(look: Look, app: Application, operation: str | None) -> Done | None:
    repo, head = look.branch.repo, look.head.oid
    found: list[Done] = []
    for scope in (app.scope, _HOLDS):
        for entry in (await repo.history(head, scope, limit=_LOOKED_AT)).entries:
            claim = await confirmed_claim(repo, entry.commit)
            if claim is None or (operation is not None and claim.id != operation):
                continue
            if any(move.app == app.name for move in claim.moved):
                found.append(Done(id=claim.id, kind=claim.kind, moved=claim.moved, commit=entry.commit))
                break
    if len(found) > 1 and await repo.is_ancestor(found[0].commit.oid, found[1].commit.oid):
        return found[1]
    return found[0] if found else None
