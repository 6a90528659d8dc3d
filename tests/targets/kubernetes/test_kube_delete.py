"""An object is deleted as it was judged: what was done to it since, which a watch may tell late, is judged anew."""

import pytest

from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.delete import NOT_OURS, TRIES, delete_as_judged
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.trouble import Answered

MAP = ("", "ConfigMap")
KEY = (MAP, "shop", "settings")
KIND = Kind(
    group="", kind="ConfigMap", version="v1", plural="configmaps", namespaced=True, verbs=frozenset(), versions=("v1",)
)


def sent(version, *, uid="one", part_of="applyset-of-web", **metadata):
    named = {"name": "settings", "namespace": "shop", "uid": uid, "resourceVersion": str(version)}
    return {"metadata": {**named, "labels": {PART_OF: part_of} if part_of else {}, **metadata}}


class Server:
    """Stands for the sender. there: the object at each request to delete it, as it has become by then.

    leaves: what it answers to the request that is taken, where the object is not gone at once.
    """

    def __init__(self, *there):
        self.there = list(there)
        self.now = None
        self.asked = []
        self.leaves = None

    async def delete(self, _path, *, uid, version):
        self.asked.append((uid, version))
        self.now = self.there.pop(0) if len(self.there) > 1 else self.there[0]
        if self.now is None:
            return None
        metadata = self.now["metadata"]
        if metadata["uid"] != uid or version not in (None, metadata["resourceVersion"]):
            raise Answered(409, "Conflict", "the precondition failed")
        return self.leaves or {}

    async def get(self, _path):
        return self.now


@pytest.fixture
def live():
    """The object as a watch told it last."""
    known = Live(lambda _: None)
    known.put(live_object(sent(1), MAP))
    return known


async def delete(server, live):
    def why_kept(one):
        return "it is kept" if "kept" in one.manifest["metadata"].get("annotations", {}) else ""

    deletion = await delete_as_judged(live.get(KEY), kind=KIND, sender=server, live=live, why_kept=why_kept)
    assert deletion.leaving is None or deletion.why_kept == ""
    return deletion.why_kept if deletion.leaving is None else deletion.leaving.resource_version


async def test_what_did_not_change_is_deleted_in_one_request(live):
    """That is so nearly always."""
    server = Server(sent(1))
    assert await delete(server, live) == ""
    assert (server.asked, live.get(KEY)) == ([("one", "1")], None)


async def test_what_changed_and_may_still_go_is_deleted_as_it_is_now(live):
    """A status that was written meanwhile protects nothing."""
    server = Server(sent(2))
    assert await delete(server, live) == ""
    assert (server.asked, live.get(KEY)) == ([("one", "1"), ("one", "2")], None)


async def test_what_somebody_asked_to_keep_a_moment_ago_stays(live):
    """Though the watch has not told it yet; from now on it is known."""
    assert await delete(Server(sent(2, annotations={"kept": "yes"})), live) == "it is kept"
    assert live.get(KEY).resource_version == "2"


@pytest.mark.parametrize("part_of", [None, "applyset-of-another"])
async def test_what_was_taken_out_of_the_set_a_moment_ago_stays(live, part_of):
    """It is somebody else's by now."""
    server = Server(sent(2, part_of=part_of))
    assert await delete(server, live) == NOT_OURS
    assert len(server.asked) == 1


async def test_what_was_made_anew_in_the_set_is_deleted(live):
    """It has another uid, and is the application's all the same: left there, nobody would know of it."""
    server = Server(sent(2, uid="two"))
    assert await delete(server, live) == ""
    assert server.asked == [("one", "1"), ("two", "2")]


async def test_what_is_gone_or_going_by_now_is_gone(live):
    """Somebody else deleted it."""
    assert await delete(Server(sent(2, deletionTimestamp="2026-11-28T09:00:00Z")), live) == "2"
    assert await delete(Server(None), live) == ""


async def test_what_waits_for_a_finalizer_is_known_as_leaving(live):
    """As the API server answered: the watch tells only later."""
    server = Server(sent(1))
    server.leaves = sent(2, deletionTimestamp="2026-11-28T09:00:00Z", finalizers=["example.com/waits"])
    assert await delete(server, live) == "2"
    assert live.get(KEY).is_being_deleted


async def test_what_changes_all_the_time_is_deleted_at_last(live):
    """Each state was judged; the last try goes by the uid alone."""
    server = Server(*(sent(version) for version in range(2, 20)))
    assert await delete(server, live) == ""
    assert len(server.asked) == TRIES
    assert server.asked[-1] == ("one", None)
