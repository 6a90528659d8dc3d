"""YAML from strangers: what it becomes, what is refused, and that no input costs more than its bounds."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.errors import ConfigWrong
from lastgood.core.yaml import MAX_DEPTH, read_yaml, read_yaml_documents, yaml_text

SCALARS = {
    "1": 1,
    "-7": -7,
    "0o17": 15,
    "0x1f": 31,
    "1.5": 1.5,
    "1e3": 1000.0,
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "on": "on",
    "off": "off",
    "yes": "yes",
    "no": "no",
    "1_000": "1_000",
    "12:30": "12:30",
    "2026-11-20": "2026-11-20",
    ".inf": ".inf",
    "1e999": "1e999",
    "'1'": "1",
    '"true"': "true",
    "!!str 1": "1",
    "!!int 1": 1,
    "1234567890123456789012345678901234567890": "1234567890123456789012345678901234567890",
}

REFUSED = {
    b"a: 1\nb: 2\na: 3": (3, "the key 'a' is here twice, first in line 1"),
    b"a: \xff": (1, "it is not UTF-8: byte 3 is 0xff"),
    b"a:\n  - [1": (3, "it is not YAML"),
    b"a: \x00": (1, "it is not YAML"),
    b"a: &a [*a]": (1, "the alias *a names nothing that is complete before it"),
    b"a: *b": (1, "the alias *b names nothing"),
    b"a: !!python/object:os.system x": (1, "the tag 'tag:yaml.org,2002:python/object:os.system' cannot be used"),
    b"a: !secret x": (1, "the tag '!secret' cannot be used here"),
    b"a: !!int x": (1, "the tag 'tag:yaml.org,2002:int' cannot be used"),
    b"? [a]\n: b": (1, "a key must be text"),
    b"a: 1\n---\nb: 2": (3, "there must be one YAML document"),
    b"<<: 1": (1, "`<<` takes a mapping"),
    b"[" * (MAX_DEPTH + 1): (1, "it is nested deeper than"),
    b"x" * 2_000_000: (None, "it has 2000000 bytes; the limit is 1000000"),
}


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_is_what_yaml_1_2_says(text):
    """Numbers, truth and null are those of YAML 1.2; everything else is text."""
    value = read_yaml(f"a: {text}".encode(), file="f").value["a"]
    assert value == SCALARS[text]
    assert type(value) is type(SCALARS[text])


@pytest.mark.parametrize("data", REFUSED, ids=lambda data: repr(data[:20]))
def test_what_is_wrong_is_said_with_its_line(data):
    """A refusal carries file, line and reason."""
    line, reason = REFUSED[data]
    with pytest.raises(ConfigWrong) as wrong:
        read_yaml(data, file="lastgood.yaml")
    assert wrong.value.facts["file"] == "lastgood.yaml"
    assert wrong.value.facts["line"] == line
    assert reason in wrong.value.facts["reason"]


def test_aliases_that_multiply_are_refused():
    """Nine lines that stand for a thousand million values are counted, not built."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(ConfigWrong, match="it holds too much"):
        read_yaml(bomb.encode(), file="f")


def test_a_long_text_that_is_repeated_by_aliases_is_refused():
    """Characters count as well as values."""
    text = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 20)}]\n"
    with pytest.raises(ConfigWrong, match="it holds too much"):
        read_yaml(text.encode(), file="f")


def test_lines_are_found_by_path():
    """The line of a key or item is known, and inside an alias that of the alias."""
    document = read_yaml(b"a: &x\n  b: 1\nl:\n  - *x\n  - c: 2\n", file="f")
    assert [document.line(p) for p in [("a",), ("a", "b"), ("l", 0, "b"), ("l", 1, "c"), ("l", 9)]] == [1, 2, 4, 5, 3]


def test_what_was_written_is_kept_for_what_is_no_text():
    """A revision of digits alone is not lost to a number."""
    document = read_yaml(b"web: 0123456\nl: [1e5]", file="f")
    assert (document.written(("web",)), document.written(("l", 0))) == ("0123456", "1e5")


def test_merges_keep_the_explicit_key():
    """`<<` fills in what is not there."""
    document = read_yaml(b"base: &b {a: 1, c: 3}\nx:\n  <<: *b\n  a: 2\n", file="f")
    assert document.value["x"] == {"a": 2, "c": 3}


def test_a_stream_has_many_documents_and_an_empty_one_none():
    """Documents are separate; an empty file is None."""
    assert [d.value for d in read_yaml_documents(b"a: 1\n---\nb: 2\n", file="f")] == [{"a": 1}, {"b": 2}]
    assert read_yaml(b"# nothing\n", file="f").value is None


@given(st.text(max_size=60).filter(lambda text: text.isprintable() or "\n" in text or "\t" in text))
def test_text_that_is_written_reads_back(text):
    """Every reader takes what `yaml_text` writes for that text, in a list and as a value."""
    text = "".join(c for c in text if c.isprintable() or c in "\n\t")
    written = f"a: [{yaml_text(text)}]\n".encode()
    assert read_yaml(written, file="f").value == {"a": [text]}
    assert yaml.safe_load(written) == {"a": [text]}


@given(st.binary(max_size=200) | st.text(alphabet="-?:,[]{}#&*!|>'\"%@ \nab<1", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    """Nothing but ConfigWrong comes out of hostile bytes."""
    try:
        read_yaml(data, file="f")
    except ConfigWrong as wrong:
        assert wrong.facts["reason"]  # noqa: PT017 - both ways out are fine; a refusal has a reason
