"""What every forge's pull requests promise: the twin in memory and the adapters of GitHub and its kin agree."""

import base64
from urllib.parse import unquote

import pytest

from lastgood.core.errors import ForgeFailed, PullRequestRefused
from lastgood.core.forge import web_address
from lastgood.forge.forges import Forges
from lastgood.forge.rules import ForgeRule
from twins.clock import ManualClock
from twins.pull_requests import MERGED, PATHS, MemoryPullRequests, ServedPullRequests, as_json
from twins.raw_http import RawServer, answer

OURS = "lastgood/rollback/1"


NONE = {kind: as_json({"bitbucket": {"values": []}, "azure": {"value": []}}.get(kind, [])) for kind in PATHS}


class Memory:
    """The twin."""

    tells_merge = True

    def __init__(self):
        self.pulls = MemoryPullRequests()

    def end(self, number, state):
        self.pulls.end(number, state, merged_as=MERGED if state == "merged" else None)

    def refuse(self):
        self.pulls.refuses = "the token may not open one there"

    def allow(self, *, may):
        self.pulls.tells_nothing = may is None
        self.pulls.refuses = "" if may else "the token may not open one there"

    def go_away(self):
        self.pulls.away = "it is away"

    @property
    def sent(self):
        return self.pulls.sent

    def fork(self, source):
        """The twin knows no forks."""


@pytest.fixture(params=["memory", *PATHS])
async def world(request):
    if request.param == "memory":
        yield Memory()
        return
    async with RawServer() as server:
        yield ServedPullRequests(server, request.param)


async def test_one_is_opened_once(world):
    """Title, body and branches are what was given; opened again it is the same one."""
    assert await world.pulls.find(OURS, "main") is None
    first = await world.pulls.open(OURS, "main", title="Roll back web", body="it is `broken`")
    assert (first.number, first.state, first.merged_as) == (1, "open", None)
    assert world.sent[1] == {"source": OURS, "into": "main", "title": "Roll back web", "body": "it is `broken`"}
    assert await world.pulls.open(OURS, "main", title="Roll back web", body="") == first
    assert await world.pulls.find(OURS, "main") == await world.pulls.look(1) == first
    assert await world.pulls.find("lastgood/rollback/2", "main") is None
    assert await world.pulls.look(2) is None


async def test_one_is_described_anew(world):
    """Title and body, and nothing else of it; where the token may not, that is said."""
    opened = await world.pulls.open(OURS, "main", title="Roll back web", body="broken")
    await world.pulls.describe(1, title="Roll back web to v1", body="slow")
    assert (world.sent[1]["title"], world.sent[1]["body"]) == ("Roll back web to v1", "slow")
    assert await world.pulls.look(1) == opened
    world.refuse()
    with pytest.raises(PullRequestRefused):
        await world.pulls.describe(1, title="Roll back", body="")


@pytest.mark.parametrize(("state", "merged_as"), [("merged", MERGED), ("closed", None)])
async def test_how_it_ended_is_told(world, state, merged_as):
    """Merged, and as which commit, or closed without; after that another one may be opened for the branch."""
    await world.pulls.open(OURS, "main", title="Roll back web", body="")
    world.end(1, state)
    ended = await world.pulls.look(1)
    assert (ended.state, ended.merged_as) == (state, merged_as if world.tells_merge else None)
    assert await world.pulls.find(OURS, "main") == ended
    again = await world.pulls.open(OURS, "main", title="Roll back web", body="")
    assert (again.number, again.state) == (2, "open")
    assert await world.pulls.find(OURS, "main") == again


async def test_a_forks_is_not_ours(world):
    """A stranger may give a branch in a fork the same name."""
    world.fork(OURS)
    assert await world.pulls.find(OURS, "main") is None
    ours = await world.pulls.open(OURS, "main", title="Roll back web", body="")
    assert await world.pulls.find(OURS, "main") == ours


async def test_a_refusal_is_said(world):
    """The token may not: which forge, which branch, and why."""
    world.refuse()
    with pytest.raises(PullRequestRefused) as refused:
        await world.pulls.open(OURS, "main", title="Roll back web", body="")
    assert refused.value.facts["source"] == OURS
    assert refused.value.facts["reason"] == "the token may not open one there"


async def test_who_is_away_says_so(world):
    """No answer is no "no"."""
    world.go_away()
    for ask in (
        lambda: world.pulls.find(OURS, "main"),
        lambda: world.pulls.open(OURS, "main", title="Roll back web", body=""),
    ):
        with pytest.raises(ForgeFailed):
            await ask()


# what the adapters alone promise


@pytest.fixture(params=list(PATHS))
async def served(request):
    async with RawServer() as server:
        yield ServedPullRequests(server, request.param)


async def test_pages_are_of_the_repo_itself(served):
    """Whatever address the forge's answer has."""
    opened = await served.pulls.open(OURS, "main", title="Roll back web", body="")
    words = {
        "github": "pull", "gitlab": "-/merge_requests", "gitea": "pulls", "bitbucket": "pull-requests",
        "azure": "pullrequest",
    }  # fmt: skip
    assert opened.url == f"{served.base}/{words[served.kind]}/1"


async def test_the_token_goes_with_what_is_sent_and_nowhere_else(served):
    """To the forge alone, also where it redirects; what is sent is never turned into a question."""
    async with RawServer() as other:
        served.server.says[served.path] = lambda asked: (
            NONE[served.kind] if asked.method == "GET" else answer(status=307, location=f"{other.url}{served.path}")
        )
        with pytest.raises(ForgeFailed):
            await served.pulls.open(OURS, "main", title="Roll back web", body="")
        assert other.asked == []
    sent = [one for one in served.server.asked if one.method == "POST"]
    shown = [" ".join(one.headers.values()) for one in sent]
    assert len(sent) == 1
    assert "forge-word" in shown[0] or base64.b64encode(b":forge-word").decode() in shown[0]
    assert all("forge-word" not in unquote(one.target) for one in served.server.asked)


async def test_what_moved_on_the_same_forge_is_sent_there(served):
    """A repo that was renamed: 308 repeats what was sent, 301 would ask instead."""
    moved = f"{served.path}-moved"
    served.server.says[moved] = served.server.says[served.path]
    for status, works in ((308, True), (301, False)):
        served.server.says[served.path] = lambda asked, status=status: (
            NONE[served.kind] if asked.method == "GET" else answer(status=status, location=moved)
        )
        if works:
            assert (await served.pulls.open(OURS, "main", title="Roll back web", body="")).number == 1
            continue
        with pytest.raises(ForgeFailed):
            await served.pulls.open(OURS, "main", title="Roll back web", body="")


@pytest.mark.parametrize(
    "said", [b"[]", b"{}", b'{"number": "1"}', b'{"number": -1, "iid": -1}', b"[" * 100_000, b"<html>"]
)
async def test_what_is_not_in_the_form_of_the_api_is_no_answer(served, said):
    """Then nobody knows whether it was opened."""
    served.server.says[served.path] = lambda asked: (
        NONE[served.kind] if asked.method == "GET" else answer(said, status=201)
    )
    with pytest.raises(ForgeFailed) as failed:
        await served.pulls.open(OURS, "main", title="Roll back web", body="")
    assert "form" in failed.value.facts["reason"]


async def test_somebody_who_was_faster_is_found(served):
    """Refused because it is there already: that one it is."""
    first = await served.pulls.open(OURS, "main", title="Roll back web", body="")
    says, asked_first = served.server.says[served.path], []

    def late(asked):
        if asked.method == "GET" and not asked_first:
            asked_first.append(asked)
            return NONE[served.kind]
        return says(asked)

    served.server.says[served.path] = late
    assert await served.pulls.open(OURS, "main", title="Roll back web", body="") == first
    assert len(served.kept) == 1


@pytest.mark.parametrize("rule", [{"token": ""}, {"url": "https://elsewhere.example.com"}])
async def test_without_a_token_or_an_address_there_are_none(rule):
    """A stranger opens nothing; a folder is on no forge."""
    rule = ForgeRule(**{"url": "https://git.example.com", "kind": "gitea", "token": "forge-word", **rule})
    forges = Forges([rule], clock=ManualClock())
    assert forges.pull_requests(web_address("https://git.example.com/o/config")) is None
    assert forges.pull_requests(web_address("/srv/config.git")) is None


@pytest.mark.parametrize(
    ("kind", "path", "is_one"),
    [
        ("github", "o/config", True), ("github", "o/group/config", False), ("gitlab", "o/group/config", True),
        ("gitlab", "config", False), ("bitbucket", "config", False), ("azure", "config/_git/config", True),
        ("azure", "_git/config", True), ("azure", "o/config", False),
    ],
)  # fmt: skip
def test_only_a_repo_has_pull_requests(kind, path, is_one):
    """What lies elsewhere below the forge's address is none."""
    forges = Forges([ForgeRule(url="https://git.example.com", kind=kind, token="forge-word")], clock=ManualClock())
    assert (forges.pull_requests(web_address(f"https://git.example.com/{path}")) is not None) is is_one


@pytest.mark.parametrize("may", [True, False, None])
async def test_a_forge_says_whether_one_may_be_opened(world, may):
    """Without opening one; what it does not tell is not guessed."""
    world.allow(may=may)
    assert await world.pulls.may_open() is may


async def test_whether_one_may_be_opened_is_not_known_while_it_is_away(world):
    """Nobody says no for it."""
    world.go_away()
    with pytest.raises(ForgeFailed):
        await world.pulls.may_open()
