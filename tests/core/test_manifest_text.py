"""Manifests are shown as YAML that comes back as the same manifest, and without the secrets in them."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.manifest_text import manifest_text
from lastgood.core.resource import Resource
from lastgood.core.resource_diff import resource_changes
from lastgood.render.kube_composer import Budget
from lastgood.render.kube_yaml import read_kube_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    "01yn_ox.e-:+<~ \n\t#'\"|>", max_size=8
)
TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(0.001, 1000).filter(lambda f: f % 1)
    | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=12,
)


def kube_read(text):
    return [one.value for one in read_kube_yaml(text.encode(), file="x", budget=Budget(nodes=10**6, chars=10**8))]


def secret(data, **metadata):
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", **metadata}, **data}
    return Resource(group="", kind="Secret", namespace=None, name="s", manifest=manifest)


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=4))
def test_what_is_written_is_read_back_the_same(tree):
    """By readers of YAML 1.1 and by kubectl's own, whatever stands in it."""
    written = manifest_text(tree)
    assert kube_read(written) == [tree]
    assert yaml.safe_load(written) == tree


def test_text_that_others_take_for_something_else_is_quoted():
    """The traps of the old dialects, and text of several lines as a block."""
    assert manifest_text({"y": "on", "a": ["y", "0o17", "1e3", "1:30", "<<", "x"], "b": "one\ntwo\n"}) == (
        "'y': 'on'\na:\n- 'y'\n- '0o17'\n- '1e3'\n- '1:30'\n- '<<'\n- x\nb: |\n  one\n  two\n"
    )


def test_a_secret_shows_its_keys_and_no_value():
    """A changed value is a change without a difference; the copy that kubectl keeps is hidden whole."""
    copy = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"b2xk"}}'}
    before = secret({"data": {"a": "b2xk"}, "stringData": {"b": "plain"}}, annotations=copy)
    after = secret({"data": {"a": "bmV3", "c": "bW9yZQ=="}})
    (changed,) = resource_changes(
        [before], [secret({"data": {"a": "bmV3"}, "stringData": {"b": "x"}}, annotations=copy)]
    )
    assert (changed.change, changed.diff) == ("modified", "")
    for old, new in (([before], [after]), ([], [before]), ([before], [])):
        (changed,) = resource_changes(old, new)
        assert "data:" in changed.diff
        assert not any(value in changed.diff for value in ("b2xk", "bmV3", "bW9yZQ", "plain"))
