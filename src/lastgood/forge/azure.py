"""Azure DevOps: what it is asked of pull requests and builds, and how one is opened there.

Source: its REST API (6.0, which every later one has). Its work items belong to no repo and are not asked.
"""

import msgspec

from lastgood.core.build_link import is_build_page
from lastgood.core.forge_facts import ForgeFacts, forge_facts
from lastgood.core.pull_request import PullState
from lastgood.forge.connection import Connection, Sent
from lastgood.forge.told import Told, told_of

_API = {"api-version": "6.0"}
_HEADS = "refs/heads/"
_STATES: dict[str, PullState] = {"active": "open", "completed": "merged"}
# It refuses longer ones.
# The rights of Git repos, and the one to open pull requests and take part in them.
_GIT_RIGHTS = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
_CONTRIBUTE = 16384
_MOST_BODY, _MOST_TITLE = 4000, 400


class _Named(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    display_name: str | None = None
    commit_id: str | None = None


class _Fork(msgspec.Struct, frozen=True):
    """That there is one is all that counts."""


class _Pull(msgspec.Struct, frozen=True, rename="camel"):
    pull_request_id: int
    status: str
    source_ref_name: str
    target_ref_name: str
    title: str | None = None
    created_by: _Named | None = None
    labels: list[_Named] | None = None
    last_merge_commit: _Named | None = None
    # Of one from a fork alone.
    fork_source: _Fork | None = None

    def told(self) -> Told:
        state = _STATES.get(self.status, "closed")
        merged_as = self.last_merge_commit.commit_id if self.last_merge_commit is not None else None
        return Told(
            number=self.pull_request_id,
            state=state,
            source=self.source_ref_name.removeprefix(_HEADS),
            into=self.target_ref_name.removeprefix(_HEADS),
            own=self.fork_source is None,
            # Of one that is open it is a merge made for trying it.
            merged_as=merged_as if state == "merged" else None,
        )


class _Pulls(msgspec.Struct, frozen=True):
    value: list[_Pull]


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    state: str | None = None
    target_url: str | None = None
    creation_date: str | None = None


class _Statuses(msgspec.Struct, frozen=True):
    value: list[_Status] | None = None


class Azure:
    """See hosts.Host: titles and builds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.pull_request."""
        repo = repo_api(path)
        found = await self._connection.get(f"{repo}/pullrequests/{number}", _Pull, _API) if repo is not None else None
        if found is None:
            return None
        author = found.created_by.display_name if found.created_by is not None else None
        labels = (label.name or "" for label in found.labels or ())
        return forge_facts(title=found.title, labels=labels, name=author)

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.issue."""
        _ = path, number
        return None

    async def build(self, path: str, commit: str) -> str | None:
        """See Host.build."""
        repo = repo_api(path)
        if repo is None:
            return None
        said = await self._connection.get(f"{repo}/commits/{commit}/statuses", _Statuses, _API)
        found = [one for one in (said and said.value) or () if one.target_url and is_build_page(one.target_url)]
        best = max(found, key=lambda one: (one.state == "succeeded", one.creation_date or ""), default=None)
        return best.target_url if best is not None else None


class _Project(msgspec.Struct, frozen=True):
    id: str


class _Repo(msgspec.Struct, frozen=True):
    id: str
    project: _Project


class _Allowed(msgspec.Struct, frozen=True):
    value: list[bool]


class AzurePulls:
    """See pull_requests.Host: how pull requests stand, and opening one."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._repo = repo_api(path)

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """See Host.of_branch."""
        query = {
            "searchCriteria.sourceRefName": f"{_HEADS}{source}",
            "searchCriteria.targetRefName": f"{_HEADS}{into}",
            "searchCriteria.status": "all",
            "$top": "100",
            **_API,
        }
        found = await self._connection.get(f"{self._repo}/pullrequests", _Pulls, query)
        return [one.told() for one in found.value] if found is not None else []

    async def look(self, number: int) -> Told | None:
        """See Host.look."""
        found = await self._connection.get(f"{self._repo}/pullrequests/{number}", _Pull, _API)
        return found.told() if found is not None else None

    async def send(self, source: str, into: str, *, title: str, body: str) -> Sent[Told]:
        """See Host.send."""
        asked = {
            "sourceRefName": f"{_HEADS}{source}",
            "targetRefName": f"{_HEADS}{into}",
            "title": title[:_MOST_TITLE],
            "description": body[:_MOST_BODY],
        }
        return told_of(await self._connection.send("POST", f"{self._repo}/pullrequests", asked, _Pull, _API))

    async def describe(self, number: int, *, title: str, body: str) -> Sent[Told]:
        """See Host.describe."""
        asked = {"title": title[:_MOST_TITLE], "description": body[:_MOST_BODY]}
        return told_of(await self._connection.send("PATCH", f"{self._repo}/pullrequests/{number}", asked, _Pull, _API))

    async def may_open(self) -> bool | None:
        """See Host.may_open: `Contribute to pull requests` among the rights of the repo."""
        repo = await self._connection.get(str(self._repo), _Repo, _API)
        if repo is None:
            return False
        query = {"tokens": f"repoV2/{repo.project.id}/{repo.id}", **_API}
        found = await self._connection.get(f"/_apis/permissions/{_GIT_RIGHTS}/{_CONTRIBUTE}", _Allowed, query)
        return found.value[0] if found is not None and found.value else None


def repo_api(path: str) -> str | None:
    """Return where the API has a repo. path: `project/_git/repo`, or `_git/repo` where both have the same name."""
    match path.split("/"):
        case [project, "_git", repo]:
            return f"/{project}/_apis/git/repositories/{repo}"
        case ["_git", repo]:
            return f"/{repo}/_apis/git/repositories/{repo}"
        case _:
            return None
