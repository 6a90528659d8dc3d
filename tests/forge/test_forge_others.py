"""Bitbucket and Azure DevOps: titles, labels where there are any, authors, builds, and where their API is."""

import json

import pytest

from lastgood.core.commit import Person
from lastgood.core.forge import web_address
from lastgood.forge.forges import Forges
from lastgood.forge.rules import ForgeRule
from twins.clock import ManualClock
from twins.raw_http import RawServer, answer

COMMIT = "a" * 40
BUILD = "https://ci.example.com/runs/7"


def as_json(value) -> bytes:
    return answer(json.dumps(value).encode())


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


async def test_bitbucket_tells_titles_authors_and_builds(server):
    """It has no labels, and its tracker is not asked."""
    forges = Forges([ForgeRule(url=server.url, kind="bitbucket", token="word")], clock=ManualClock())
    repo = web_address(f"{server.url}/o/shop.git")
    ends = {"source": {"branch": {"name": "gifts"}}, "destination": {"branch": {"name": "main"}}}
    server.says["/2.0/repositories/o/shop/pullrequests/16"] = as_json(
        {"id": 16, "state": "MERGED", "title": "Gift\nmessages", "author": {"display_name": "Priya"}, **ends}
    )
    server.says[f"/2.0/repositories/o/shop/commit/{COMMIT}/statuses"] = as_json(
        {
            "values": [
                {"state": "FAILED", "url": f"{BUILD}3", "updated_on": "2026-11-19T12:00:00Z"},
                {"state": "SUCCESSFUL", "url": BUILD, "updated_on": "2026-11-19T11:00:00Z"},
                {"state": "SUCCESSFUL", "url": "javascript:alert(1)", "updated_on": "2026-11-19T13:00:00Z"},
            ]
        }
    )
    pull = await forges.pull_request(repo, 16)
    assert (pull.title, pull.labels, pull.author) == ("Gift messages", (), Person(name="Priya", email=""))
    assert pull.url == f"{server.url}/o/shop/pull-requests/16"
    assert await forges.build(repo, COMMIT) == BUILD
    assert await forges.issue(repo, 16) is None
    assert {one.headers["authorization"] for one in server.asked} == {"Bearer word"}


@pytest.mark.parametrize("path", ["shop/_git/shop", "_git/shop"])
async def test_azure_tells_titles_labels_authors_and_builds(server, path):
    """The token goes as a password without an account; a repo may have its project's name."""
    forges = Forges([ForgeRule(url=f"{server.url}/o", kind="azure", token="word")], clock=ManualClock())
    repo = web_address(f"{server.url}/o/{path}")
    api = "/o/shop/_apis/git/repositories/shop"
    server.says[f"{api}/pullrequests/16"] = as_json(
        {
            "pullRequestId": 16, "status": "completed", "sourceRefName": "refs/heads/gifts",
            "targetRefName": "refs/heads/main", "title": "Gifts", "createdBy": {"displayName": "Priya"},
            "labels": [{"name": "q4"}],
        }
    )  # fmt: skip
    server.says[f"{api}/commits/{COMMIT}/statuses"] = as_json(
        {"value": [{"state": "succeeded", "targetUrl": BUILD, "creationDate": "2026-11-19T11:00:00Z"}]}
    )
    pull = await forges.pull_request(repo, 16)
    assert (pull.title, pull.labels, pull.author.name) == ("Gifts", ("q4",), "Priya")
    assert pull.url == f"{server.url}/o/{path}/pullrequest/16"
    assert await forges.build(repo, COMMIT) == BUILD
    assert {one.headers["authorization"] for one in server.asked} == {"Basic OndvcmQ="}
    elsewhere = web_address(f"{server.url}/o/shop/wiki")
    assert await forges.pull_request(elsewhere, 16) is None
    assert await forges.build(elsewhere, COMMIT) is None


@pytest.mark.parametrize(
    ("kind", "url", "api"),
    [
        ("bitbucket", "https://bitbucket.org", "https://api.bitbucket.org/2.0"),
        ("azure", "https://dev.azure.com/o", "https://dev.azure.com/o"),
    ],
)
def test_where_the_api_is(kind, url, api):
    """At another host for Bitbucket Cloud, below the organization for Azure DevOps."""
    assert ForgeRule(url=url, kind=kind).api == api
