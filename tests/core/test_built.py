"""What a deployment's images were built from, by what its record and those before it keep."""

import msgspec
import pytest

from lastgood.core.built import NOT_BUILT, Built, BuiltRecords, last_run
from lastgood.core.carried import LONGEST_BUILT, MOST_BUILT, built_from
from lastgood.core.deployment import Phase
from lastgood.core.source_features import SourceAt
from twins.store import NOON, make_deployment


def built(reference, revision, image="web"):
    return Built(image=image, reference=reference, repo="r", revision=revision, how="tag" if revision else None)


# Newest first: record 7 did not know what its image was built from, record 5 is of another tag.
RECORDS = BuiltRecords(
    [
        (9, (built("v1", "new"),)),
        (7, (built("v1", None),)),
        (5, (built("v2", "two"), built("v1", "api", image="api"))),
        (3, (built("v1", "old"),)),
    ]
)


@pytest.mark.parametrize(
    ("deployment", "reference", "revision"),
    [
        (2, "v1", None),  # before anything was kept
        (3, "v1", "old"),
        (4, "v1", "old"),  # changed nothing of it
        (5, "v1", "old"),
        (5, "v2", "two"),
        (4, "v2", None),  # nothing of what came later
        (7, "v1", None),  # an older record is no word about this one
        (8, "v1", None),
        (9, "v1", "new"),
        (99, "v1", "new"),
        (99, "v3", None),
    ],
)
def test_the_newest_record_until_then_counts(deployment, reference, revision):
    """Of the image under that very reference: also where another image or another tag came in between."""
    said = RECORDS.at(deployment).of({"web": reference})
    assert [one.revision for one in said.values()] == ([revision] if revision else [])


def test_a_record_alone_knows_what_changed_with_it():
    """Nothing of an earlier record, and nothing of what it did not know itself."""
    assert RECORDS.own(5).of({"web": "v2", "api": "v1"}).keys() == {("web", "v2"), ("api", "v1")}
    assert RECORDS.own(5).of({"web": "v1"}) == {}
    assert RECORDS.own(7).of({"web": "v1"}) == {}
    assert NOT_BUILT.of({"web": "v1"}) == {}


def test_images_and_bases_of_one_name_are_apart():
    """A base may be called like an image: its ref tells them apart."""
    said = RECORDS.at(9).of({"web": "v1"}, {"web": "v2"})
    assert {key: one.revision for key, one in said.items()} == {("web", "v1"): "new", ("web", "v2"): "two"}


def test_what_is_known_stays_and_the_rest_is_added():
    """Another answer, none, and that `sources` names the image no more: the record keeps what it has."""
    known = {("web", "v1"): built("v1", "old"), ("gone", "v1"): built("v1", "old", image="gone")}
    found = [
        SourceAt(image="web", reference="v1", revision="moved", repo="r", how="tag"),
        SourceAt(image="gone", reference="v1", named=False),
        SourceAt(image="api", reference="v1", revision="new", repo="r", how="registry"),
        SourceAt(image="job", reference="v1", reason="nobody knows"),
        SourceAt(image="postgres", reference="16", named=False),
    ]
    kept = built_from(found, known)
    assert [(one.image, one.revision, one.how) for one in kept] == [
        ("web", "old", "tag"), ("gone", "old", "tag"), ("api", "new", "registry"), ("job", None, None),
    ]  # fmt: skip


def test_what_is_kept_has_bounds():
    """Names come from a config repo: not too many, and none of any length."""
    many = [SourceAt(image=f"web{n}", reference="v1") for n in range(MOST_BUILT + 1)]
    assert len(built_from(many, {})) == MOST_BUILT
    assert built_from([SourceAt(image="w", reference="v" * LONGEST_BUILT)], {}) == ()


def test_a_version_ran_last_when_it_came_to_its_target():
    """Not where an attempt never got there, and not where another version did."""
    tried = make_deployment(outcome="failed", phases=(Phase(name="render", started_at=NOON),))
    runs = [tried, make_deployment(version="b" * 40), make_deployment(outcome="succeeded")]
    runs = [msgspec.structs.replace(run, id=9 - n) for n, run in enumerate(runs)]
    assert last_run(runs, tried.version) == 7
    assert last_run(runs, "c" * 40) is None
    assert last_run(runs, None) is None
