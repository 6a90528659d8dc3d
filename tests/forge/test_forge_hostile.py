"""Whatever answers in a forge's place: it is bounded, left alone when it asks for that, and no token goes elsewhere."""

import asyncio
import base64
import contextlib
import json

import pytest

from lastgood.core.errors import ForgeFailed
from lastgood.core.forge import web_address
from lastgood.core.forge_facts import MOST_LABEL, MOST_LABELS
from lastgood.forge import connection
from lastgood.forge.forges import KEPT_S, Forges
from lastgood.forge.rules import ForgeRule
from twins.clock import ManualClock
from twins.raw_http import RawServer, answer

COMMIT = "a" * 40
PULL = "/api/v1/repos/o/shop/pulls/16"
STATUSES = f"/api/v1/repos/o/shop/commits/{COMMIT}/statuses"
GOOD = answer(b'{"title": "Gifts"}')


@pytest.fixture
async def server():
    async with RawServer() as server:
        yield server


@pytest.fixture
async def other():
    async with RawServer() as other:
        yield other


class Asking:
    """One forge of the operator's, and a clock."""

    def __init__(self, server, *, kind="gitea", timeout_s=5.0, **rule):
        self.clock = ManualClock()
        rule = ForgeRule(url=server.url, kind=kind, **{"token": "hush-hush", **rule})
        self.forges = Forges([rule], clock=self.clock, timeout_s=timeout_s)
        self.repo = web_address(f"{server.url}/o/shop")

    async def title(self, number=16):
        found = await self.forges.pull_request(self.repo, number)
        return found and found.title

    async def build(self):
        return await self.forges.build(self.repo, COMMIT)

    async def why(self, number=16):
        with pytest.raises(ForgeFailed) as failed:
            await self.title(number)
        assert "hush-hush" not in failed.value.message
        return failed.value.facts["reason"]


@pytest.mark.parametrize(
    "said",
    [
        b"<html>maintenance</html>",
        b"[" * 100_000,
        b'{"labels": ' + b"[" * 100_000,
        b'{"body": ' + b"[" * 1_000_000,
        b'{"body": ' + b'{"a":' * 500_000,
        b'{"title": {"title": 1}}',
        b'{"title": 7}',
        b'{"title": "a", "labels": {"name": "b"}}',
        b'{"title": "a", "labels": [1, 2]}',
        b'{"title": "a", "user": "priya"}',
        b"[]",
        b"\xff\xfe",
        b'{"title": "a"',
    ],
)
async def test_what_is_not_in_the_form_of_the_api_is_no_answer(server, said):
    """Too deep, of another type, half: the reason repeats nothing of it, and the next question is asked."""
    server.says[PULL] = answer(said)
    server.says[f"{PULL}0"] = GOOD
    asking = Asking(server)
    assert await asking.why() == "its answer is not in the form that its API has"
    assert await asking.title(160) == "Gifts"


async def test_texts_are_bounded_and_of_one_line(server):
    """A title of a megabyte, a thousand labels, control characters and marks that turn the line around."""
    labels = [{"name": f"{n}\x00\u202e{'x' * 500}"} for n in range(3_000)]
    said = {"title": "a\u202e\x1b[31m" + "b" * 1_000_000, "labels": labels, "user": {"login": "p\r\n" * 5_000}}
    server.says[PULL] = answer(json.dumps(said).encode())
    asking = Asking(server)
    found = await asking.forges.pull_request(asking.repo, 16)
    assert len(found.title) == 300
    assert len(found.labels) == MOST_LABELS
    assert max(len(label) for label in found.labels) <= MOST_LABEL
    assert len(found.author.name) <= 100
    assert all(text.isprintable() for text in (found.title, *found.labels, found.author.name, found.login))


async def test_a_body_without_end_is_given_up(server):
    """After its bound, not after its length."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    server.says[PULL] = head + b" " * (connection.MAX_ANSWER_BYTES + 1)
    server.held.add(PULL)
    assert await Asking(server).why() == f"it sends more than {connection.MAX_ANSWER_BYTES} bytes"


async def test_the_text_of_a_refusal_is_not_read_to_its_end(server):
    """What says no may not be long, either."""
    head = b"HTTP/1.1 404 No\r\nContent-Type: application/json\r\n\r\n"
    server.says[PULL] = head + b" " * (connection.MAX_REFUSAL_BYTES + 1)
    server.held.add(PULL)
    assert await Asking(server).title() is None


async def test_compressed_content_is_not_taken(server):
    """A small answer may unpack to a large one."""
    server.says[PULL] = answer(b"x", Content_Encoding="gzip")
    assert "compressed" in await Asking(server).why()
    assert server.asked[0].headers["accept-encoding"] == "identity"


async def test_what_hangs_is_left_alone_for_a_while(server):
    """One question waits, the others are not even asked; when the time is over it is asked again."""
    server.says[PULL] = b"HTTP/1.1 200 OK\r\n"
    server.held.add(PULL)
    server.says[f"{PULL}0"] = GOOD
    asking = Asking(server, timeout_s=0.5)
    assert await asking.why() == "no answer within 0.5 s"
    assert "left alone until" in await asking.why(160)
    assert server.paths == [PULL]
    await asking.clock.move(connection.ALONE_S)
    for one in asking.forges._connections.values():
        one._timeout_s = 30.0  # what answers may take its time on a busy machine
    assert await asking.title(160) == "Gifts"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(status=500), "it answers with HTTP status 500"),
        (answer(status=503), "it answers with HTTP status 503"),
        (answer(status=401), "it does not accept the token"),
        (answer(status=429), "it says that it was asked too often"),
        (answer(b'{"message": "You have exceeded a secondary rate limit"}', status=403), "asked too often"),
    ],
)
async def test_what_is_broken_or_says_no_is_left_alone(server, said, reason):
    """For a minute where it says no time."""
    server.says[PULL] = said
    asking = Asking(server)
    assert reason in await asking.why()
    assert "left alone" in await asking.why()
    assert len(server.asked) == 1
    await asking.clock.move(connection.ALONE_S)
    assert await asking.why()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "120"}, 120),
        ({"Retry_After": "Thu, 19 Nov 2026 14:02:00 GMT"}, 120),
        ({"X_RateLimit_Reset": "1795096920"}, 120),
        ({"RateLimit_Reset": "1795096920"}, 120),
        ({"Retry_After": "999999999"}, connection.MAX_ALONE_S),
        ({"Retry_After": "9" * 5_000}, connection.ALONE_S),
        ({"X_RateLimit_Reset": "0"}, 1),
        ({"Retry_After": "soon"}, connection.ALONE_S),
        ({"X_RateLimit_Reset": "1795096920", "X_RateLimit_Remaining": "0"}, 120),
        ({"X_RateLimit_Reset": "1795096920", "X_RateLimit_Remaining": "4711"}, connection.ALONE_S),
    ],
)
async def test_it_is_left_alone_for_as_long_as_it_says(server, headers, seconds):
    """In seconds, as a date or as a time to reset: at least a second, an hour at most."""
    server.says[PULL] = answer(status=429, **headers)
    asking = Asking(server)
    assert asking.clock.now().timestamp() == 1795096800
    await asking.why()
    server.says[PULL] = GOOD
    await asking.clock.move(seconds - 0.5)
    assert "left alone" in await asking.why()
    await asking.clock.move(0.5)
    assert await asking.title() == "Gifts"


async def test_the_last_answer_that_is_allowed_is_taken_and_no_more_is_asked(server):
    """Before the forge has to say no."""
    server.says[PULL] = answer(b'{"title": "Gifts"}', X_RateLimit_Remaining="0", X_RateLimit_Reset="1795096920")
    asking = Asking(server)
    assert await asking.title() == "Gifts"
    assert "asked too often" in await asking.why(17)
    assert await asking.title() == "Gifts", "from memory"
    assert len(server.asked) == 1


async def test_a_token_that_does_not_reach_so_far_is_no_trouble(server):
    """What it may not read is as good as not there; the others are asked."""
    server.says[PULL] = answer(b'{"message": "Resource not accessible"}', status=403)
    server.says[f"{PULL}0"] = GOOD
    asking = Asking(server)
    assert await asking.title() is None
    assert await asking.title(160) == "Gifts"


async def test_a_stranger_who_is_not_let_in_is_no_trouble(server):
    """Without a token, what is private is as good as not there."""
    server.says[PULL] = answer(status=401)
    server.says[f"{PULL}0"] = GOOD
    asking = Asking(server, token="")
    assert (await asking.title(), await asking.title(160)) == (None, "Gifts")
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("where", ["OTHER/steal", "//OTHERHOST/steal", "http://u:p@OWN/x", "http://["])
async def test_no_redirect_leads_to_another_host(server, other, where):
    """Not even without the token: who is asked is the operator's to say."""
    to = where.replace("OTHERHOST", other.host).replace("OTHER", other.url).replace("OWN", server.host)
    server.says[PULL] = answer(status=302, Location=to)
    other.says["/steal"] = GOOD
    assert "redirects to" in await Asking(server).why()
    assert other.asked == []
    assert server.asked[0].headers["authorization"] == "token hush-hush"


async def test_a_renamed_repo_is_followed_on_its_forge_and_a_circle_is_not(server):
    """Within the same host the token comes along."""
    server.says[PULL] = answer(status=301, Location="/api/v1/repositories/7/pulls/16")
    server.says["/api/v1/repositories/7/pulls/16"] = GOOD
    assert await Asking(server).title() == "Gifts"
    assert {one.headers["authorization"] for one in server.asked} == {"token hush-hush"}
    server.says[PULL] = answer(status=301, Location=PULL)
    assert "more than 3 times" in await Asking(server).why()


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://u:pw@ci.example.com/1", None),
        ("https://ci.example.com/\x1b1", None),
        ("https://ci.example.com/" + "a" * 500, None),
        ("//ci.example.com/1", None),
        ("", None),
        ("https://ci.example.com/1", "https://ci.example.com/1"),
        ("/o/shop/actions/runs/4", "SERVER/o/shop/actions/runs/4"),
    ],
)
async def test_only_a_web_page_is_a_build(server, page, shown):
    """A path is one of the forge itself; no script, no credentials, nothing that cannot be printed."""
    server.says[STATUSES] = answer(json.dumps([{"status": "success", "target_url": page}]).encode())
    assert await Asking(server).build() == (shown and shown.replace("SERVER", server.url))


async def test_a_build_that_is_not_there_yet_is_asked_for_again(server):
    """And kept once it is."""
    server.says[STATUSES] = answer(b"[]")
    asking = Asking(server)
    assert await asking.build() is None
    server.says[STATUSES] = answer(b'[{"status": "pending", "target_url": "https://ci.example.com/1"}]')
    assert await asking.build() == "https://ci.example.com/1"
    assert await asking.build() == "https://ci.example.com/1"
    assert len(server.asked) == 2


async def test_an_answer_is_remembered_for_an_hour(server):
    """That there is no such thing, too."""
    server.says[PULL] = GOOD
    asking = Asking(server)
    for _ in range(3):
        assert (await asking.title(), await asking.title(17)) == ("Gifts", None)
    assert len(server.asked) == 2
    await asking.clock.move(KEPT_S)
    await asking.title()
    assert len(server.asked) == 3


async def test_one_question_at_a_time(server):
    """However many are asked at once: the second comes when the first was answered."""
    under_way = []

    def say(asked):
        under_way.append(asked.path)
        return GOOD

    for number in range(20):
        server.says[f"/api/v1/repos/o/shop/pulls/{number}"] = say
    server.says[PULL] = b"HTTP/1.1 200 OK\r\n"
    server.held.add(PULL)
    asking = Asking(server, timeout_s=0.3)
    answers = await asyncio.gather(*(asking.title(n) for n in (16, 1, 2, 3)), return_exceptions=True)
    assert [type(one) for one in answers] == [ForgeFailed] * 4
    assert (server.paths, under_way) == ([PULL], [])


async def test_those_who_wait_share_a_connection(server):
    """A handshake for each would cost more than the questions; no cookie goes along, and none stays open."""
    connections, heads = [], []

    async def serve(reader, writer):
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                heads.append(head)
                body = b'{"title": "Gifts"}'
                writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as serving:
        server.url = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}"
        asking = Asking(server)
        assert await asyncio.gather(*(asking.title(n) for n in range(1, 5))) == ["Gifts"] * 4
        assert (len(connections), len(heads)) == (1, 4)
        await connections[0].wait_closed()
        await asking.title(5)
        assert len(connections) == 2
        await connections[1].wait_closed()
    assert not any(b"ookie" in head for head in heads)


@pytest.mark.parametrize(
    ("kind", "user", "header", "value"),
    [
        ("github", "", "authorization", "Bearer hush-hush"),
        ("gitlab", "", "private-token", "hush-hush"),
        ("gitea", "", "authorization", "token hush-hush"),
        ("jira", "", "authorization", "Bearer hush-hush"),
        ("jira", "me@a.io", "authorization", "Basic " + base64.b64encode(b"me@a.io:hush-hush").decode()),
    ],
)
async def test_a_token_is_sent_as_each_wants_it(server, tmp_path, kind, user, header, value):
    """From the settings or from a file, which is read anew each time."""
    server.says.update(dict.fromkeys(("/api/v3/", "/api/v4/version", "/api/v1/user", "/rest/api/2/myself"), GOOD))
    file = tmp_path / "token"
    file.write_text("old\n")
    for rule in ({}, {"token": "", "token_file": file}):
        asking = Asking(server, kind=kind, user=user, **rule)
        file.write_text("hush-hush\n")
        assert await asking.forges.examine(server.url)
        assert server.asked[-1].headers[header] == value
    assert "hush" not in repr(ForgeRule(url=server.url, kind=kind, token="hush-hush"))


@pytest.mark.parametrize("held", [None, "", "two words", "x" * 70_000, "\x00"])
async def test_a_file_without_a_token_is_said_so(server, tmp_path, held):
    """And nobody is asked then; what the file holds is not repeated."""
    file = tmp_path / "token"
    if held is not None:
        file.write_text(held)
    reason = await Asking(server, token="", token_file=file).why()
    assert str(file) in reason
    assert held in {None, ""} or held not in reason
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    ["o/shop/more", "o/../..", "o/%2e%2e", "o/shop%3Fa", "o", ""],
)
async def test_a_repo_that_cannot_be_is_not_asked_about(server, url):
    """An address comes from a config repo: it must not lead to another part of the API."""
    asking = Asking(server)
    assert await asking.forges.pull_request(web_address(f"{server.url}/{url}"), 1) is None
    assert server.asked == []


async def test_a_trackers_projects_are_the_operators_to_say(server):
    """Whoever writes lastgood.yaml chooses keys; the token may read more than they may see."""
    for key in ("SHOP-1", "PAY-1"):
        server.says[f"/rest/api/2/issue/{key}"] = answer(b'{"fields": {"summary": "Secret"}}')
    asking = Asking(server, kind="jira", projects=("SHOP",))
    assert (await asking.forges.ticket(f"{server.url}/browse/SHOP-1")).title == "Secret"
    for page in ("PAY-1", "SHOP-1/../PAY-1", "SHOP-1?x=1", "shop-1", "SHOP-0", "../browse/SHOP-2"):
        assert await asking.forges.ticket(f"{server.url}/browse/{page}") is None, page
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://shop.ghe.com", "https://api.shop.ghe.com"),
        ("https://git.example.com/", "https://git.example.com/api/v3"),
    ],
)
def test_where_the_api_of_github_is(url, api):
    """Its own, and a company's."""
    assert ForgeRule(url=url, kind="github").api == api
