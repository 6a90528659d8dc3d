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
        self.tells_nothing = False

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
        self.kept[number] = PullRequest(number=number, url=f"{FORGE}/pulls/{number}", state="open", into=into)
        if self.lose_replies:
            self.lose_replies -= 1
            raise ForgeFailed(forge=FORGE, reason="no answer within 10 s")
        return self.kept[number]

    async def describe(self, number, *, title, body):
        self._knock()
        if self.refuses:
            raise PullRequestRefused(forge=FORGE, source=f"pull request {number}", reason=self.refuses)
        self.sent[number] |= {"title": title, "body": body}

    async def may_open(self):
        self._knock()
        return None if self.tells_nothing else not self.refuses

    def end(self, number, state, *, merged_as=None, into="main"):
        """Let somebody merge or close one, or open it again; into: the branch that they chose for it."""
        self.kept[number] = replace(self.kept[number], state=state, merged_as=merged_as, into=into)

    def _knock(self):
        if self.away:
            raise ForgeFailed(forge=FORGE, reason=self.away)


PATHS = {
    "github": "/api/v3/repos/o/config/pulls",
    "gitlab": f"/api/v4/projects/{quote('o/config', safe='')}/merge_requests",
    "gitea": "/api/v1/repos/o/config/pulls",
    "bitbucket": "/2.0/repositories/o/config/pullrequests",
    "azure": "/o/config/_apis/git/repositories/config/pullrequests",
}
STATES = {
    "gitlab": {"open": "opened"},
    "bitbucket": {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"},
    "azure": {"open": "active", "merged": "completed", "closed": "abandoned"},
}


class ServedPullRequests:
    """An adapter, and a server that keeps pull requests as its forge's documentation says.

    kept: by number: source, into, own (not of a fork), state and merged_as; sent: what each was opened with.
    """

    def __init__(self, server: RawServer, kind: str):
        self.server, self.kind, self.path = server, kind, PATHS[kind]
        # The address of Azure DevOps is that of the organization.
        url = f"{server.url}/o" if kind == "azure" else server.url
        forges = Forges([ForgeRule(url=url, kind=kind, token="forge-word")], clock=ManualClock())
        self.base = f"{server.url}/o/config/_git/config" if kind == "azure" else f"{server.url}/o/config"
        self.pulls = forges.pull_requests(web_address(f"{self.base}.git"))
        self.kept, self.sent, self.status = {}, {}, 201
        server.says[self.path] = self._answer

    # Bitbucket cuts it short.
    @property
    def tells_merge(self):
        return self.kind != "bitbucket"

    def _answer(self, asked):
        if asked.method == "POST":
            return self._open(json.loads(asked.body))
        query = parse_qs(urlsplit(asked.target).query)
        found = [self._form(number) for number in reversed(self.kept) if self._is_wanted(self.kept[number], query)]
        return as_json({"bitbucket": {"values": found}, "azure": {"value": found}}.get(self.kind, found))

    def _is_wanted(self, one, query):
        source, into = one["source"], one["into"]
        if self.kind == "github":
            return query["head"] == [f"{'o' if one['own'] else 'mallory'}:{source}"] and query["base"] == [into]
        if self.kind == "gitlab":
            return (query["source_branch"], query["target_branch"]) == ([source], [into])
        if self.kind == "bitbucket":
            state = STATES["bitbucket"][one["state"]]
            wanted = f'source.branch.name = "{source}" AND destination.branch.name = "{into}"'
            return state in query["state"] and query["q"] == [wanted]
        if self.kind == "azure":
            assert (query["api-version"], query["searchCriteria.status"]) == (["6.0"], ["all"])
            return query["searchCriteria.sourceRefName"] == [f"refs/heads/{source}"]
        return query["page"] == ["1"]

    def _open(self, body):
        if self.status != 201:
            return as_json({"message": "Validation Failed"}, self.status)
        source, into, text = self._read(body)
        if any(one["own"] and one["state"] == "open" and one["source"] == source for one in self.kept.values()):
            return as_json({"message": "it is there already"}, 422 if self.kind == "github" else 409)
        number = self._keep(source, into, own=True)
        self.sent[number] = {"source": source, "into": into, "title": body["title"], "body": text}
        return as_json(self._form(number), 201)

    def _read(self, body):
        if self.kind == "gitlab":
            return body["source_branch"], body["target_branch"], body["description"]
        if self.kind == "bitbucket":
            return body["source"]["branch"]["name"], body["destination"]["branch"]["name"], body["description"]
        if self.kind == "azure":
            ends = (body[end].removeprefix("refs/heads/") for end in ("sourceRefName", "targetRefName"))
            return (*ends, body["description"])
        return body["head"], body["base"], body["body"]

    def _form(self, number):
        one = self.kept[number]
        source, into, merged_as = one["source"], one["into"], one["merged_as"]
        owner = "o" if one["own"] else "mallory"
        state = STATES.get(self.kind, {}).get(one["state"], one["state"])
        if self.kind == "gitlab":
            return {
                "iid": number, "id": 900 + number, "state": state, "source_branch": source, "target_branch": into,
                "source_project_id": 7 if one["own"] else 8, "target_project_id": 7, "sha": "a" * 40,
                "merge_commit_sha": merged_as, "squash_commit_sha": None, "web_url": "javascript:alert(1)",
            }  # fmt: skip
        if self.kind == "bitbucket":
            return {
                "id": number, "state": state, "merge_commit": {"hash": merged_as[:12]} if merged_as else None,
                "source": {"branch": {"name": source}, "repository": {"full_name": f"{owner}/config"}},
                "destination": {"branch": {"name": into}, "repository": {"full_name": "o/config"}},
            }  # fmt: skip
        if self.kind == "azure":
            fork = {} if one["own"] else {"forkSource": {"repository": {"id": "elsewhere"}}}
            return {
                "pullRequestId": number, "status": state, "sourceRefName": f"refs/heads/{source}",
                "targetRefName": f"refs/heads/{into}", "lastMergeCommit": {"commitId": merged_as or "b" * 40}, **fork,
            }  # fmt: skip
        return {
            "number": number, "id": 900 + number, "state": "open" if state == "open" else "closed",
            "merged_at": "2026-11-19T10:00:00Z" if state == "merged" else None,
            "merge_commit_sha": merged_as or "b" * 40,
            "head": {"ref": source, "label": f"{owner}:{source}", "repo": {"full_name": f"{owner}/config"}},
            "base": {"ref": into, "repo": {"full_name": "o/config"}}, "html_url": "javascript:alert(1)",
        }  # fmt: skip

    def _keep(self, source, into, *, own):
        number = len(self.kept) + 1
        self.kept[number] = {"source": source, "into": into, "own": own, "state": "open", "merged_as": None}
        self.server.says[f"{self.path}/{number}"] = lambda asked: self._one(asked, number)
        return number

    def _one(self, asked, number):
        if asked.method != "GET":
            assert asked.method == ("PUT" if self.kind in {"gitlab", "bitbucket"} else "PATCH")
            if self.status != 201:
                return as_json({"message": "Validation Failed"}, self.status)
            body = json.loads(asked.body)
            self.sent[number] |= {"title": body["title"], "body": body.get("body", body.get("description"))}
        return as_json(self._form(number))

    def end(self, number, state, *, merged_as=MERGED):
        self.kept[number] |= {"state": state, "merged_as": merged_as if state == "merged" else None}

    def fork(self, source):
        """Let a stranger open one from a branch of the same name in a fork."""
        self._keep(source, "main", own=False)

    def refuse(self):
        self.status = 403
        self.allow(may=False)

    def allow(self, *, may):
        """Let it say what the token's account may do, as its documentation has it; may None: it does not tell."""
        said = self.server.says
        if self.kind == "gitlab":
            level = {True: 30, False: 20}.get(may)
            given = {"project_access": None, "group_access": level and {"access_level": level, "notification_level": 3}}
            said["/api/v4/projects/o%2Fconfig"] = as_json({"id": 7, "permissions": given})
            said["/api/v4/personal_access_tokens/self"] = as_json({"id": 4, "scopes": ["api"]})
        elif self.kind == "bitbucket":
            repo = {"full_name": "o/config", "name": "config"}
            said["/2.0/repositories/o/config"] = as_json(repo, 404 if may is False else 200)
            said["/2.0/repositories/o"] = as_json({"values": [repo] if may else []})
        elif self.kind == "azure":
            said["/o/config/_apis/git/repositories/config"] = as_json({"id": "r1", "project": {"id": "p1"}})
            rights = "/o/_apis/permissions/2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87/16384"
            said[rights] = as_json({"count": 1, "value": [may]}) if may is not None else answer(b"{}", status=403)
        else:
            rights = {"permissions": {"admin": False, "push": may, "pull": True}} if may is not None else {}
            shown = 404 if may is False and self.kind == "gitea" else 200
            said[self.path.removesuffix("/pulls")] = as_json({"full_name": "o/config", **rights}, shown)

    def go_away(self):
        self.server.says.clear()
        for path in (self.path, self.path.rpartition("/")[0]):
            self.server.says[path] = answer(b"{}", status=502)
