"""What a hold refuses, and its file: what is not exactly understood is an error, never "no hold"."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.errors import ConfigWrong
from lastgood.core.hold import (
    MAX_HOLD_BYTES,
    HeldFile,
    Hold,
    format_holds,
    held_paths,
    hold_id,
    image_references,
    parse_holds,
    refusing,
)

NOW = dt.datetime(2026, 11, 19, 14, 0, tzinfo=dt.UTC)
A, B = "a" * 40, "b" * 40
FILE = ".lastgood/holds/web.hold"


def hold(**words) -> Hold:
    given_ = {"id": "1", "version": A, "commit": None, "since": NOW}
    return Hold(**(given_ | words))


@pytest.mark.parametrize(
    ("held", "version", "images", "files", "refused"),
    [
        (hold(), A, (), {}, True),
        (hold(), B, (), {}, False),
        (hold(), None, (), {}, False),
        (hold(images=("web:2", "pay:3")), B, ("web:1", "pay:3"), {}, True),
        (hold(images=("web:2",)), B, ("web:1",), {}, False),
        (hold(images=("web:2",), files=(HeldFile(path="f", blob=A),)), B, (), {"f": A}, False),
        (hold(files=(HeldFile(path="f", blob=A), HeldFile(path="g", blob=A))), B, (), {"f": B, "g": A}, True),
        (hold(files=(HeldFile(path="f", blob=A),)), B, (), {"f": B}, False),
        (hold(files=(HeldFile(path="f", blob=A),)), B, (), {}, False),
        (hold(until=NOW), A, (), {}, False),
        (hold(until=NOW + dt.timedelta(seconds=1)), A, (), {}, True),
    ],
)
def test_what_a_hold_refuses(held, version, images, files, refused):
    """The version; any image that it names; or, where it names none, any file by content; until its date."""
    found = refusing([held], version=version, images=images, files=files, now=NOW)
    assert (found is held) is refused


def test_the_first_of_several_is_named():
    """Oldest first, as the file has them."""
    first, second = hold(id="1"), hold(id="2")
    assert refusing([first, second], version=A, images=(), files={}, now=NOW) is first


def test_which_files_must_be_looked_at():
    """Only those of holds without images."""
    one = hold(files=(HeldFile(path="b", blob=A), HeldFile(path="a", blob=A)))
    assert held_paths([one, hold(images=("x:1",), files=(HeldFile(path="c", blob=A),))]) == ("a", "b")


def test_references_and_ids():
    """`name:tag`; a hold's id follows from operation and application."""
    assert image_references({"web": "2", "pay": "3"}) == {"web:2", "pay:3"}
    assert hold_id("op", "web") == hold_id("op", "web") != hold_id("op", "cart")


def test_the_file_as_people_see_it():
    """YAML with the fields of the promise, in their order."""
    written = format_holds([hold(images=("web:2",), reason="500s: all of them", by="Ines <i@example.com>", until=NOW)])
    assert written.decode() == (
        "version: 1\nholds:\n"
        '  - id: "1"\n'
        f'    version: {A}\n    commit: null\n    images:\n      - "web:2"\n    files: []\n'
        '    reason: "500s: all of them"\n    by: "Ines <i@example.com>"\n'
        "    since: 2026-11-19T14:00:00Z\n    until: 2026-11-19T14:00:00Z\n"
    )


ids = st.text("0123456789abcdef", min_size=40, max_size=40) | st.just("1" * 40) | st.just("12e4" + "5" * 36)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
names = texts.filter(lambda text: text.strip() == text and text != "")
times = st.datetimes(
    min_value=dt.datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    timezones=st.just(dt.UTC),
)
holds = st.builds(
    Hold,
    id=names,
    version=ids,
    commit=st.none() | ids,
    images=st.lists(names, max_size=3).map(tuple),
    files=st.lists(st.builds(HeldFile, path=names, blob=ids), max_size=3).map(tuple),
    reason=texts,
    by=texts,
    since=times,
    until=st.none() | times,
)


@given(st.lists(holds, max_size=4))
def test_what_is_written_is_read(several):
    """Round trip, whatever the texts and however much an id looks like a number."""
    assert parse_holds(format_holds(several), file=FILE) == tuple(several)


@given(st.binary(max_size=200))
def test_any_bytes_are_holds_or_an_error(data):
    """Nothing else comes out of a hostile file."""
    with contextlib.suppress(ConfigWrong):
        parse_holds(data, file=FILE)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("holds: []\n", 1),
        ("version: 2\nholds: []\n", 1),
        ("version: 1\n", 1),
        ("version: 1\nholds: {}\n", 2),
        ("version: 1\nholds: none\n", 2),
        ("version: 1\nholds: [x]\n", 2),
        (f"version: 1\nholds: []\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19}}\n", 3),
        ("version: 1\nholds:\n  - {id: x, version: abc, since: 2026-11-19}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}}}\n", 3),
        (f"version: 1\nholds:\n  - {{version: {A}, since: 2026-11-19}}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}, since: 2026-13-19}}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19, until: soon}}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19, images: web}}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19, files: [{{path: a}}]}}\n", 3),
        (f"version: 1\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19, reason: [a]}}\n", 3),
        ("version: 1\nholds:\n<<<<<<< ours\n", 3),
        ("---\nversion: 1\nholds: []\n---\nversion: 1\nholds: []\n", 4),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line):
    """Each damage is an error with file and line."""
    with pytest.raises(ConfigWrong) as wrong:
        parse_holds(text.encode(), file=FILE)
    assert wrong.value.facts["file"] == FILE
    assert abs(wrong.value.facts["line"] - line) <= 1


def test_a_huge_file_is_refused():
    """Before anything is parsed."""
    with pytest.raises(ConfigWrong):
        parse_holds(b"#" * (MAX_HOLD_BYTES + 1), file=FILE)


def test_fields_of_a_later_version_are_passed_over():
    """An entry may have more than we know."""
    text = f"version: 1\nmore: x\nholds:\n  - {{id: x, version: {A}, since: 2026-11-19T14:00:00+02:00, later: [1]}}\n"
    (found,) = parse_holds(text.encode(), file=FILE)
    assert found.since == dt.datetime(2026, 11, 19, 12, 0, tzinfo=dt.UTC)
