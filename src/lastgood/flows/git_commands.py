"""The Git commands with which a person could do what a plan does: text to show and to copy, never run here."""

import shlex
from collections.abc import Sequence

from lastgood.core.commit import Edit
from lastgood.core.message import trailers_of
from lastgood.core.tree import shown_path

_REMOTE = "origin"


def restore_commands(
    *,
    branch: str,
    head: str,
    message: str,
    restored: Sequence[tuple[str | None, Sequence[Edit]]],
    hold_files: Sequence[tuple[str, bytes | None]],
    own: str | None = None,
) -> tuple[str, ...]:
    """Return the commands for a restore or an undo.

    restored: for each source commit the edits of the root tree that come from it (a removed path may have no source).
    hold_files: path and new content; None where the file goes. own: the branch that a pull request is to be opened
    from.
    """
    commands = list(_begin(branch, head))
    for source, edits in restored:
        gone = [edit.path for edit in edits if edit.oid is None]
        came = [edit.path for edit in edits if edit.oid is not None]
        if came and source is not None:
            commands.append(
                _line("git", "restore", f"--source={source}", "--staged", "--worktree", "--", *_paths(came))
            )
        if gone:
            commands.append(_line("git", "rm", "-r", "-q", "--ignore-unmatch", "--", *_paths(gone)))
    return (*commands, *_hold_commands(hold_files), *_end(branch, head, message, own))


def revert_commands(
    *,
    branch: str,
    head: str,
    message: str,
    commits: Sequence[tuple[str, bool]],
    paths: Sequence[str],
    hold_files: Sequence[tuple[str, bytes | None]],
    own: str | None = None,
) -> tuple[str, ...]:
    """Return the commands for a revert. commits: id and whether it is a merge; paths: the applications' folders."""
    commands = list(_begin(branch, head))
    for commit, is_merge in commits:
        mainline = ("--mainline", "1") if is_merge else ()
        commands.append(_line("git", "revert", "--no-commit", *mainline, commit))
    if paths and "" not in paths:
        outside = [f":(exclude,literal){shown_path(path)}" for path in paths]
        commands.append(_line("git", "restore", f"--source={head}", "--staged", "--worktree", "--", ".", *outside))
    return (*commands, *_hold_commands(hold_files), *_end(branch, head, message, own))


def move_commands(*, branch: str, head: str, to: str, discards: bool) -> tuple[str, ...]:
    """Return the commands for a reset (discards: the old head is kept first) or for taking one back."""
    commands = [_line("git", "fetch", _REMOTE, branch)]
    if discards:
        commands += [
            _line("git", "update-ref", f"refs/lastgood/discarded/{head}", head),
            _line("git", "push", _REMOTE, f"{head}:refs/lastgood/discarded/{head}"),
        ]
    return (*commands, _push(branch, head, to))


def _begin(branch: str, head: str) -> tuple[str, ...]:
    return (_line("git", "fetch", _REMOTE, branch), _line("git", "switch", "--detach", head))


def _end(branch: str, head: str, message: str, own: str | None) -> tuple[str, ...]:
    trailers = trailers_of(message)
    body = message.rstrip("\n").rpartition("\n\n")[0]
    words = ["git", "commit", "-m", body]
    for trailer in trailers:
        words += ["--trailer", trailer]
    if own is not None:
        # The forge's own page opens the request.
        return (_line(*words), _line("git", "push", "--porcelain", _REMOTE, f"HEAD:refs/heads/{own}"))
    return (_line(*words), _push(branch, head, "HEAD"))


def _push(branch: str, head: str, what: str) -> str:
    ref = f"refs/heads/{branch}"
    return _line("git", "push", "--porcelain", f"--force-with-lease={ref}:{head}", _REMOTE, f"{what}:{ref}")


def _hold_commands(hold_files: Sequence[tuple[str, bytes | None]]) -> list[str]:
    commands = []
    for path, content in hold_files:
        if content is None:
            commands.append(_line("git", "rm", "-q", "--ignore-unmatch", "--", path))
            continue
        folder = path.rpartition("/")[0]
        commands += [
            f"mkdir -p {shlex.quote(folder)} && printf '%s' {shlex.quote(content.decode())} > {shlex.quote(path)}",
            _line("git", "add", "-f", "--", path),
        ]
    return commands


def _paths(paths: Sequence[str]) -> list[str]:
    # Literal: a folder may be called `*`. The root alone has no name but the dot.
    return [f":(literal){shown_path(path)}" if path else "." for path in paths]


def _line(*words: str) -> str:
    return shlex.join(words)
