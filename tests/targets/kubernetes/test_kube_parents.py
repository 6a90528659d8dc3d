"""What stands for applications is as the newest news of it say, in whatever order they come."""

import pytest

from lastgood.targets.kubernetes import apply_set, newest
from lastgood.targets.kubernetes.live_object import LiveObject, live_object
from lastgood.targets.kubernetes.parents import Parents

OWN = "lastgood"
SET = apply_set.set_id("web", OWN)


def sent(version, *, uid="one", app="web", kinds=()):
    said = apply_set.parent(app, namespace=OWN, kinds=kinds, namespaces=())
    said["metadata"] |= {"uid": uid, "resourceVersion": str(version)}
    found = live_object(said, apply_set.PARENT)
    assert found is not None
    return found


@pytest.fixture
def lost():
    """The sets that lost what stands for them."""
    return []


@pytest.fixture
def parents(lost):
    return Parents(lost.append)


def listed(parents, *objects, meanwhile=()):
    parents.begin_list(apply_set.PARENT)
    for one in meanwhile:
        parents.put(one)
    parents.replace(apply_set.PARENT, objects)


def test_what_is_deleted_is_told_once(parents, lost):
    """By the application's set, so that it is looked at."""
    parents.put(sent(1))
    assert parents.application_of(SET, OWN) == "web"
    parents.gone(sent(2))
    assert (parents.of("web"), parents.application_of(SET, OWN), lost) == (None, None, [SET])
    parents.gone(sent(2))
    assert lost == [SET]


def test_late_news_change_nothing(parents, lost):
    """Of the same one as it was, of one that was made anew since, and of one that is gone."""
    secret = ("", "Secret")
    parents.put(sent(5, kinds=[secret]))
    parents.put(sent(4))
    assert apply_set.kinds_of(parents.of("web")) == {secret}
    parents.put(sent(9, uid="two"))
    parents.gone(sent(8))
    assert parents.of("web") is not None
    parents.gone(sent(10, uid="two"))
    parents.put(sent(9, uid="two"))
    assert (parents.of("web"), lost) == (None, [SET])
    parents.put(sent(11, uid="three"))
    assert parents.of("web") is not None


def test_a_list_is_believed_but_for_what_was_written_meanwhile(parents, lost):
    """Also where it is older than what was known: the cluster was put back."""
    parents.put(sent(9, kinds=[("", "Secret")]))
    parents.put(sent(9, uid="cart", app="cart"))
    listed(parents, sent(3), meanwhile=[sent(12, uid="new", app="new")])
    assert apply_set.kinds_of(parents.of("web")) == set()
    assert (parents.of("cart"), parents.of("new") is not None) == (None, True)
    assert lost == [apply_set.set_id("cart", OWN)]


def test_what_only_looks_like_a_parent_stands_for_nothing(parents):
    """Anybody may write the annotation into another ConfigMap."""
    one = sent(1)
    key = (one.key[0], one.key[1], "another")
    other = LiveObject(**{name: getattr(one, name) for name in one.__struct_fields__} | {"key": key})
    parents.put(other)
    assert parents.of("web") is None


def test_memory_of_what_went_is_bounded(parents, monkeypatch):
    """Names come and go for years."""
    monkeypatch.setattr(newest, "MAX_GONE", 3)
    for number in range(10):
        parents.gone(sent(1, uid=str(number)))
    assert len(parents._gone[apply_set.PARENT]) == 3
