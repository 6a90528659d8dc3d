"""What every forge promises: the twin in memory and the adapters of GitHub, GitLab, Gitea and Jira answer alike."""

import json
from urllib.parse import quote

import pytest

from lastgood.core.commit import Person
from lastgood.core.errors import ForgeFailed
from lastgood.core.forge import web_address
from lastgood.core.forge_facts import forge_facts
from lastgood.forge.forges import Forges
from lastgood.forge.rules import ForgeRule
from twins.clock import ManualClock
from twins.forge import MemoryForge
from twins.raw_http import RawServer, answer

COMMIT = "a" * 40
OLD, NEW, LATER = "2026-11-19T10:00:00Z", "2026-11-19T11:00:00Z", "2026-11-19T12:00:00Z"
BUILD = "https://ci.example.com/runs/7"


def as_json(value) -> bytes:
    return answer(json.dumps(value).encode())


class Memory:
    """The twin, with what a forge may say."""

    def __init__(self):
        self.forge = MemoryForge()
        self.repo = web_address("https://git.example.com/o/shop")
        self.tracker = "https://jira.example.com"

    def has(self, kind, number, *, title, labels, login):
        word = {"pull": "pull", "issue": "issue"}[kind]
        url = f"{self.repo.base}/{word}/{number}"
        self.forge.said[kind, self.repo.base, number] = forge_facts(title=title, labels=labels, login=login, url=url)

    def has_ticket(self, key, *, title, labels):
        self.forge.said["ticket", self.page(key)] = forge_facts(title=title, labels=labels, url=self.page(key))

    def has_build(self, page):
        self.forge.said["build", self.repo.base, COMMIT] = page

    def page(self, key):
        return f"{self.tracker}/browse/{key}"

    def go_away(self):
        self.forge.away = "it is away"


class Served:
    """An adapter, and a server that answers as its forge's documentation says."""

    def __init__(self, server: RawServer, kind: str):
        self.server, self.kind = server, kind
        rules = [
            ForgeRule(url=server.url, kind=kind, token="forge-word"),
            ForgeRule(url=f"{server.url}/jira", kind="jira", user="me@example.com", token="jira-word"),
        ]
        self.forge = Forges(rules, clock=ManualClock())
        self.repo = web_address(f"{server.url}/o/shop.git")

    def has(self, kind, number, *, title, labels, login):
        said = {"title": title, "id": 9, "state": "closed", "body": None}
        named = [{"id": 1, "name": label, "color": "ff0000"} for label in labels]
        if self.kind == "gitlab":
            part = {"pull": "merge_requests", "issue": "issues"}[kind]
            path = f"/api/v4/projects/{quote('o/shop', safe='')}/{part}/{number}"
            said |= {"labels": labels, "author": {"id": 3, "username": login, "name": None}}
        elif self.kind == "gitea":
            path = f"/api/v1/repos/o/shop/{'pulls' if kind == 'pull' else 'issues'}/{number}"
            said |= {"labels": named, "user": {"id": 3, "login": login, "full_name": "", "email": "x@example.com"}}
        else:
            path = f"/api/v3/repos/o/shop/{'pulls' if kind == 'pull' else 'issues'}/{number}"
            said |= {"labels": named, "user": {"id": 3, "login": login, "type": "User"}}
        self.server.says[path] = as_json(said)

    def has_ticket(self, key, *, title, labels):
        path = f"/jira/rest/api/2/issue/{key}"
        self.server.says[path] = as_json({"key": key, "fields": {"summary": title, "labels": labels}})

    def has_build(self, page):
        if self.kind == "gitlab":
            repo = f"/api/v4/projects/{quote('o/shop', safe='')}"
            runs = as_json(
                [
                    {"id": 3, "sha": COMMIT, "status": "failed", "web_url": f"{page}3", "created_at": LATER},
                    {"id": 2, "sha": COMMIT, "status": "success", "web_url": page, "created_at": NEW},
                    {"id": 1, "sha": COMMIT, "status": "success", "web_url": f"{page}1", "created_at": OLD},
                ]
            )
            said = as_json([])
            self.server.says[f"{repo}/pipelines"] = lambda asked: runs if f"sha={COMMIT}" in asked.target else said
        elif self.kind == "gitea":
            self.server.says[f"/api/v1/repos/o/shop/commits/{COMMIT}/statuses"] = as_json(
                [
                    {"id": 3, "status": "failure", "target_url": f"{page}3", "updated_at": LATER},
                    {"id": 2, "status": "success", "target_url": page, "updated_at": NEW},
                    {"id": 1, "status": "success", "target_url": f"{page}1", "updated_at": OLD},
                ]
            )
        else:
            repo = f"/api/v3/repos/o/shop/commits/{COMMIT}"
            self.server.says[f"{repo}/status"] = as_json(
                {
                    "state": "success",
                    "total_count": 1,
                    "statuses": [{"state": "success", "target_url": f"{page}1", "updated_at": OLD}],
                }
            )
            self.server.says[f"{repo}/check-runs"] = as_json(
                {
                    "total_count": 2,
                    "check_runs": [
                        {"status": "in_progress", "conclusion": None, "html_url": f"{page}3", "started_at": LATER},
                        {
                            "status": "completed",
                            "conclusion": "success",
                            "details_url": page,
                            "html_url": f"{page}4",
                            "completed_at": NEW,
                        },
                    ],
                }
            )

    def page(self, key):
        return f"{self.server.url}/jira/browse/{key}"

    def go_away(self):
        self.server.says.clear()
        broken = answer(b"{}", status=500)
        self.server.says.update(dict.fromkeys(self.server.paths, broken))


@pytest.fixture(params=["memory", "github", "gitlab", "gitea"])
async def world(request):
    if request.param == "memory":
        yield Memory()
        return
    async with RawServer() as server:
        yield Served(server, request.param)


async def test_pull_requests_and_issues_have_titles_labels_and_authors(world):
    """Numbers of the two do not get mixed up; each text is one line that can be printed."""
    world.has("pull", 16, title="Gift\x1b[2J\nmessages", labels=["shop", "shop", " big\tone "], login="priya")
    world.has("issue", 17, title="No gifts", labels=[], login="sam")

    pull = await world.forge.pull_request(world.repo, 16)
    assert (pull.title, pull.labels) == ("Gift [2J messages", ("shop", "big one"))
    assert (pull.author, pull.login) == (Person(name="priya", email=""), "priya")
    assert "/16" in pull.url
    issue = await world.forge.issue(world.repo, 17)
    assert (issue.title, issue.labels, issue.author.name) == ("No gifts", (), "sam")
    assert await world.forge.issue(world.repo, 16) is None
    assert await world.forge.pull_request(world.repo, 17) is None


async def test_a_tracker_has_titles_and_labels(world):
    """By the page to which a feature links."""
    world.has_ticket("SHOP-115", title="Gifts, please", labels=["q4"])
    found = await world.forge.ticket(world.page("SHOP-115"))
    assert (found.title, found.labels, found.author, found.url) == (
        "Gifts, please", ("q4",), None, world.page("SHOP-115"),
    )  # fmt: skip
    assert await world.forge.ticket(world.page("SHOP-116")) is None


async def test_the_newest_successful_build_is_a_commits(world):
    """A newer one that failed is not; a commit without any has none."""
    assert await world.forge.build(world.repo, COMMIT) is None
    world.has_build(BUILD)
    assert await world.forge.build(world.repo, COMMIT) == BUILD
    assert await world.forge.build(world.repo, "b" * 40) is None


async def test_what_nobody_named_is_not_asked(world):
    """Another host, a folder: no answer, and no error."""
    for url in ("https://elsewhere.example.com/o/shop", "/srv/shop.git", "git@elsewhere.example.com:o/shop.git"):
        repo = web_address(url)
        assert await world.forge.pull_request(repo, 16) is None
        assert await world.forge.issue(repo, 16) is None
        assert await world.forge.build(repo, COMMIT) is None
    assert await world.forge.ticket("https://elsewhere.example.com/browse/SHOP-1") is None


async def test_who_is_away_says_so(world):
    """It is an error, not a "no": whoever asked may ask again."""
    assert await world.forge.pull_request(world.repo, 1) is None
    assert await world.forge.build(world.repo, COMMIT) is None
    world.go_away()
    with pytest.raises(ForgeFailed):
        await world.forge.build(world.repo, COMMIT)
    with pytest.raises(ForgeFailed) as failed:
        await world.forge.issue(world.repo, 2)
    assert failed.value.facts["reason"]
