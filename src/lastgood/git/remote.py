"""Talk to a remote with the git program: ask, fetch named refs, push with a lease and judge the answer.

Knows no work tree and no way of reading objects; the repo that owns it does.
"""

import asyncio
import re
from typing import NamedTuple, Protocol

from lastgood.core.errors import HeadMoved, PushRefused, PushUnknown, RemoteUnreachable
from lastgood.core.push import judge_push
from lastgood.core.redact import without_credentials
from lastgood.git.program import NETWORK_S, Finished, Git, failure, no_contact, reason, shown

MAX_WORDS = 600
"""Characters of a server's words that are kept."""


class Answer(NamedTuple):
    """What a push came to. refusal: the server's clear no, in its words. contacted: something may have been sent."""

    done: bool
    refusal: str | None
    contacted: bool
    words: str


class Fetching(Protocol):
    """What judging a push needs of the repo: ports of the same names."""

    async def fetch(self, branch: str) -> str | None:
        """See ConfigRepo.fetch."""
        ...

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        """See ConfigRepo.is_ancestor."""
        ...


class Remote:
    """One remote of one repository. address: its name there, or a URL; shown: for people, without credentials."""

    def __init__(self, git: Git, address: str, *, shown: str | None = None) -> None:
        self._git = git
        self.address = address
        self.shown = without_credentials(shown or address)

    def head(self, ref: str) -> str | None:
        """Ask where a ref is (full name); None if it is not there. Raises RemoteUnreachable."""
        found = self._git.run(
            "ls-remote", "--quiet", "--end-of-options", self.address, ref, remote=self.shown, limit_s=NETWORK_S
        )
        # The pattern also matches refs that merely end in it.
        heads = (line.split("\t", 1) for line in found.lines if "\t" in line)
        return next((oid for oid, name in heads if name == ref), None)

    def fetch(self, *refspecs: str) -> bool:
        """Bring the refs and nothing else: no tags on the side, no FETCH_HEAD, no submodules, no pruning.

        Returns False if the remote does not have one of them. Raises RemoteUnreachable, RepoUnsupported.
        """
        args = (
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--refmap=",
            "--end-of-options",
            self.address,
            *refspecs,
        )
        for attempt in (1, 2):
            done = self._git.run(*args, ok=range(256), limit_s=NETWORK_S, remote=self.shown)
            if done.code == 0:
                return True
            if "couldn't find remote ref" in done.err:
                return False
            # Somebody else fetched the same ref at the same moment.
            if attempt == 1 and ("cannot lock ref" in done.err or "Unable to create" in done.err):
                continue
            raise self._fetch_failure(args, done)
        return False

    def _fetch_failure(self, args: tuple[str, ...], done: Finished) -> Exception:
        ours = re.search(r"cannot lock ref|Unable to create|No space left|unable to write|read-only", done.err)
        return failure(args, done, remote=None if ours else self.shown)

    def push_once(self, ref: str, commit: str, *, expected: str | None) -> Answer:
        """Offer a commit for a ref once.

        expected: where the ref must be now (a lease), "" for nowhere; None: no lease.
        """
        # The lease names a commit: a bare lease trusts our last fetch, and others fetch behind our back.
        lease = () if expected is None else (f"--force-with-lease={ref}:{expected}",)
        done = self._git.run(
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--recurse-submodules=no",
            *lease,
            "--end-of-options",
            self.address,
            f"{commit}:{ref}",
            ok=range(-64, 256),
            limit_s=NETWORK_S,
        )
        return read_answer(done, ref)


def read_answer(done: Finished, ref: str) -> Answer:
    """Read what `git push --porcelain` printed about one ref."""
    if done.code == 0:
        return Answer(done=True, refusal=None, contacted=True, words="")
    line = next((x for x in done.lines if x.count("\t") >= 2 and x.split("\t")[1].endswith(f":{ref}")), None)  # noqa: PLR2004 - flag, refs, summary
    own = "\n".join(x for x in done.err.splitlines() if not x.startswith("remote:"))
    if line is None:
        return Answer(done=False, refusal=None, contacted=not (no_contact(own) and not done.out), words=own.strip())
    flag, _, summary = line.split("\t", 2)
    if flag != "!":
        return Answer(done=True, refusal=None, contacted=True, words="")
    refused = summary.startswith("[remote rejected]")
    return Answer(done=False, refusal=server_words(done.err, summary) if refused else None, contacted=True, words=own)


def server_words(err: str, summary: str) -> str:
    """Return what the server said about a refused push: its `remote:` lines, then git's reason; bounded, printable."""
    said = [line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:")]
    why = summary.partition("(")[2].rpartition(")")[0]
    text = shown(" ".join([*filter(None, said), f"({why})" if said else why]))
    return "".join(c if c.isprintable() else " " for c in text)[:MAX_WORDS]


async def push_and_judge(
    remote: Remote, repo: Fetching, *, branch: str, remote_branch: str, commit: str, expected: str
) -> None:
    """Move the remote's branch from `expected` to `commit`; return only when it is known to be there.

    branch: as the repo's port names it; remote_branch: its name there. Raises HeadMoved, PushRefused, PushUnknown,
    RemoteUnreachable (nothing was sent).
    """
    ref = f"refs/heads/{remote_branch}"
    sent = False
    answer = None
    found: str | None = expected
    for _ in range(2):  # an unclear answer: the same commit once more, which the lease makes harmless
        answer = await asyncio.to_thread(remote.push_once, ref, commit, expected=expected)
        if answer.done:
            return
        if not answer.contacted and not sent:
            raise RemoteUnreachable(f"{remote.shown} cannot be reached: {reason(answer.words)}", remote=remote.shown)
        sent = True
        try:
            found = await repo.fetch(branch)
        except RemoteUnreachable as silent:
            raise PushUnknown(commit=commit, branch=branch) from silent
        if found != expected or answer.refusal is not None:
            break
    await judge_push(
        branch=branch,
        commit=commit,
        expected=expected,
        found=found,
        refusal=answer.refusal if answer else None,
        is_ancestor=repo.is_ancestor,
    )


def propose(remote: Remote, ref: str, commit: str, *, replaces: str | None) -> None:
    """Put a branch of lastgood's own on the remote; return only when it is known to be there. See ConfigRepo.propose.

    Asked of the remote itself: no branch of this kind is ever fetched.
    """
    branch = ref.removeprefix("refs/heads/")
    answer = None
    for _ in range(2):  # an unclear answer: the same commit once more, which the lease makes harmless
        try:
            found = remote.head(ref)
        except RemoteUnreachable as silent:
            if answer is None:
                raise
            raise PushUnknown(commit=commit, branch=branch) from silent
        if found == commit:
            return
        # One that somebody deleted is made anew: nothing of theirs is lost.
        if found is not None and found != replaces:
            raise HeadMoved(
                f"somebody else has pushed to {branch}",
                hint="nothing was changed; merge or close its pull request, then try again",
                branch=branch,
                expected=replaces,
                found=found,
            )
        if answer is not None and answer.refusal is not None:
            break
        answer = remote.push_once(ref, commit, expected=found or "")
        if answer.done:
            return
        if not answer.contacted:
            raise RemoteUnreachable(f"{remote.shown} cannot be reached: {reason(answer.words)}", remote=remote.shown)
    if answer is not None and answer.refusal is not None:
        raise PushRefused(branch=branch, remote_message=answer.refusal)
    raise PushUnknown(commit=commit, branch=branch)
