"""Bitbucket Cloud: what it is asked of pull requests and builds, and how one is opened there.

Source: its REST API (2.0). It has no labels; its tracker of issues is gone from most repos and is not asked.
"""

import msgspec

from lastgood.core.build_link import is_build_page
from lastgood.core.forge_facts import ForgeFacts, forge_facts
from lastgood.core.pull_request import PullState
from lastgood.forge.connection import Connection, Sent
from lastgood.forge.told import Told, told_of

_STATES: dict[str, PullState] = {"OPEN": "open", "MERGED": "merged"}
_ALL = ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")


class _Named(msgspec.Struct, frozen=True):
    name: str | None = None
    full_name: str | None = None
    display_name: str | None = None


class _End(msgspec.Struct, frozen=True):
    branch: _Named | None = None
    repository: _Named | None = None


class _Pull(msgspec.Struct, frozen=True):
    # The commit that it names of a merge is cut short, so that nothing could be made of it.
    id: int
    state: str
    source: _End
    destination: _End
    title: str | None = None
    author: _Named | None = None

    def told(self) -> Told:
        ours, theirs = self.destination.repository, self.source.repository
        return Told(
            number=self.id,
            state=_STATES.get(self.state, "closed"),
            source=(self.source.branch and self.source.branch.name) or "",
            into=(self.destination.branch and self.destination.branch.name) or "",
            own=ours is not None and theirs is not None and ours.full_name == theirs.full_name,
        )


class _Pulls(msgspec.Struct, frozen=True):
    values: list[_Pull]


class _Status(msgspec.Struct, frozen=True):
    state: str | None = None
    url: str | None = None
    updated_on: str | None = None


class _Statuses(msgspec.Struct, frozen=True):
    values: list[_Status] | None = None


class _Repos(msgspec.Struct, frozen=True):
    values: list[_Named]


class Bitbucket:
    """See hosts.Host: titles and builds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pull_request(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.pull_request."""
        found = await self._connection.get(f"/repositories/{path}/pullrequests/{number}", _Pull)
        author = found.author.display_name if found is not None and found.author is not None else None
        return forge_facts(title=found.title, labels=(), name=author) if found is not None else None

    async def issue(self, path: str, number: int) -> ForgeFacts | None:
        """See Host.issue."""
        _ = path, number
        return None

    async def build(self, path: str, commit: str) -> str | None:
        """See Host.build."""
        query = {"pagelen": "100"}
        said = await self._connection.get(f"/repositories/{path}/commit/{commit}/statuses", _Statuses, query)
        found = [one for one in (said and said.values) or () if one.url is not None and is_build_page(one.url)]
        best = max(found, key=lambda one: (one.state == "SUCCESSFUL", one.updated_on or ""), default=None)
        return best.url if best is not None else None


class BitbucketPulls:
    """See pull_requests.Host: how pull requests stand, and opening one."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._pulls = f"/repositories/{path}/pullrequests"

    async def of_branch(self, source: str, into: str) -> list[Told]:
        """See Host.of_branch."""
        wanted = f'source.branch.name = "{_quoted(source)}" AND destination.branch.name = "{_quoted(into)}"'
        query = {"q": wanted, "state": _ALL, "pagelen": "50"}
        found = await self._connection.get(self._pulls, _Pulls, query)
        return [one.told() for one in found.values] if found is not None else []

    async def look(self, number: int) -> Told | None:
        """See Host.look."""
        found = await self._connection.get(f"{self._pulls}/{number}", _Pull)
        return found.told() if found is not None else None

    async def send(self, source: str, into: str, *, title: str, body: str) -> Sent[Told]:
        """See Host.send."""
        asked = {
            "title": title,
            "description": body,
            "source": {"branch": {"name": source}},
            "destination": {"branch": {"name": into}},
            "close_source_branch": True,
        }
        return told_of(await self._connection.send("POST", self._pulls, asked, _Pull))

    async def describe(self, number: int, *, title: str, body: str) -> Sent[Told]:
        """See Host.describe."""
        asked = {"title": title, "description": body}
        return told_of(await self._connection.send("PUT", f"{self._pulls}/{number}", asked, _Pull))

    async def may_open(self) -> bool | None:
        """See Host.may_open. A token of a repo or a workspace is nobody's, so that no list has what it may write."""
        if await self._connection.get(f"/repositories/{self._path}", _Named) is None:
            return False
        query = {"role": "contributor", "q": f'full_name = "{_quoted(self._path)}"'}
        found = await self._connection.get(f"/repositories/{self._path.partition('/')[0]}", _Repos, query)
        return True if found is not None and found.values else None


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
