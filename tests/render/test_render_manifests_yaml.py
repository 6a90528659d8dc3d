"""Manifest files are read as `kubectl` reads them; every answer here is that of kubectl's own reader."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.errors import ConfigWrong
from lastgood.render.kube_composer import MAX_DEPTH, Budget
from lastgood.render.kube_yaml import read_kube_yaml


def read(data, **bounds):
    content = data if isinstance(data, bytes) else data.encode()
    return read_kube_yaml(content, file="a.yaml", budget=Budget(**{"nodes": 100_000, "chars": 1_000_000, **bounds}))


def values(data):
    return [document.value for document in read(data)]


def wrong(data, **bounds):
    with pytest.raises(ConfigWrong) as refused:
        read(data, **bounds)
    assert refused.value.facts["file"] == "a.yaml"
    return refused.value.facts["line"], refused.value.facts["reason"]


SCALARS = [
    # Truth values of YAML 1.1, the single letters, too.
    *[(word, True) for word in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]],
    *[(word, False) for word in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]],
    *[(word, word) for word in ["yEs", "tRue", "oN", "nO", "yess"]],
    *[(word, None) for word in ("~", "null", "Null", "NULL", "")],
    # Octals of C and of YAML 1.2, hexadecimals, binaries, and what looks like one.
    ("0777", 511), ("0o777", 511), ("0O17", 15), ("-0777", -511), ("00", 0), ("0644", 420),
    ("08", 8), ("0778", 778), ("01.5", 1.5), ("0o8", "0o8"), ("0x1F", 31), ("0xg", "0xg"), ("-0x1f", -31),
    ("0b101", 5), ("0b2", "0b2"), ("0b-1", -1), ("-0b-1", "-0b-1"),
    # Underscores are read over, except after a dot in front.
    ("1_000", 1000), ("1__0", 10), ("0_7", 7), ("_1", "_1"), ("1_0.5_0", 10.5), (".1_0", 0.1), ("._1", "._1"),
    # Sexagesimals, dates and times are text.
    ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1:30.5", "1:30.5"),
    ("2001-01-01", "2001-01-01"), ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
    # Floats; without a fraction they are integers for a cluster.
    ("1e3", 1000), ("1E+3", 1000), ("1e-3", 0.001), ("12e4567", "12e4567"), ("1e400", "1e400"), ("1.", 1), (".5", 0.5),
    ("1.0", 1), ("1.10", 1.1), ("-0.0", 0), (".", "."), ("1.2.3", "1.2.3"), ("1e", "1e"), ("0x1p4", "0x1p4"),
    ("nan", "nan"), ("inf", "inf"), ("1Gi", "1Gi"), ("100m", "100m"), ("10.0.0.0/8", "10.0.0.0/8"),
    # Large numbers: 64 bits are exact, more are floats, of which a cluster sees the shortest digits.
    ("9223372036854775807", 9223372036854775807), ("-9223372036854775808", -9223372036854775808),
    ("9223372036854775808", 9223372036854776000), ("18446744073709551615", 18446744073709552000),
    ("1e20", 10**20), ("1e21", 1e21), ("123456789012345678901234567890", 1.2345678901234568e29),
    ("9007199254740993", 9007199254740993), ("9007199254740993.0", 9007199254740992),
    # What is quoted or tagged.
    ('"yes"', "yes"), ("'0777'", "0777"), ("!!str 1e3", "1e3"), ('!!int "0x10"', 16), ("!!float 1", 1),
    ('!!bool "on"', True), ("!!null ''", None), ("! 1", "1"), ("!thing 1", "1"), ("!!binary aGVsbG8=", "hello"),
    ("!!timestamp 2001-12-14", "2001-12-14"), ("!!set {b: 1}", {"b": 1}), ("!thing {b: 1}", {"b": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_scalar_means_what_kubectl_takes_it_for(text, value):
    """The same value, and of the same type."""
    found = values(f"a: {text}")[0]["a"]
    assert found == value
    assert type(found) is type(value)


KEYS = [
    ("on: x", {"true": "x"}), ("y: x", {"true": "x"}), ("n: x", {"false": "x"}), ("'on': x", {"on": "x"}),
    ("1: x", {"1": "x"}), ("0777: x", {"511": "x"}), ("1_000: x", {"1000": "x"}), ("0x10: x", {"16": "x"}),
    ("1.0: x", {"1": "x"}), ("1.10: x", {"1.1": "x"}), ("1e3: x", {"1000": "x"}), ("1e6: x", {"1e+06": "x"}),
    ("123456789.5: x", {"1.2345679e+08": "x"}), ("1e-5: x", {"1e-05": "x"}), (".inf: x", {".inf": "x"}),
    (".nan: x", {".nan": "x"}), ("1e39: x", {".inf": "x"}), ("2001-01-01: x", {"2001-01-01": "x"}),
    ("? b\n: x", {"b": "x"}), ("a: &n 7\nm: {*n : x}", {"a": 7, "m": {"7": "x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), KEYS)
def test_a_key_becomes_the_text_that_kubectl_makes_of_it(text, value):
    """Keys are text for a cluster, whatever they were."""
    assert values(text) == [value]


MERGES = [
    ("a: {<<: {b: 1}, b: 2}", {"b": 2}),
    ("a: {b: 2, <<: {b: 1}}", {"b": 1}),
    ("a: {<<: [{b: 1, c: 1}, {b: 2, d: 2}]}", {"b": 1, "c": 1, "d": 2}),
    ("a: {<<: {b: {c: 1}}, b: {d: 1}}", {"b": {"d": 1}}),
    ("a: {<<: {b: 1}, <<: {c: 2}}", {"b": 1, "c": 2}),
    ("a: {<<: []}", {}),
    ("a: {!!merge <<: {b: 1}}", {"b": 1}),
    ('a: {"<<": {b: 1}}', {"<<": {"b": 1}}),
    ("a: <<", "<<"),
]


@pytest.mark.parametrize(("text", "value"), MERGES)
def test_merge_keys_go_in_the_order_of_the_file(text, value):
    """A merge after a key wins over it: so does kubectl's reader, against YAML's own rule."""
    assert values(text)[0]["a"] == value


def test_what_kubectl_settles_silently_is_said():
    """A key twice (the last counts) and a merge that wins over a key are warnings with their lines."""
    document = read("a: 1\nb: 2\na: 3\nc:\n  d: 1\n  <<: {d: 2}\n")[0]
    assert document.value == {"a": 3, "b": 2, "c": {"d": 2}}
    assert document.warnings == (
        (3, "the key 'a' is here twice, first in line 1; the last one counts"),
        (6, "`<<` stands after 'd' and wins over it; put `<<` first"),
    )


DOCUMENTS = [
    ("", []), ("\n", []), ("# c\n", []), ("---\n---\n", []), ("null\n---\n~\n", []),
    ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    ("--- # c\na: 1\n---   \n# c\n---\nb: 2", [{"a": 1}, {"b": 2}]),
    ("a: 1\n...\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    ("a: 1\n...\n# c\n%YAML 1.1\n%TAG ! x:\n---\nb: 2\n... # d\n\n...\n", [{"a": 1}, {"b": 2}]),
    ("a: 1\r\n---\r\nb: |\r\n  x\r\n  y\r\n", [{"a": 1}, {"b": "x\ny\n"}]),
    ("a: |+\n  b\n\n", [{"a": "b\n\n"}]),
    ("a: |\n  b\n  ---\n  c\n", [{"a": "b\n---\nc\n"}]),
    ("a: &x 1\nb: *x\n", [{"a": 1, "b": 1}]),
    ("a: &x {c: 1}\nb: {<<: *x}\nc: [*x, *x]", [{"a": {"c": 1}, "b": {"c": 1}, "c": [{"c": 1}, {"c": 1}]}]),
    ("a: &x {b: &x [1]}\nc: *x\n", [{"a": {"b": [1]}, "c": [1]}]),
    ("\ufeffa: 1\n---\n\ufeffb: 2\n", [{"a": 1}, {"b": 2}]),
    ("a: ü\n".encode("utf-16"), [{"a": "ü"}]),
    (r"""a: ["x\'y", "ü \\\' \" \x27\'", '"\', "\\'"]""", [{"a": ["x'y", "ü \\' \" ''", '"\\', "\\'"]}]),
    ("a: |\n" + r"""  "\q\'" """ + "\nb: " + r'"\'"', [{"a": "\"\\q\\'\" \n", "b": "'"}]),
    ("- 1\n", [[1]]), ("5\n", [5]),
    ('{"a":1}', [{"a": 1}]), ('{"a":1}{"b":2}\n{"c":3}', [{"a": 1}, {"b": 2}, {"c": 3}]),
    ('{"a":1} null {"b":2}', [{"a": 1}, {"b": 2}]),
    ('{"a":1}\n---\nb: on\n---\n{"c":3}', [{"a": 1}, {"b": True}, {"c": 3}]), ('{"a":1}\n# c\n', [{"a": 1}]),
    ('{"a":1,"a":2}', [{"a": 2}]), ('{"a":{"b":1},"a":{"c":1}}', [{"a": {"c": 1}}]),
    ('{"a":1e3,"b":1.0,"c":-0,"d":18446744073709551615}', [{"a": 1000, "b": 1, "c": 0, "d": 18446744073709552000}]),
    ('{"a":"\\ud83d\\ude00\\ud83d","\\udc00":1}', [{"a": "\U0001f600\ufffd", "\ufffd": 1}]),
    ("{a: yes}", [{"a": True}]), ('{"a":1,}', [{"a": 1}]), ('{"a":yes}', [{"a": True}]),
    ('{"a":"x\n  y"}', [{"a": "x y"}]), ('---\n{\n\t"a": [\n\t\t1\n\t]\n}\n', [{"a": [1]}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS)
def test_a_stream_is_cut_where_kubectl_cuts_it(text, expected):
    """YAML, JSON and both in one file; empty documents are no documents."""
    assert values(text) == expected


ERRORS = [
    ("a: .inf", 1, ".inf is a number that JSON does not have; if it is text, quote it"),
    ("a: 1\nb: -.Inf", 2, "-.Inf is a number"), ("a: .nan", 1, ".nan is a number"),
    ("a: 1\nnull: x", 2, "a key is null"), ("? [1]\n: x", 1, "a key is a mapping or a list"),
    ("18446744073709551615: x", 1, "over 63 bits"),
    ("1: x\n'1': y", 2, "the key '1' is here twice, once as text and once not, first in line 1"),
    ("a: !!int 1.5", 1, "'1.5' is not what its tag `!!int` says"), ("a: !!binary x!", 1, "not base64"),
    ("a: !!timestamp 2001-13-14", 1, "'2001-13-14' is not what its tag `!!timestamp` says"),
    ("a: {<<: 1}", 1, "`<<` takes a mapping"), ("a: &x [{b: 1}]\nb: {<<: *x}", 2, "`<<` takes a mapping"),
    ("a: &a [*a]", 1, "the alias *a names nothing"), ("a: &x 1\n---\nb: *x", 3, "the alias *x names nothing"),
    ("a: 1\n--- b: 2\n", 2, "after `---` there may be a comment, and nothing else; here is 'b: 2'"),
    ("a: 1\n----\n", 2, "after `---` there may be a comment"),
    ("a: 1\n...\nb: 2\n", 3, "what follows `...` is read by nobody; begin a document with `---`"),
    ("a: 1\r---\rb: 2\r", 2, "after `...` another document begins"),
    ("%YAML 1.1\n---\na: 1", 2, "it is not YAML"),
    ("a:\n\tb: 1\n", 2, "it is not YAML: found character that cannot start any token"),
    ("""a: 1\nb: "x\\'"\nc: "\\' \\q"\n""", 3, "it is not YAML: found unknown escape character"),
    ("a: 1\n---\nb: 2\nc: d: e\n", 4, "it is not YAML: mapping values are not allowed in this context"),
    ("a: {{ .Values.x }}\n", 1, "a key is a mapping or a list"),
    ("a: \x01", 1, "it is not YAML"), (b"a: 1\nb: \xff", 2, "it is not UTF-8: byte 8 is 0xff"),
    (b"\xff\xfea\x00:", 1, "it is not UTF-16"),
    ('{"a":1e999}', 1, "a number is too large"), ('{"a":1}\n{"b":2}\n---\n', 3, "it is not JSON"),
    ("a: " + "[" * 101 + "]" * 101, 1, "nested deeper than 100"),
    ('{"a":' + "[" * 101 + "]" * 101 + "}", 1, "nested deeper than 100"),
    ('{"a":' + "[" * 100_000, 1, "nested deeper than 100"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "reason"), ERRORS)
def test_what_cannot_be_read_is_said_with_its_line(text, line, reason):
    """Each refusal names the line in the file, whichever document it is in."""
    at, why = wrong(text)
    assert reason in why
    assert at == line


def test_aliases_are_bounded_in_size_and_depth():
    """Ten aliases to ten aliases to ... stop early; so does a chain of them that nests."""
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "too much for one application" in wrong(bomb)[1]
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, MAX_DEPTH + 1))
    assert "with its aliases it is nested deeper" in wrong(chain)[1]
    merges = "a0: &a0 {k: 1}\n" + "".join(f"a{n}: &a{n} {{k: {{<<: *a{n - 1}}}}}\n" for n in range(1, MAX_DEPTH))
    assert "nested deeper" in wrong(merges)[1]


@pytest.mark.parametrize("text", ["---\n" * 10_000, "{}" * 10_000, "a: x\n" + "b: y\n" * 100_000])
def test_many_small_things_are_bounded(text):
    """Empty documents and the same key again and again cost something, too."""
    assert "too much for one application" in wrong(text)[1]


def test_documents_know_their_number_and_line():
    """Documents with nothing but comments in them count: a person counts separators."""
    found = read("# c\n\na: 1\n---\n# d\n---\n# e\n\nb: 2\n")
    assert [(document.number, document.line) for document in found] == [(1, 3), (3, 9)]


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), TREES, max_size=4))
def test_json_comes_back_as_it_is(tree):
    """Whatever JSON says is what is read, alone and after a separator in YAML where YAML takes its escapes."""
    written = json.dumps(tree)
    assert values(written) == [json.loads(written)]
