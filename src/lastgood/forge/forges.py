"""The port Forge: finds the forge or tracker that the operator allows for a question, and remembers its answer.

Whoever writes commit messages chooses the questions, so only the source repo itself is asked about.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec.structs import replace

from lastgood.core.commit_facts import Forge as ForgeKind
from lastgood.core.errors import NotAllowed
from lastgood.core.forge import WebAddress
from lastgood.core.forge_facts import ForgeFacts
from lastgood.core.ports import Clock, PullRequests
from lastgood.core.short_memory import ShortMemory
from lastgood.forge.azure import Azure
from lastgood.forge.bitbucket import Bitbucket
from lastgood.forge.connection import TIMEOUT_S, Connection
from lastgood.forge.hosts import Gitea, GitHub, GitLab, Host, Jira
from lastgood.forge.pull_requests import HOSTS, ForgePullRequests, is_repo
from lastgood.forge.rules import ForgeRule

# A title that changes is shown from then on in records that are made later.
KEPT_S = 3600.0
_KNOCK = {
    "github": "/",
    "gitlab": "/version",
    "gitea": "/user",
    "bitbucket": "/user",
    "azure": "/_apis/projects",
    "jira": "/myself",
}
_KNOCK_AS_STRANGER = {**_KNOCK, "gitea": "/version", "bitbucket": "/repositories", "jira": "/serverInfo"}


class Forges:
    """Asks the forges and trackers of the rules, and nobody else. timeout_s: for each question."""

    def __init__(self, rules: Sequence[ForgeRule], *, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self._kept: ShortMemory[tuple[ForgeFacts | None]] = ShortMemory(clock, KEPT_S)
        self._builds: ShortMemory[str] = ShortMemory(clock, KEPT_S)
        self._connections = {rule.url: Connection(rule, clock=clock, timeout_s=timeout_s) for rule in rules}
        self._hosts: list[tuple[ForgeRule, ForgeKind, Host]] = []
        self._trackers: list[tuple[ForgeRule, Jira]] = []
        for connection in self._connections.values():
            rule = connection.rule
            if rule.kind == "github":
                self._hosts.append((rule, rule.kind, GitHub(connection)))
            elif rule.kind == "gitlab":
                self._hosts.append((rule, rule.kind, GitLab(connection)))
            elif rule.kind == "gitea":
                self._hosts.append((rule, rule.kind, Gitea(connection)))
            elif rule.kind == "bitbucket":
                self._hosts.append((rule, rule.kind, Bitbucket(connection)))
            elif rule.kind == "azure":
                self._hosts.append((rule, rule.kind, Azure(connection)))
            else:
                self._trackers.append((rule, Jira(connection)))

    async def pull_request(self, repo: WebAddress, number: int) -> ForgeFacts | None:
        """See Forge.pull_request."""
        kind, path, host = self._host(repo)
        if host is None:
            return None
        page = repo.pull(number, kind)
        return await self._answer(f"{repo.base} pull {number}", partial(host.pull_request, path, number), page)

    async def issue(self, repo: WebAddress, number: int) -> ForgeFacts | None:
        """See Forge.issue."""
        kind, path, host = self._host(repo)
        if host is None:
            return None
        page = repo.issue(f"#{number}", kind)
        return await self._answer(f"{repo.base} issue {number}", partial(host.issue, path, number), page)

    async def ticket(self, page: str) -> ForgeFacts | None:
        """See Forge.ticket."""
        for rule, jira in self._trackers:
            path = rule.below(page)
            if path is not None and path.startswith("browse/"):
                key = path.removeprefix("browse/")
                return await self._answer(page, partial(jira.ticket, key), page)
        return None

    async def build(self, repo: WebAddress, commit: str) -> str | None:
        """See Forge.build. That there is none yet is not remembered: one may come."""
        _, path, host = self._host(repo)
        if host is None:
            return None
        key = f"{repo.base} {commit}"
        found = self._builds.get(key) or await host.build(path, commit)
        if found is not None:
            self._builds.keep(key, found)
        return found

    async def examine(self, url: str) -> bool:
        """See whether one of the rules answers; return whether it took its token. Raises ForgeFailed."""
        connection = self._connections.get(url)
        if connection is None:
            raise NotAllowed(action=f"asking {url}")
        rule = connection.rule
        return await connection.knock((_KNOCK if rule.has_token else _KNOCK_AS_STRANGER)[rule.kind])

    def pull_requests(self, repo: WebAddress) -> PullRequests | None:
        """Return the pull requests of a config repo; None where no forge with a token is allowed for its address."""
        for rule, kind, _ in self._hosts:
            path = rule.below(repo.base) if repo.base is not None else None
            if path is not None:
                if not rule.has_token or not is_repo(kind, path):
                    return None
                return ForgePullRequests(HOSTS[kind](self._connections[rule.url], path), repo, kind)
        return None

    def kind_of(self, repo: WebAddress) -> ForgeKind | None:
        """Return what a repo's forge is, where it is one of these."""
        return self._host(repo)[0]

    def _host(self, repo: WebAddress) -> tuple[ForgeKind | None, str, Host | None]:
        for rule, kind, host in self._hosts:
            path = rule.below(repo.base) if repo.base is not None else None
            if path is not None:
                return kind, path, host
        return None, "", None

    async def _answer(
        self, key: str, ask: Callable[[], Awaitable[ForgeFacts | None]], page: str | None
    ) -> ForgeFacts | None:
        kept = self._kept.get(key)
        if kept is None:
            found = await ask()
            kept = (replace(found, url=page) if found is not None else None,)
            self._kept.keep(key, kept)
        return kept[0]
