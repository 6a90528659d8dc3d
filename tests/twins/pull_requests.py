"""Pull requests in memory: the twin of the adapters that open them, and a server that has those of a forge."""

import json
from urllib.parse import parse_qs, quote, urlsplit

from msgspec.structs import replace

from lastgood.core.errors import ForgeFailed, PullRequestRefused
from lastgood.core.forge import web_address
from lastgood.core.pull_request import PullRequest
from lastgood.forge.forges import Forges
from lastgood.forge.rules import ForgeRule
from twins.clock import ManualClock
from twins.raw_http import RawServer, answer

FORGE = "https://git.example.com/o/config"
MERGED = "c" * 40


def as_json(value, status=200) -> bytes:
    return answer(json.dumps(value).encode(), status=status)


class MemoryPullRequests:
    """The port PullRequests. away: why nobody answers, "" where they do; refuses: why none is opened.

    lose_replies: how many are opened without an answer. sent: what each was opened with, by its number.
    """

    def __init__(self):
        self.kept = {}
        self.sent = {}
        self.away = ""
        self.refuses = ""
        self.lose_replies = 0

    async def find(self, source, into):
        self._knock()
        mine = [number for number, sent in self.sent.items() if (sent["source"], sent["into"]) == (source, into)]
        return self.kept[max(mine)] if mine else None

    async def look(self, number):
        self._knock()
        return self.kept.get(number)

    async def open(self, source, into, *, title, body):
        found = await self.find(source, into)
        if found is not None and found.state == "open":
            return found
        if self.refuses:
            raise PullRequestRefused(forge=FORGE, source=source, reason=self.refuses)
        number = len(self.kept) + 1
        self.sent[number] = {"source": source, "into": into, "title": title, "body": body}
        self.kept[number] = PullRequest(number=number, url=f"{FORGE}/pulls/{number}", state="open")
        if self.lose_replies:
            self.lose_replies -= 1
            raise ForgeFailed(forge=FORGE, reason="no answer within 10 s")
        return self.kept[number]

    def end(self, number, state, *, merged_as=None):
        """Let somebody merge or close one."""
        self.kept[number] = replace(self.kept[number], state=state, merged_as=merged_as)

    def _knock(self):
        if self.away:
            raise ForgeFailed(forge=FORGE, reason=self.away)


class ServedPullRequests:
    """An adapter, and a server that keeps pull requests as its forge's documentation says."""

    def __init__(self, server: RawServer, kind: str):
        self.server, self.kind = server, kind
        forges = Forges([ForgeRule(url=server.url, kind=kind, token="forge-word")], clock=ManualClock())
        self.pulls = forges.pull_requests(web_address(f"{server.url}/o/config.git"))
        project = f"/projects/{quote('o/config', safe='')}/merge_requests"
        self.path = {"github": "/api/v3/repos/o/config/pulls", "gitea": "/api/v1/repos/o/config/pulls"}.get(
            kind, f"/api/v4{project}"
        )
        self.kept, self.sent, self.status = {}, {}, 201
        server.says[self.path] = self._answer

    def _answer(self, asked):
        if asked.method == "POST":
            return self._open(json.loads(asked.body))
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.target).query).items()}
        found = list(self.kept.values())
        if self.kind == "github":
            owner, _, source = query["head"].partition(":")
            found = [
                one for one in found if one["head"]["ref"] == source and one["head"]["label"] == f"{owner}:{source}"
            ]
        elif self.kind == "gitlab":
            found = [one for one in found if one["source_branch"] == query["source_branch"]]
        elif query["page"] != "1":
            found = []
        return as_json(found[::-1])

    def _open(self, body):
        source, into = (
            (body["source_branch"], body["target_branch"]) if self.kind == "gitlab" else (body["head"], body["base"])
        )
        if self.status != 201:
            return as_json({"message": "Validation Failed"}, self.status)
        ours = [self.kept[number] for number in self.sent]
        if any(one["state"] in {"open", "opened"} and self._source(one) == source for one in ours):
            return as_json({"message": "it is there already"}, 422 if self.kind == "github" else 409)
        number = len(self.kept) + 1
        self.sent[number] = {
            "source": source,
            "into": into,
            "title": body["title"],
            "body": body["description" if self.kind == "gitlab" else "body"],
        }
        self._keep(number, self._made(number, source, into, own=True))
        return as_json(self.kept[number], 201)

    def _source(self, one):
        return one["source_branch"] if self.kind == "gitlab" else one["head"]["ref"]

    def _made(self, number, source, into, *, own):
        if self.kind == "gitlab":
            return {
                "iid": number, "id": 900 + number, "state": "opened", "source_branch": source, "target_branch": into,
                "source_project_id": 7 if own else 8, "target_project_id": 7, "sha": "a" * 40,
                "merge_commit_sha": None, "squash_commit_sha": None, "web_url": "javascript:alert(1)",
            }  # fmt: skip
        owner = "o" if own else "mallory"
        return {
            "number": number, "id": 900 + number, "state": "open", "merged_at": None, "merge_commit_sha": "b" * 40,
            "head": {"ref": source, "label": f"{owner}:{source}", "repo": {"full_name": f"{owner}/config"}},
            "base": {"ref": into, "repo": {"full_name": "o/config"}}, "html_url": "javascript:alert(1)",
        }  # fmt: skip

    def _keep(self, number, one):
        self.kept[number] = one
        self.server.says[f"{self.path}/{number}"] = lambda asked: as_json(self.kept[number])

    def end(self, number, state, *, merged_as=MERGED):
        if self.kind == "gitlab":
            merged = {"state": "merged", "merge_commit_sha": merged_as}
        else:
            merged = {"state": "closed", "merged_at": "2026-11-19T10:00:00Z", "merge_commit_sha": merged_as}
        self.kept[number] |= merged if state == "merged" else {"state": "closed"}

    def fork(self, source):
        """Let a stranger open one from a branch of the same name in a fork."""
        number = len(self.kept) + 1
        self._keep(number, self._made(number, source, "main", own=False))

    def refuse(self):
        self.status = 403

    def go_away(self):
        self.server.says.clear()
        self.server.says[self.path] = answer(b"{}", status=502)
