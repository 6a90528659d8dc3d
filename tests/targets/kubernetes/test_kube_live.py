"""What is kept in memory of a cluster whose watches are late: what is known already is not taken back by old news."""

from unittest import mock

import msgspec
import pytest

from lastgood.targets.kubernetes.apply_set import PART_OF
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.live import Live
from lastgood.targets.kubernetes.live_object import live_object
from lastgood.targets.kubernetes.watch import KindWatch

JOB = ("batch", "Job")
KEY = (JOB, "shop", "migrate")
SET = "applyset-of-web"
VERBS = frozenset(("list", "watch"))


def sent(uid, version, *, labelled=True, being_deleted=False, name="migrate"):
    metadata = {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": str(version)}
    metadata |= {"labels": {PART_OF: SET}} if labelled else {}
    metadata |= {"deletionTimestamp": "2026-11-28T09:00:00Z"} if being_deleted else {}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}


def job(uid, version, **how):
    found = live_object(sent(uid, version, **how), JOB)
    assert found is not None
    return found


@pytest.fixture
def live():
    return Live(lambda _: None)


def watching(live, *events, lists=()):
    """Return a watch that is told these lists (each called when it is asked for), then these events."""
    left = list(lists)

    class Server:
        async def request(self, _method, _path, *, params):
            assert params
            return left.pop(0)()

        async def watch(self, _path, _params, **_):
            yield None
            for kind, one in events:
                yield msgspec.json.encode({"type": kind, "object": one})

    kind = Kind(group="batch", kind="Job", version="v1", plural="jobs", namespaced=True, verbs=VERBS, versions=("v1",))
    return KindWatch(
        kind, connection=Server(), kinds=None, live=live, label=PART_OF, told=lambda: None, restored=mock.Mock()
    )


def listed(version, *items):
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


async def test_late_news_of_one_that_was_made_anew_do_not_take_its_place(live):
    """A hook's Job of before, complete by then, is not taken for the one that was only just made."""
    live.put(job("new", 9))
    await watching(live, ("MODIFIED", sent("old", 7)), ("DELETED", sent("old", 8)))._watch()
    assert live.get(KEY).uid == "new"


async def test_what_was_deleted_does_not_come_back_with_late_news(live):
    """A change from before the deletion that a watch tells after it is no object that nobody asks for."""
    live.put(job("one", 5))
    live.deleted(KEY, "one")
    await watching(live, ("MODIFIED", sent("one", 6)))._watch()
    assert live.get(KEY) is None


async def test_what_was_deleted_and_waits_for_a_finalizer_is_there(live):
    """Whether a watch tells it before the answer comes or after."""
    live.put(job("one", 5))
    live.deleted(KEY, "one")
    await watching(live, ("MODIFIED", sent("one", 6, being_deleted=True)))._watch()
    assert live.get(KEY).is_being_deleted
    live.deleted(KEY, "one")
    assert live.get(KEY).is_being_deleted
    await watching(live, ("DELETED", sent("one", 7, being_deleted=True)))._watch()
    assert live.get(KEY) is None


async def test_what_was_labelled_anew_is_not_gone_with_late_news(live):
    """Who took the label off made the server say that the object is gone; it was put back before that was told."""
    live.put(job("one", 9))
    await watching(live, ("DELETED", sent("one", 8, labelled=False)))._watch()
    assert live.get(KEY) is not None


async def test_what_is_put_while_everything_is_listed_stays(live):
    """An apply's answer that comes while a list is on its way is newer than the list."""
    live.put(job("other", 3, name="other"))

    def meanwhile():
        live.put(job("one", 9))
        live.put(job("two", 10, name="changed"))
        live.deleted((JOB, "shop", "other"), "other")
        return listed(8, sent("two", 4, name="changed"), sent("other", 3, name="other"))

    await watching(live, lists=[meanwhile])._list()
    assert {one.name: one.resource_version for one in live.of_kind(JOB)} == {"migrate": "9", "changed": "10"}


async def test_a_cluster_brought_back_from_a_backup_is_believed(live):
    """Its objects are older than what is known, and what is known is no more."""
    live.put(job("one", 90))
    live.put(job("later", 95, name="later"))
    await watching(live, lists=[lambda: listed(50, sent("one", 40))])._list()
    assert {one.name: one.resource_version for one in live.of_kind(JOB)} == {"migrate": "40"}


async def test_what_is_gone_does_not_come_back_with_a_late_answer(live):
    """An apply's answer may be read after the watch told that the object is gone; made anew, it is there."""
    live.put(job("one", 5))
    await watching(live, ("DELETED", sent("one", 9)))._watch()
    live.put(job("one", 7))
    assert live.get(KEY) is None
    live.put(job("one", 10))
    assert live.get(KEY) is not None
