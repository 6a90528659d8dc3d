"""How a watch of a kind goes on after what a server or the way to it does, and how long it waits before that."""

import asyncio
import json
from unittest import mock

import msgspec
import pytest

from lastgood.core.redact import redact
from lastgood.targets.kubernetes import watch as watches
from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.trouble import Answered, Unreachable
from lastgood.targets.kubernetes.watch import KindWatch

CUT = Unreachable("the API server cannot be reached: the answer was cut off")
BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
# Of a cluster that has come further.
LATER = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "630"}}}
GONE = {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}


def refusal(status, *, retry_after_s=None):
    no = Answered(status, "", "storage is (re)initializing")
    no.retry_after_s = retry_after_s
    return no


class Server:
    """Stands for the connection. listed, watched: what a list comes to, and each watch; an exception is raised.

    lists, asked: how often everything was listed, and the version alone asked for; now: that version.
    lasts_s: how long a watch that was taken goes on.
    """

    def __init__(self):
        self.listed = {"metadata": {"resourceVersion": "5"}, "items": []}
        self.watched = []
        self.lists = 0
        self.asked = 0
        self.now = "1000"
        self.lasts_s = 0.0
        self.versions = []
        self.moments = []

    async def request(self, method, path, *, params):
        assert (method, path) == ("GET", "/api/v1/configmaps"), params
        if params["limit"] == "1":
            self.asked += 1
            return {"metadata": {"resourceVersion": self.now}, "items": []}
        self.lists += 1
        if isinstance(self.listed, Exception):
            raise self.listed
        return self.listed

    async def watch(self, _path, params, *, every_s):
        self.moments.append(every_s)
        self.versions.append(params["resourceVersion"])
        if self.watched and isinstance(self.watched[0], Answered):
            raise self.watched[0]
        yield None
        asyncio.get_running_loop().later_s += self.lasts_s
        for one in self.watched:
            if isinstance(one, Exception):
                raise one
            yield json.dumps(one).encode()


@pytest.fixture
async def server(monkeypatch):
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "later_s", 0.0, raising=False)
    monkeypatch.setattr(loop, "time", lambda: now() + loop.later_s)
    return Server()


@pytest.fixture
async def watch(server):
    verbs = frozenset(("list", "watch"))
    kind = Kind(
        group="", kind="ConfigMap", version="v1", plural="configmaps", namespaced=True, verbs=verbs, versions=("v1",)
    )
    live = Live(lambda _: None)
    return KindWatch(
        kind, connection=server, kinds=None, live=live, label=PART_OF, told=lambda: None, restored=mock.Mock()
    )


async def turns(watch, number):
    return [await watch.turn() for _ in range(number)]


async def test_a_watch_that_the_server_ends_goes_on_at_once_where_it_was(server, watch):
    """After a list, that is, and from the last bookmark; nothing is told as trouble."""
    server.watched = [BOOKMARK]
    assert await turns(watch, 3) == [0.0] * 3
    assert (server.lists, server.versions, watch.trouble) == (1, ["5", "9", "9"], None)


@pytest.mark.parametrize("kind", [("", "Pod"), ("apps", "ReplicaSet"), ("apps", "Deployment")])
async def test_what_a_workload_says_of_its_pods_is_not_known_before_they_are(server, watch, kind):
    """All kinds are read at the same moments."""
    watch._version, watch.kind = "5", msgspec.structs.replace(watch.kind, group=kind[0], kind=kind[1])
    await watch._watch()
    assert server.moments == [watches.EVERY_S]


async def test_one_drop_is_no_trouble(server, watch):
    """A connection that breaks after it told something is taken up again at once, without a list."""
    server.watched = [BOOKMARK, CUT]
    assert max(await turns(watch, 4)) <= watches.FIRST_WAIT_S * 1.25
    assert (server.lists, watch.trouble) == (1, None)


async def test_a_silent_watch_that_lasted_was_one(server, watch):
    """Where nothing happens and connections are cut each half minute, that is neither trouble nor a reason to list."""
    server.watched, server.lasts_s = [CUT], 30.0
    assert max(await turns(watch, 6)) <= watches.FIRST_WAIT_S * 1.25
    assert (server.lists, watch.trouble) == (1, None)


async def test_where_watches_are_cut_before_they_tell_anything_lists_do(server, watch):
    """Nothing that is old is shown as it is: it is told as trouble, and listed anew, less and less often."""
    server.watched = [CUT]
    waits = await turns(watch, 12)
    assert server.lists == 11
    assert waits[-1] >= watches.MOST_WAIT_S * 0.75
    assert watch.trouble == str(CUT)


async def test_watches_that_end_at_once_are_asked_for_more_and_more_rarely(server, watch):
    """An empty answer again and again, as a broken proxy gives it, does not become a storm of questions."""
    assert await watch.turn() <= watches.FIRST_WAIT_S * 1.25
    assert (await turns(watch, 9))[-1] >= watches.MOST_WAIT_S * 0.75


@pytest.mark.parametrize("told", ["as an event", "as an answer", "by the list"])
async def test_what_is_too_long_ago_is_listed_at_once_and_no_storm_where_that_does_not_help(server, watch, told):
    """410 Gone once costs a tenth of a second; again and again it costs as little as any other trouble."""
    if told == "by the list":
        server.listed = refusal(410)
    else:
        server.watched = [GONE if told == "as an event" else refusal(410)]
    waits = await turns(watch, 12)
    assert waits[0] == watches.AT_ONCE_S
    assert waits[-1] >= watches.MOST_WAIT_S * 0.75
    assert server.lists == 12


async def test_a_server_that_is_just_back_is_soon_asked_again(server, watch):
    """However long it was away: once it answers, if only that it is not ready, it is a matter of seconds."""
    server.listed = Unreachable("the API server cannot be reached: connection refused")
    assert (await turns(watch, 9))[-1] >= watches.MOST_WAIT_S * 0.75
    server.listed = refusal(429, retry_after_s=1.0)
    assert 1.0 <= await watch.turn() <= watches.BUSY_WAIT_S * 1.25
    assert watch.trouble == "ConfigMap objects: storage is (re)initializing"


async def test_a_server_that_asks_for_time_gets_it(server, watch):
    """Its Retry-After counts where it is longer than our own patience."""
    server.listed = refusal(503, retry_after_s=9.0)
    assert await watch.turn() == 9.0


@pytest.mark.parametrize("told", ["as an event", "as an answer"])
async def test_what_is_too_long_ago_after_an_outage_is_listed_at_once(server, watch, told):
    """However long nothing was reached: what was missed meanwhile is known a moment after the server is back."""
    await turns(watch, 1)
    server.watched = [CUT]
    assert (await turns(watch, 9))[-1] >= watches.MOST_WAIT_S * 0.75
    server.watched = [GONE if told == "as an event" else refusal(410)]
    assert await watch.turn() == watches.AT_ONCE_S


async def test_what_is_wrong_with_secrets_can_be_read(server, watch):
    """The words about a kind survive what takes secrets out of texts."""
    watch.kind = msgspec.structs.replace(watch.kind, kind="Secret")
    server.listed = refusal(403)
    await watch.turn()
    assert watch.trouble == "Secret objects: storage is (re)initializing"
    assert redact(f"destination a: {watch.trouble}") == f"destination a: {watch.trouble}"


def config_map(version, name="settings", *, uid="1", data="one"):
    labels = {"applyset.kubernetes.io/part-of": "applyset-1"}
    metadata = {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": version, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"it": data}}


def listed(version, *items):
    return {"metadata": {"resourceVersion": version}, "items": list(items)}


def known(watch):
    return {one.name: one.resource_version for one in watch._live.of_kind(("", "ConfigMap"))}


async def outage(server, watch, *, last=BOOKMARK):
    """The server goes in the middle of a watch, and is there again."""
    server.watched = [last, CUT]
    await watch.turn()
    server.watched = [refusal(503)]
    await watch.turn()
    server.watched = []


async def test_a_cluster_that_was_put_back_is_listed_anew_and_believed(server, watch):
    """What it had then counts, though all of it is older than what was known, or has the number of another state."""
    there = [config_map("500"), config_map("510", "same", uid="2", data="new"), config_map("600", "added", uid="3")]
    server.listed = listed("620", *there)
    await watch.turn()
    before = watch._live.get((("", "ConfigMap"), "shop", "same")).digest
    back = [config_map("300"), config_map("510", "same", uid="2"), config_map("310", "went", uid="4")]
    server.listed, server.now = listed("520", *back), "520"
    await outage(server, watch, last=LATER)
    await watch.turn()
    assert (server.lists, server.versions[-1]) == (2, "520")
    assert known(watch) == {"settings": "300", "same": "510", "went": "310"}
    assert watch._live.get((("", "ConfigMap"), "shop", "same")).digest != before
    watch._restored.assert_called_once_with(watch)


async def test_a_cluster_that_was_put_back_while_it_hung_is_listed_anew(server, watch):
    """A watch that begins anew from outside asks, too: nothing broke that would tell."""
    server.listed = listed("620", config_map("500"))
    await watch.turn()
    server.listed, server.now = listed("520", config_map("300")), "520"
    server.watched = [BOOKMARK]
    with pytest.raises(asyncio.TimeoutError):
        async with asyncio.timeout(0):
            await watch.run()
    await watch.turn()
    assert (known(watch), server.versions[-1]) == ({"settings": "300"}, "520")


async def test_an_outage_alone_costs_one_small_question(server, watch):
    """After each drop, that is: the watch goes on where it was; one that the server ended asks for nothing."""
    await watch.turn()
    await outage(server, watch)
    await watch.turn()
    assert (server.lists, server.asked, server.versions[-1]) == (1, 2, "9")
    server.watched = [LATER]
    await turns(watch, 4)
    assert (server.lists, server.asked) == (1, 2)
    watch._restored.assert_not_called()


async def test_a_later_list_with_earlier_states_is_believed(server, watch):
    """A cluster that was put back and has come further since than it ever was."""
    server.listed = listed("620", config_map("600"))
    await watch.turn()
    server.watched = [GONE]
    await watch.turn()
    server.watched = []
    server.listed = listed("700", config_map("300"))
    await watch.turn()
    assert known(watch) == {"settings": "300"}


@pytest.mark.parametrize("answer", [None, [], {}, {"items": []}, {"metadata": {"resourceVersion": "7"}}])
async def test_an_answer_that_is_no_list_is_trouble_and_no_empty_cluster(server, watch, answer):
    """Whatever stands between us and the API server may answer with 200 and something of its own."""
    server.listed = listed("6", config_map("5"))
    await watch.turn()
    server.watched = [GONE]
    await watch.turn()
    server.listed = answer
    await watch.turn()
    assert (known(watch), watch.trouble) == (
        {"settings": "5"},
        "ConfigMap objects: the API server's answer is no list",
    )
