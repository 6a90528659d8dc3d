"""The port PullRequests: opens pull requests of one config repo and says how they stand.

What comes is hostile: only numbers, states, branches and commits of their form are read. A page's address is made
here of the repo's own. Sources: the REST APIs of GitHub (2022-11-28), GitLab (v4), Gitea and Forgejo (v1).
"""

import re
from collections.abc import Callable, Iterable
from typing import Protocol
from urllib.parse import quote

import msgspec

from lastgood.core.commit_facts import Forge as ForgeKind
from lastgood.core.errors import ForgeFailed, PullRequestRefused
from lastgood.core.forge import WebAddress
from lastgood.core.pull_request import PullRequest, PullState
from lastgood.core.redact import without_credentials
from lastgood.forge.azure import AzurePulls, repo_api
from lastgood.forge.bitbucket import BitbucketPulls
from lastgood.forge.connection import Connection, Sent
from lastgood.forge.told import Told, told_of

_OID = re.compile(r"[0-9a-f]{40}")
_MOST_NUMBER = 1_000_000_000
# How many pages of Gitea, which cannot be asked for those of one branch, are looked through: the newest first.
_PAGES = 4
_PER_PAGE = 50
_OWNER_AND_NAME = 2
_DEVELOPER = 30
_TOLD_NOT_TO = {
    401: "it asks for a token",
    403: "the token may not open one there",
    404: "it has no such repo, or does not show it to the token",
}


class Host(Protocol):
    """How one kind of forge is asked. All raise ForgeFailed."""

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """Return pull requests among which those from a branch into another are."""
        ...

    async def look(self, number: int) -> Told | None:
        """Return one by its number."""
        ...

    async def send(self, source: str, into: str, *, title: str, body: str) -> Sent[Told]:
        """Open one."""
        ...

    async def describe(self, number: int, *, title: str, body: str) -> Sent[Told]:
        """Give one another title and body."""
        ...

    async def may_open(self) -> bool | None:
        """Say whether the token's account may open one. None: it does not tell."""
        ...


class _Repo(msgspec.Struct, frozen=True):
    full_name: str | None = None


class _End(msgspec.Struct, frozen=True):
    ref: str | None = None
    repo: _Repo | None = None


class _Pull(msgspec.Struct, frozen=True):
    """GitHub's and Gitea's form; `merged` is Gitea's alone in lists, and GitHub's `merged_at` stands in both."""

    number: int
    state: str
    head: _End
    base: _End
    merged_at: str | None = None
    merge_commit_sha: str | None = None

    def told(self) -> Told:
        ours, theirs = self.base.repo, self.head.repo
        merged = bool(self.merged_at)
        return Told(
            number=self.number,
            state="merged" if merged else "open" if self.state == "open" else "closed",
            source=self.head.ref or "",
            into=self.base.ref or "",
            own=ours is not None and theirs is not None and ours.full_name == theirs.full_name,
            # Of one that is open GitHub names a merge made for trying it, which no branch has.
            merged_as=self.merge_commit_sha if merged else None,
        )


class _Request(msgspec.Struct, frozen=True):
    """GitLab's form."""

    iid: int
    state: str
    source_branch: str
    target_branch: str
    source_project_id: int | None = None
    target_project_id: int | None = None
    sha: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None

    def told(self) -> Told:
        states: dict[str, PullState] = {"opened": "open", "locked": "open", "merged": "merged"}
        state = states.get(self.state, "closed")
        merged_as = self.merge_commit_sha or self.squash_commit_sha or self.sha
        return Told(
            number=self.iid,
            state=state,
            source=self.source_branch,
            into=self.target_branch,
            own=self.source_project_id is not None and self.source_project_id == self.target_project_id,
            merged_as=merged_as if state == "merged" else None,
        )


class _Permissions(msgspec.Struct, frozen=True):
    push: bool | None = None


class _Rights(msgspec.Struct, frozen=True):
    """GitHub's and Gitea's form of what the asking account may do in a repo."""

    permissions: _Permissions | None = None


class _Access(msgspec.Struct, frozen=True):
    access_level: int | None = None


class _Levels(msgspec.Struct, frozen=True):
    project_access: _Access | None = None
    group_access: _Access | None = None


class _Project(msgspec.Struct, frozen=True):
    """The same in GitLab's form."""

    permissions: _Levels | None = None


class _Token(msgspec.Struct, frozen=True):
    scopes: list[str] | None = None


class GitHubPulls:
    """GitHub, also of a company's own."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._owner = path.partition("/")[0]
        self._repo = f"/repos/{path}"

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """See Host.of_branch."""
        query = {"state": "all", "head": f"{self._owner}:{source}", "base": into, "per_page": "100"}
        return _read(await self._connection.get(f"{self._repo}/pulls", list[_Pull], query))

    async def look(self, number: int) -> Told | None:
        """See Host.look."""
        found = await self._connection.get(f"{self._repo}/pulls/{number}", _Pull)
        return found.told() if found is not None else None

    async def send(self, source: str, into: str, *, title: str, body: str) -> Sent[Told]:
        """See Host.send."""
        asked = {"title": title, "body": body, "head": source, "base": into}
        return told_of(await self._connection.send("POST", f"{self._repo}/pulls", asked, _Pull))

    async def describe(self, number: int, *, title: str, body: str) -> Sent[Told]:
        """See Host.describe."""
        asked = {"title": title, "body": body}
        return told_of(await self._connection.send("PATCH", f"{self._repo}/pulls/{number}", asked, _Pull))

    async def may_open(self) -> bool | None:
        """See Host.may_open. One from a branch of the repo itself needs the right to push there."""
        found = await self._connection.get(self._repo, _Rights)
        if found is None:
            return False
        return found.permissions.push if found.permissions is not None else None


class GiteaPulls(GitHubPulls):
    """Gitea and Forgejo, which have GitHub's form; they find no pull request by its branch."""

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """See Host.of_branch."""
        found: list[Told] = []
        for page in range(1, _PAGES + 1):
            query = {"state": "all", "sort": "recentupdate", "limit": str(_PER_PAGE), "page": str(page)}
            more = _read(await self._connection.get(f"{self._repo}/pulls", list[_Pull], query))
            found += more
            if not more or any(_is_from(one, source, into) for one in more):
                break
        return found

    async def may_open(self) -> bool | None:
        """See Host.may_open. Some versions let those open one who may only read: without the right nothing is known."""
        found = await self._connection.get(self._repo, _Rights)
        if found is None:
            return False
        return True if found.permissions is not None and found.permissions.push else None


class GitLabPulls:
    """GitLab: merge requests."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._project = f"/projects/{quote(path, safe='')}"
        self._requests = f"{self._project}/merge_requests"

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """See Host.of_branch."""
        query = {"source_branch": source, "target_branch": into, "state": "all", "scope": "all", "per_page": "100"}
        return _read(await self._connection.get(self._requests, list[_Request], query))

    async def look(self, number: int) -> Told | None:
        """See Host.look."""
        found = await self._connection.get(f"{self._requests}/{number}", _Request)
        return found.told() if found is not None else None

    async def send(self, source: str, into: str, *, title: str, body: str) -> Sent[Told]:
        """See Host.send."""
        asked = {
            "title": title,
            "description": body,
            "source_branch": source,
            "target_branch": into,
            "remove_source_branch": True,
        }
        return told_of(await self._connection.send("POST", self._requests, asked, _Request))

    async def describe(self, number: int, *, title: str, body: str) -> Sent[Told]:
        """See Host.describe."""
        asked = {"title": title, "description": body}
        return told_of(await self._connection.send("PUT", f"{self._requests}/{number}", asked, _Request))

    async def may_open(self) -> bool | None:
        """See Host.may_open: a developer with a token of the scope `api`."""
        found = await self._connection.get(self._project, _Project)
        if found is None:
            return False
        given = found.permissions or _Levels()
        levels = [one.access_level for one in (given.project_access, given.group_access) if one and one.access_level]
        token = await self._connection.get("/personal_access_tokens/self", _Token)
        if token is not None and token.scopes is not None and "api" not in token.scopes:
            return False
        # Neither level is told of those who come by a group that the project is shared with.
        return max(levels) >= _DEVELOPER if levels else None


HOSTS: dict[str, Callable[[Connection, str], Host]] = {
    "github": GitHubPulls,
    "gitlab": GitLabPulls,
    "gitea": GiteaPulls,
    "bitbucket": BitbucketPulls,
    "azure": AzurePulls,
}


def is_repo(kind: str, path: str) -> bool:
    """Say whether a path below a forge's address is one of a repo."""
    if kind == "azure":
        return repo_api(path) is not None
    parts = path.count("/") + 1
    return parts >= _OWNER_AND_NAME if kind == "gitlab" else parts == _OWNER_AND_NAME


class ForgePullRequests:
    """Those of one config repo. kind: of its forge, which may be asked with a token."""

    def __init__(self, host: Host, repo: WebAddress, kind: ForgeKind) -> None:
        self._host = host
        self._repo = repo
        self._kind = kind

    async def find(self, source: str, into: str) -> PullRequest | None:
        """See PullRequests.find."""
        found = [one for one in await self._host.of_branch(source, into) if _is_from(one, source, into)]
        return self._as_told(max(found, key=lambda one: one.number)) if found else None

    async def look(self, number: int) -> PullRequest | None:
        """See PullRequests.look."""
        found = await self._host.look(number)
        return self._as_told(found) if found is not None else None

    async def open(self, source: str, into: str, *, title: str, body: str) -> PullRequest:
        """See PullRequests.open."""
        found = await self.find(source, into)
        if found is not None and found.state == "open":
            return found
        sent = await self._host.send(source, into, title=title, body=body)
        if sent.said is not None:
            return self._as_told(sent.said)
        # Somebody may have opened it a moment ago: all forges refuse a second one for the same branch.
        found = await self.find(source, into)
        if found is not None and found.state == "open":
            return found
        raise self._refused(source, sent.status)

    async def describe(self, number: int, *, title: str, body: str) -> None:
        """See PullRequests.describe."""
        sent = await self._host.describe(number, title=title, body=body)
        if sent.said is None:
            raise self._refused(f"pull request {number}", sent.status)

    async def may_open(self) -> bool | None:
        """See PullRequests.may_open."""
        return await self._host.may_open()

    def _refused(self, source: str, status: int) -> PullRequestRefused:
        reason = _TOLD_NOT_TO.get(status, f"it answers with HTTP status {status}")
        return PullRequestRefused(forge=self._forge, source=source, reason=reason)

    @property
    def _forge(self) -> str:
        return without_credentials(self._repo.base or "")

    def _as_told(self, told: Told) -> PullRequest:
        url = self._repo.pull(told.number, self._kind)
        if url is None or not 0 < told.number < _MOST_NUMBER:
            raise ForgeFailed(forge=self._forge, reason="its answer is not in the form that its API has")
        merged_as = told.merged_as if told.merged_as is not None and _OID.fullmatch(told.merged_as) else None
        return PullRequest(number=told.number, url=url, state=told.state, into=told.into, merged_as=merged_as)


def _is_from(told: Told, source: str, into: str) -> bool:
    # A fork may have a branch of the same name: its pull request is not ours.
    return told.own and (told.source, told.into) == (source, into)


def _read(found: Iterable[_Pull | _Request] | None) -> list[Told]:
    return [one.told() for one in found or ()]
