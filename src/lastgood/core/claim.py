"""When a commit's trailers count as an operation: only if the content agrees with what they say.

Awaits the port ConfigRepo; reads no subject and no record. No guard decides by a claim: it is for showing and for undo.
"""

from lastgood.core.commit import Commit
from lastgood.core.errors import ObjectMissing
from lastgood.core.hold import hold_path
from lastgood.core.message import read_claim
from lastgood.core.operation import OperationClaim
from lastgood.core.ports import ConfigRepo

MAX_PATHS = 20_000


async def confirm_claim(repo: ConfigRepo, commit: Commit, claim: OperationClaim) -> bool:
    """Say whether the paths that a commit touched have the content that they had at a `to` commit of the claim.

    Hold files of the applications named may be touched besides (by hold and unhold, and by the undo of one,
    nothing else is). The result of a revert that no commit had before agrees with nothing: only a record tells of it.
    """
    if not commit.parents:
        return False
    try:
        parent = await repo.commit(commit.parents[0])
        touched = await repo.changes(parent.tree, commit.tree, lines=False)
        hold_files = {hold_path(move.app) for move in claim.moved}
        content = [change for change in touched if change.path not in hold_files]
        if not touched or len(touched) > MAX_PATHS:
            return False
        if claim.kind in {"hold", "unhold"} or not content:
            return not content and claim.kind != "rollback"
        return await _content_agrees(repo, commit, claim, [change.path for change in content])
    except ObjectMissing:
        return False


async def _content_agrees(repo: ConfigRepo, commit: Commit, claim: OperationClaim, paths: list[str]) -> bool:
    sources = sorted({move.to for move in claim.moved})
    for path in paths:
        if not any([await _same(repo, commit.oid, to, path) for to in sources]):
            return False
    return True


async def confirmed_claim(repo: ConfigRepo, commit: Commit) -> OperationClaim | None:
    """Return what a commit claims to be, if it claims anything and its content agrees."""
    claim = read_claim(commit.message)
    return claim if claim is not None and await confirm_claim(repo, commit, claim) else None


async def _same(repo: ConfigRepo, one: str, other: str, path: str) -> bool:
    a, b = await repo.entry(one, path), await repo.entry(other, path)
    if a is None or b is None:
        return a is b
    return (a.mode, a.oid) == (b.mode, b.oid)
