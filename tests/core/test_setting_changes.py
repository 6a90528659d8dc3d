"""What the config repo itself changed: fields apart from images, secrets without their values."""

import copy
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.resource import Rendered, Resource
from lastgood.core.setting import MOST_SETTINGS
from lastgood.core.setting_changes import MOST_TEXT, setting_changes

SECRET = "hunter2-is-a-secret"


def resource(manifest, *, kind="Deployment", name="web", namespace="shop"):
    whole = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}} | manifest
    return Resource(group="", kind=kind, namespace=namespace, name=name, manifest=whole)


def container(image, **fields):
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image, **fields}]}}}}


def rendered(*resources, **images):
    return Rendered(resources=resources, images=images, digest="")


def told(before, after):
    return [(c.path, c.before, c.after) for c in setting_changes(before, after).changes]


AT = "spec.template.spec.containers[web]"


def test_a_raised_limit_and_a_new_flag_are_told_and_the_image_is_not():
    """Containers and variables are found by their names; what only follows the image is left out."""
    before = container("web:1", resources={"limits": {"memory": "256Mi"}}, env=[{"name": "MODE", "value": "a"}])
    env = [{"name": "FLAG", "value": "on"}, {"name": "MODE", "value": "a"}]
    after = container("web:2", resources={"limits": {"memory": "512Mi"}}, env=env)
    found = told(rendered(resource(before), web="web:1"), rendered(resource(after), web="web:2"))
    assert found == [
        (f"{AT}.resources.limits.memory", "256Mi", "512Mi"),
        (f"{AT}.env[FLAG].value", None, "on"),
    ]


@pytest.mark.parametrize(
    ("was", "now", "references"),
    [
        ("reg.example/web:1", "reg.example/web:2", ("1", "2")),
        ("reg.example/web:1", f"reg.example/web@sha256:{'a' * 64}", ("1", f"sha256:{'a' * 64}")),
        ("reg.example/web", f"reg.example/web:2@sha256:{'a' * 64}", ("latest", f"2@sha256:{'a' * 64}")),
    ],
)
def test_an_image_is_no_setting_however_a_manifest_writes_it(was, now, references):
    """A render names it and its tag or digest apart; a manifest has them in one text."""
    old, new = (rendered(resource(container(image))) for image in (was, now))
    images = [{"reg.example/web": one} for one in references]
    before, after = (msgspec.structs.replace(r, images=i) for r, i in zip((old, new), images, strict=True))
    assert told(before, after) == []


def test_what_only_repeats_the_version_is_left_out():
    """Labels of charts and checksums of configuration change with everything and say nothing."""

    def labelled(version):
        marks = {
            "app.kubernetes.io/version": version,
            "helm.sh/chart": f"web-{version}",
            "checksum/config": version * 9,
        }
        return rendered(resource({"metadata": {"name": "web", "labels": marks}}))

    assert told(labelled("1"), labelled("2")) == []


def test_a_secret_is_told_as_changed_and_never_shown():
    """A variable of a secret's name and the data of a Secret: that they changed, and nothing of what they were."""
    old = [
        resource(container("web:1", env=[{"name": "DB_PASSWORD", "value": SECRET}])),
        resource({"data": {"key": SECRET}}, kind="Secret", name="keys"),
    ]
    new = [
        resource(container("web:1", env=[{"name": "DB_PASSWORD", "value": SECRET + "2"}])),
        resource({"data": {"key": SECRET + "2", "more": SECRET}}, kind="Secret", name="keys"),
    ]
    found = setting_changes(rendered(*old), rendered(*new)).changes
    assert SECRET not in json.dumps([(c.before, c.after) for c in found])
    assert [(c.kind, c.path, c.hidden) for c in found] == [
        ("Deployment", f"{AT}.env[DB_PASSWORD].value", True),
        ("Secret", "data.key", True),
        ("Secret", "data.more", False),
    ]


def test_a_generated_config_map_is_the_same_one_under_another_hash():
    """Its fields are told, its name and the names that lead to it are not; of a long text the lines that differ."""

    def version(name, text, **more):
        data = resource({"metadata": {"name": name}, "data": {"app.conf": text, **more}}, kind="ConfigMap", name=name)
        return rendered(data, resource(container("web:1", envFrom=[{"configMapRef": {"name": name}}])))

    before, after = version("conf-2456789bcd", "a\nb\nc\n"), version("conf-mmmmmmmmmm", "a\nB\nc\n", flag="on")
    assert told(before, after) == [("data[app.conf]", "b", "B"), ("data.flag", None, "on")]


def test_a_resource_that_comes_or_goes_is_told_as_a_whole():
    """One line for each, not one for each of its fields."""
    one, two = resource({"spec": {"a": 1}}, name="a"), resource({"spec": {"a": 1}}, name="b")
    assert told(rendered(one), rendered(two)) == [("", "there", None), ("", None, "there")]


def test_much_is_cut_and_said():
    """No more than so many settings and letters; the rest is counted."""
    many = {"spec": {f"k{n}": "x" * 1000 for n in range(MOST_SETTINGS + 7)}}
    found = setting_changes(rendered(resource({"spec": {}})), rendered(resource(many)))
    assert (len(found.changes), found.more) == (MOST_SETTINGS, 7)
    assert all(len(c.after) == MOST_TEXT for c in found.changes)


def test_of_long_values_the_place_where_they_differ_is_seen():
    """Two lists of a thousand words that differ in the last: what is shown of them differs, too."""
    words = [f"w{n}" for n in range(1000)]
    before, after = (rendered(resource({"spec": {"args": [*words, last]}})) for last in ("old", "new"))
    ((path, was, now),) = told(before, after)
    assert path == "spec.args"
    assert was.startswith("... ")
    assert (was[-6:], now[-6:]) == ('"old"]', '"new"]')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "a", "b", "password", "x.y", ""]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(json_values, json_values)
def test_whatever_differs_is_told_and_what_is_equal_is_not(one, other):
    """Nothing for equal manifests; something for different ones; no manifest is changed by looking."""
    before, after = rendered(resource({"spec": one})), rendered(resource({"spec": other}))
    kept = copy.deepcopy((before, after))
    assert told(before, before) == []
    assert bool(setting_changes(before, after).changes) == (one != other)
    assert (before, after) == kept


def test_a_deep_manifest_is_compared_as_far_as_it_is_safe():
    """A thousand levels are one value below the sixty-fourth."""
    deep = lambda leaf: leaf if leaf[1] == 0 else deep(({"a": leaf[0]}, leaf[1] - 1))  # noqa: E731
    old, new = (rendered(resource({"spec": deep((value, 300))[0]})) for value in ("1", "2"))
    (change,) = setting_changes(old, new).changes
    assert change.hidden
