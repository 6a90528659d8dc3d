"""What each kind of forge and tracker is asked, and what its answers mean: titles, labels, authors, builds.

Sources: the REST APIs of GitHub (2022-11-28), GitLab (v4), Gitea and Forgejo (v1) and Jira (2). What comes is hostile:
only fields of their form are read, and texts become those of `forge_facts`.
"""

import re
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import quote, urljoin

import msgspec

from lastgood.core.build_link import is_build_page
from lastgood.core.forge_facts import ForgeFacts, forge_facts
from lastgood.forge.connection import Connection

_OWNER_AND_NAME = 2
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,19}-[1-9]\d{0,8}")
_MANY = {"per_page": "100"}


class Host(Protocol):
    """One forge. path: of the repo, below the forge's address. None: there is no such thing. All raise ForgeFailed."""

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """Say what it has of a pull request."""
        ...

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """Say what it has of an issue."""
        ...

    async def build(self, path: str, commit: str) -> str | None:
        """Return the page of the newest successful build of a commit, else of the newest."""
        ...


class _Named(msgspec.Struct, frozen=True):
    name: str | None = None


class _User(msgspec.Struct, frozen=True):
    login: str | None = None
    username: str | None = None
    name: str | None = None
    full_name: str | None = None


class _Item(msgspec.Struct, frozen=True):
    """A pull request or an issue, as all three have it: labels are objects or texts, authors have various names."""

    title: str | None = None
    labels: list[str | _Named] | None = None
    user: _User | None = None
    author: _User | None = None

    def facts(self) -> ForgeFacts:
        user = self.user or self.author or _User()
        labels = (one if isinstance(one, str) else one.name or "" for one in self.labels or ())
        return forge_facts(
            title=self.title,
            labels=labels,
            name=user.full_name or user.name,
            login=user.login or user.username,
        )


class _Status(msgspec.Struct, frozen=True):
    """A status of a commit, a check run or a pipeline: each has some of these. Times compare as texts."""

    state: str | None = None
    status: str | None = None
    conclusion: str | None = None
    target_url: str | None = None
    details_url: str | None = None
    html_url: str | None = None
    web_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    finished_at: str | None = None

    @property
    def succeeded(self) -> bool:
        return "success" in {self.state, self.status, self.conclusion}

    @property
    def at(self) -> str:
        times = (self.updated_at, self.completed_at, self.finished_at, self.started_at, self.created_at)
        return next((one for one in times if one), "")


class _Statuses(msgspec.Struct, frozen=True):
    statuses: list[_Status] | None = None


class _CheckRuns(msgspec.Struct, frozen=True):
    check_runs: list[_Status] | None = None


class GitHub:
    """GitHub, also of a company's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.pull_request."""
        return await _item(self._connection, _repo(path), f"/pulls/{number}")

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.issue."""
        return await _item(self._connection, _repo(path), f"/issues/{number}")

    async def build(self, path: str, commit: str) -> str | None:
        """See Host.build: of statuses and check runs; what a service of its own runs tells its page, too."""
        repo = _repo(path)
        if repo is None:
            return None
        said = await self._connection.get(f"{repo}/commits/{commit}/status", _Statuses, _MANY)
        runs = await self._connection.get(f"{repo}/commits/{commit}/check-runs", _CheckRuns, _MANY)
        found = [*((said and said.statuses) or ()), *((runs and runs.check_runs) or ())]
        return _newest(self._connection.rule.url, found)


class GitLab:
    """GitLab: repos may lie in groups within groups."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.pull_request."""
        return await _item(self._connection, _project(path), f"/merge_requests/{number}")

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.issue."""
        return await _item(self._connection, _project(path), f"/issues/{number}")

    async def build(self, path: str, commit: str) -> str | None:
        """See Host.build: its pipelines are its builds; where there is none, statuses from elsewhere are."""
        repo = _project(path)
        runs = await self._connection.get(f"{repo}/pipelines", list[_Status], {"sha": commit, **_MANY})
        found = _newest(self._connection.rule.url, runs or ())
        if found is not None:
            return found
        said = await self._connection.get(f"{repo}/repository/commits/{commit}/statuses", list[_Status], _MANY)
        return _newest(self._connection.rule.url, said or ())


class Gitea:
    """Gitea and Forgejo."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.pull_request."""
        return await _item(self._connection, _repo(path), f"/pulls/{number}")

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.issue."""
        return await _item(self._connection, _repo(path), f"/issues/{number}")

    async def build(self, path: str, commit: str) -> str | None:
        """See Host.build."""
        repo = _repo(path)
        if repo is None:
            return None
        query = {"limit": "50", "sort": "recentupdate"}
        said = await self._connection.get(f"{repo}/commits/{commit}/statuses", list[_Status], query)
        return _newest(self._connection.rule.url, said or ())


class _Fields(msgspec.Struct, frozen=True):
    summary: str | None = None
    labels: list[str] | None = None


class _Ticket(msgspec.Struct, frozen=True):
    fields: _Fields | None = None


class Jira:
    """Jira, in the cloud or a company's own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ticket(self, key: str) -> ForgeFacts | None:
        """Say what it has of an issue; None where there is none, or it is of a project that nobody allowed."""
        projects = self._connection.rule.projects
        if _KEY.fullmatch(key) is None or (projects is not None and key.rpartition("-")[0] not in projects):
            return None
        found = await self._connection.get(f"/issue/{key}", _Ticket, {"fields": "summary,labels"})
        if found is None or found.fields is None:
            return None
        return forge_facts(title=found.fields.summary, labels=found.fields.labels or ())


async def _item(connection: Connection, repo: str | None, path: str) -> ForgeFacts | None:
    found = await connection.get(repo + path, _Item) if repo is not None else None
    return found.facts() if found is not None else None


def _repo(path: str) -> str | None:
    return f"/repos/{path}" if len(path.split("/")) == _OWNER_AND_NAME else None


def _project(path: str) -> str:
    return f"/projects/{quote(path, safe='')}"


def _newest(url: str, found: Iterable[_Status]) -> str | None:
    """Return the page of the newest that succeeded, else of the newest, of those that have one."""
    best: tuple[bool, str, str] | None = None
    for one in found:
        named = one.target_url or one.details_url or one.html_url or one.web_url or ""
        # Gitea names pages of its own by their paths.
        page = urljoin(f"{url}/", named) if named.startswith("/") and not named.startswith("//") else named
        if is_build_page(page) and (best is None or (one.succeeded, one.at) > best[:2]):
            best = (one.succeeded, one.at, page)
    return best[2] if best is not None else None
