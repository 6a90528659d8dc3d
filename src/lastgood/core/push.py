"""Judge a push by where the remote's branch is afterwards, not by what the server printed.

`[remote rejected]` alone says nothing: git prints it for a lost race, too. Knows no repository and no process.
"""

from collections.abc import Awaitable, Callable

from lastgood.core.errors import HeadMoved, PushRefused, PushUnknown

IsAncestor = Callable[[str, str], Awaitable[bool | None]]
"""(ancestor, descendant): as `ConfigRepo.is_ancestor`."""


async def judge_push(
    *, branch: str, commit: str, expected: str, found: str | None, refusal: str | None, is_ancestor: IsAncestor
) -> None:
    """Return if the push arrived, also when somebody has pushed on top of it since.

    expected: where the branch was to be moved from; found: where it is now (its history is here), None if gone.
    refusal: the server's words, None if it gave no clear answer. Raises HeadMoved, PushRefused, or PushUnknown
    where there was no answer and nothing happened (yet), or where a shallow clone cannot tell.
    """
    if found == commit:
        return
    if found == expected:
        if refusal is None:
            raise PushUnknown(commit=commit, branch=branch)
        raise PushRefused(branch=branch, remote_message=refusal)
    if found is not None:
        below = await is_ancestor(commit, found)
        # A reset goes to a commit below the old head. If that head is still in the branch, the reset is not.
        left = await is_ancestor(expected, found) if below and await is_ancestor(commit, expected) else False
        if below is None or left is None:
            raise PushUnknown(commit=commit, branch=branch)
        if below and not left:
            return
    raise HeadMoved(branch=branch, expected=expected, found=found)
