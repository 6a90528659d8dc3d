"""Comparing two states of an object without what is ignored, and naming the fields that differ."""

import pytest

from lastgood.targets.kubernetes.compare import MAX_DEPTH, Ignored, changed_fields, without

LIVE = {
    "metadata": {"name": "web", "annotations": {"example.com/note": "x", "kept": "y"}, "finalizers": ["a", "b"]},
    "spec": {
        "replicas": 3,
        "containers": [
            {"name": "main", "image": "shop:1", "env": [{"name": "A", "value": "1"}]},
            {"name": "proxy", "image": "proxy:9"},
        ],
    },
}


def with_spec(**spec):
    return {**LIVE, "spec": {**LIVE["spec"], **spec}}


@pytest.mark.parametrize(
    ("pointer", "left"),
    [
        ("/spec/replicas", {"containers": LIVE["spec"]["containers"]}),
        ("/spec/containers/1", {"replicas": 3, "containers": [LIVE["spec"]["containers"][0], None]}),
        (
            "/spec/containers/1/image",
            {"replicas": 3, "containers": [LIVE["spec"]["containers"][0], {"name": "proxy"}]},
        ),
        ("/spec/containers/7/image", LIVE["spec"]),
        ("/spec/containers/-", LIVE["spec"]),
        ("/spec/nothing/here", LIVE["spec"]),
        ("/spec/replicas/deeper", LIVE["spec"]),
    ],
)
def test_a_pointer_takes_out_what_it_leads_to_and_nothing_else(pointer, left):
    """As RFC 6901 reads it; one that leads nowhere takes nothing, and the object itself stays as it is."""
    before = str(LIVE)
    assert without(LIVE, Ignored(pointers=(pointer,)), None)["spec"] == left
    assert str(LIVE) == before


def test_a_pointer_may_name_keys_with_slashes_and_tildes():
    """`~1` is a slash, `~0` a tilde."""
    found = without(LIVE, Ignored(pointers=("/metadata/annotations/example.com~1note",)), None)
    assert found["metadata"]["annotations"] == {"kept": "y"}
    assert without({"a~b": 1, "c": 2}, Ignored(pointers=("/a~0b",)), None) == {"c": 2}


MANAGED = [
    {"manager": "lastgood", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    {"manager": "scaler", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    {
        "manager": "injector",
        "fieldsV1": {
            "f:metadata": {"f:annotations": {".": {}, "f:example.com/note": {}}, "f:finalizers": {'v:"b"': {}}},
            "f:spec": {
                "f:containers": {
                    'k:{"name":"main"}': {"f:env": {'k:{"name":"A"}': {".": {}, "f:value": {}}}},
                    'k:{"name":"proxy"}': {},
                    'k:{"name":"gone"}': {"f:image": {}},
                }
            },
        },
    },
]


def test_the_fields_of_a_manager_are_taken_out_of_maps_lists_and_sets():
    """Those that it manages, by key and by value, as `managedFields` writes them."""
    found = without(LIVE, Ignored(managers=("injector",)), MANAGED)
    assert found == {
        "metadata": {"name": "web", "annotations": {"kept": "y"}, "finalizers": ["a"]},
        "spec": {"replicas": 3, "containers": [{"name": "main", "image": "shop:1", "env": [{"name": "A"}]}]},
    }


def test_a_manager_that_is_not_named_and_a_subresource_take_nothing():
    """Whoever writes through `scale` or `status` has other rules."""
    assert without(LIVE, Ignored(managers=("scaler", "nobody")), MANAGED) == LIVE


@pytest.mark.parametrize(
    "managed",
    [
        None,
        "text",
        [None, 7, {"manager": "m"}, {"manager": "m", "fieldsV1": 3}],
        [{"manager": "m", "fieldsV1": {"f:spec": {"k:{": {}, "v:": {}, "i:0": {}, "": {}, "k:7": {}}}}],
        [{"manager": "m", "fieldsV1": {"f:spec": {"f:replicas": {"f:deeper": {}}, "f:containers": {"f:x": {}}}}}],
    ],
)
def test_fields_that_are_not_as_they_should_be_take_nothing(managed):
    """A cluster may lie to us."""
    assert without(LIVE, Ignored(managers=("m",)), managed) == LIVE


def test_fields_without_an_end_do_no_harm():
    """Depth is bounded."""
    deep = fields = {}
    for _ in range(10 * MAX_DEPTH):
        fields["f:a"] = {}
        fields = fields["f:a"]
    assert without({"a": 1}, Ignored(managers=("m",)), [{"manager": "m", "fieldsV1": deep}]) == {"a": 1}


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (LIVE, []),
        ({**LIVE, "status": {"x": 1}}, []),
        (with_spec(replicas=4), [".spec.replicas"]),
        (with_spec(paused=True), [".spec.paused"]),
        (with_spec(containers=[LIVE["spec"]["containers"][0]]), [".spec.containers"]),
        (
            with_spec(
                containers=[{**LIVE["spec"]["containers"][0], "image": "hunter2"}, LIVE["spec"]["containers"][1]]
            ),
            [".spec.containers[0].image"],
        ),
        (
            with_spec(a=1, b=2, c=3, d=4, e=5, f=6, g=7),
            [".spec.a", ".spec.b", ".spec.c", ".spec.d", ".spec.e", "and more"],
        ),
    ],
)
def test_the_fields_that_differ_are_named_without_their_values(other, fields):
    """A few, by where they stand."""
    assert changed_fields(LIVE, other) == fields
