"""As whom the processes of a repo run: as the operator says, and never as the repo says. Knows no process."""

import os
import pwd

from lastgood.core.value import Value


class Account(Value, frozen=True, kw_only=True):
    """An account to become. groups: every group id that it belongs to."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


class AccountWrong(Exception):
    """The setting cannot be obeyed; the text is a sentence that names it."""


def account_to_run_as(run_as: str | None, *, run_as_agent: bool) -> Account | None:
    """Look up the account that the operator named; None: the agent's own, which he named in so many words.

    Raises AccountWrong where neither or both are said, where there is no such account, and where this program may
    not become it.
    """
    if run_as is None:
        if not run_as_agent:
            raise AccountWrong(
                "no account is named for the repo's commands: set `run_as` to an account, "
                "or `run_as_agent = true` to let them do whatever the agent may"
            )
        return None
    if run_as_agent:
        raise AccountWrong("`run_as` and `run_as_agent` contradict each other: keep one")
    try:
        entry = pwd.getpwnam(run_as)
    except KeyError:
        raise AccountWrong(f"`run_as` names {run_as}, and there is no such account here") from None
    if os.geteuid() not in (0, entry.pw_uid):
        raise AccountWrong(f"`run_as` names {run_as}, and only root can start processes as another account")
    if os.geteuid() != 0:
        return None
    groups = tuple(sorted(set(os.getgrouplist(entry.pw_name, entry.pw_gid))))
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, groups=groups)
