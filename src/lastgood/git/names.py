"""Which texts may name a branch or a commit: everything a person types or a repo says is hostile until checked here."""

import re

from lastgood.core.errors import GitFailed

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_SEARCHABLE = re.compile(r"[^\x00-\x20\x7f:?*\[\\{}]{1,255}")


def ref_of_branch(branch: str) -> str:
    """Return the full name of a branch's ref. Raises GitFailed for a name that Git does not allow."""
    bad_ends = branch.startswith(("-", "/", ".")) or branch.endswith(("/", ".", ".lock"))
    if not branch or branch == "@" or bad_ends or "/." in branch or ".lock/" in branch or _FORBIDDEN.search(branch):
        raise GitFailed(f"{branch[:80]!r} is not the name of a branch")
    return f"refs/heads/{branch}"


def searchable(text: str) -> bool:
    """Say whether a text may be looked up as a revision: no option, no `commit:path`, no search in messages."""
    return not text.startswith("-") and ".." not in text and _SEARCHABLE.fullmatch(text) is not None


def own_branch(branch: str) -> str:
    """Return the full name of a branch of lastgood's own; raise GitFailed for any other."""
    if not branch.startswith("lastgood/"):
        raise GitFailed(f"{branch[:80]} is not a branch of lastgood's own")
    return ref_of_branch(branch)


def own_ref(ref: str) -> str:
    """Return a ref of lastgood's own; raise GitFailed for any other."""
    if not ref.startswith("refs/lastgood/"):
        raise GitFailed(f"{ref} is not a ref of lastgood's own")
    return ref
