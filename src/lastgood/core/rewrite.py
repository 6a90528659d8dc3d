"""Whether a branch went on, went back or was replaced between two looks, and who changed one path meanwhile.

Asks the ConfigRepo port; knows no record and no clock.
"""

from lastgood.core.commit import Commit
from lastgood.core.errors import ObjectMissing
from lastgood.core.ports import ConfigRepo
from lastgood.core.record import HeadKind

# A push of more commits than this is blamed on its newest commit: a walk must end, and the record names the head.
MAX_WALK = 500


async def head_kind(repo: ConfigRepo, *, previous: str | None, head: str) -> HeadKind:
    """Say how a branch came from the head seen last to this one.

    previous: None where none was seen. Returns first, forward, rewound (the old head is no longer in the branch, the
    new one was in the old) or diverged (neither is in the other, or the old one is not here any more).
    """
    if previous is None:
        return "first"
    try:
        if previous == head or await repo.is_ancestor(previous, head):
            return "forward"
        return "rewound" if await repo.is_ancestor(head, previous) else "diverged"
    except ObjectMissing:
        return "diverged"


async def path_changed_by(repo: ConfigRepo, path: str, *, previous: str | None, head: str) -> Commit:
    """Return the newest first-parent commit after `previous` that changed what stands at a path.

    The head itself, where the walk finds none: after a rewrite, or at the end of a long push.
    """
    newest = commit = await repo.commit(head)
    here = await repo.entry(head, path)
    for _ in range(MAX_WALK):
        if not commit.parents or commit.oid == previous:
            break
        try:
            before = await repo.entry(commit.parents[0], path)
            if before != here:
                return commit
            commit = await repo.commit(commit.parents[0])
        except ObjectMissing:
            break
    return newest
