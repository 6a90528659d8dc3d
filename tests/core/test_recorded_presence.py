"""Whether an application has a feature by its records alone: never against the truth, known where they tell."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.carried import Carried
from lastgood.core.deployment import Deployment, Phase
from lastgood.core.feature import Feature, is_meant
from lastgood.core.recorded_presence import made_by, recorded
from lastgood.core.resource import ImageChange
from lastgood.core.source_features import NotKnown
from twins.store import NOON, make_deployment

GIFT = Feature(
    id="PR-1",
    repo="o/shop",
    kind="pull_request",
    title="Gift message",
    url=None,
    authors=(),
    commits=(),
    type=None,
    breaking=False,
    at=NOON,
)


def unnamed(image):
    return NotKnown(image=image, reason="`sources` does not name it", named=False)


def is_gift(one):
    return is_meant(one, "PR-1")


class Ran:
    """An application's records, oldest first. before, after: whether each image has the feature; absent: no image."""

    def __init__(self):
        self.runs: list[Deployment] = []
        self.kept: dict[int, Carried] = {}
        self.truth: list[dict[str, bool]] = []

    def run(self, after, *, base=None, known=True, **changed):
        before = base if base is not None else self.truth[-1] if self.truth else {}
        number = len(self.runs) + 1
        names = sorted(before.keys() | after.keys())
        moved = changed.pop("moved", [name for name in names if before.get(name) != after.get(name)])
        images = tuple(
            ImageChange(
                name=name,
                from_=f"{before[name]}" if name in before else None,
                to=f"{after[name]} {number}" if name in after else None,
            )
            for name in moved
        )
        unknown = tuple(
            NotKnown(image=name, reason="only one of the two versions has it" if known else "no tag")
            for name in moved
            if not known or name not in before or name not in after
        )
        told = [name for name in moved if name not in {one.image for one in unknown}]
        entered = any(after[name] and not before[name] for name in told)
        left = any(before[name] and not after[name] for name in told)
        given = {"outcome": "succeeded", "started_at": NOON + dt.timedelta(hours=number), "images": images} | changed
        run = make_deployment(id=number, number=number, **given)
        self.runs.append(run)
        self.kept[number] = Carried(
            deployment=number,
            found_at=NOON,
            entered=(GIFT,) if entered else (),
            left=(GIFT,) if left else (),
            unknown=unknown,
        )
        self.truth.append(after)

    def told(self, **asked):
        """What the records say, oldest first."""
        return recorded(self.runs[::-1], self.kept, is_gift, **asked)[::-1]


def test_what_entered_is_there_until_it_leaves_and_was_not_there_before():
    """Before it came nothing else is needed to know that it was away, after it left to know that it was there."""
    ran = Ran()
    for has in (False, False, True, True, False):
        ran.run({"web": has}, moved=["web"])
    told = ran.told()
    assert [one.contains for one in told] == [False, False, True, True, False]
    assert [one.run.number if one.run else None for one in told] == [None, None, 3, 3, 5]
    assert [one.reason for one in told] == [
        "n3 brought it later", "n3 brought it later", "n3 brought it", "n3 brought it", "n5 took it out",
    ]  # fmt: skip


def test_what_left_first_was_there_since_nobody_knows_what():
    """The first record is the end of what is known: it may have brought anything that was made by then."""
    ran = Ran()
    ran.run({"web": True})
    ran.run({"web": True}, moved=["web"])
    assert [one.contains for one in ran.told()] == [None, None]
    assert ran.told()[1].reason == "n1 may have brought it: web is new with it"
    ran.run({"web": False})
    assert [one.contains for one in ran.told()] == [True, True, False]


def test_nothing_runs_before_it_was_made():
    """A first deployment from before is known to be without it; one of the days around it, and an issue's, is not."""
    ran = Ran()
    ran.run({"web": False})
    assert [one.contains for one in ran.told(made=NOON + dt.timedelta(days=9))] == [False]
    assert [one.contains for one in ran.told(made=made_by([GIFT]))] == [None]
    issue = Feature(**{name: getattr(GIFT, name) for name in GIFT.__struct_fields__} | {"kind": "issue"})
    assert made_by([issue]) is None


def test_an_image_of_which_nothing_is_known_ends_what_is_known():
    """Also where `sources` does not name it any more."""
    ran = Ran()
    ran.run({"web": False})
    ran.run({"web": True})
    ran.run({"web": True}, known=False, moved=["web"])
    assert [one.contains for one in ran.told()] == [False, True, None]
    assert ran.told()[2].reason == "n3 may have brought it: web: no tag"
    ran.kept[3] = Carried(deployment=3, found_at=NOON, unknown=(unnamed("web"),))
    assert [one.contains for one in ran.told()] == [False, True, None]


def test_of_what_sources_never_named_nobody_expects_features():
    """A database beside the program has no say; where there is nothing else, nothing is known."""
    ran = Ran()
    ran.run({"web": False})
    ran.run({"web": True})
    for number in (3, 4):
        ran.run({"web": True, "db": False}, moved=["db"])
        ran.kept[number] = Carried(deployment=number, found_at=NOON, unknown=(unnamed("db"),))
    assert [one.contains for one in ran.told()] == [False, True, True, True]
    alone = Ran()
    for number in (1, 2):
        alone.run({"db": False}, moved=["db"])
        alone.kept[number] = Carried(deployment=number, found_at=NOON, unknown=(unnamed("db"),))
    assert [one.contains for one in alone.told()] == [None, None]


def test_what_is_not_kept_or_left_out_is_not_known():
    """A record that nobody looked at yet, and one with more features than are kept."""
    ran = Ran()
    ran.run({"web": False})
    ran.run({"web": True})
    ran.run({"web": True}, moved=["web"])
    ran.kept[3] = Carried(deployment=3, found_at=NOON, more=1)
    assert (ran.told()[2].contains, ran.told()[2].reason) == (
        None,
        "n3 may have brought it: it carried more features than are kept",
    )
    del ran.kept[3]
    assert (ran.told()[2].contains, ran.told()[2].reason) == (
        None,
        "n3 may have brought it: its features are not kept yet",
    )


def test_images_that_disagree_are_not_known():
    """One image went back without the other."""
    ran = Ran()
    ran.run({"web": False, "job": False})
    ran.run({"web": True, "job": True})
    ran.run({"web": False, "job": True})
    assert [one.contains for one in ran.told()] == [False, True, None]
    assert ran.told()[2].reason == "some of its images have it and some do not"


def test_what_an_attempt_was_compared_with_is_found_after_one_that_was_overtaken():
    """It ran in part, or never: the next record's `from` tells which; where it does not, nothing is known."""
    overtaken = {"outcome": "superseded", "phases": (Phase(name="apply", started_at=NOON),)}
    away, there = {"web": False}, {"web": True}
    ran = Ran()
    ran.run(there)
    ran.run(away)
    ran.run(there, **overtaken)
    ran.run({"web": False}, base=away, moved=[])
    assert [one.contains for one in ran.told()] == [True, False, True, None]
    assert ran.told()[3].reason == "n3 was overtaken while it was applied"
    # The next one changed the image against what had been before it.
    ran.runs.pop()
    ran.run({"web": False}, base=away, moved=["web"])
    assert [one.contains for one in ran.told()][3] is False


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["web", "job"]), st.booleans(), min_size=1),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_records_never_say_what_is_not_so(story):
    """Whatever is not known on the way: yes and no are true of the images that the feature concerns."""
    ran = Ran()
    for after, known, gives_phases in story:
        phases = (Phase(name="watch", started_at=NOON),) if gives_phases else ()
        ran.run(after, known=known, phases=phases)
    for truth, told in zip(ran.truth, ran.told(), strict=True):
        if told.contains is True:
            assert any(truth.values())
        if told.contains is False:
            assert not all(truth.values())
