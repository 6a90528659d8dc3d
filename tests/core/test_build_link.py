"""The build that a commit names: an address in a trailer, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.build_link import build_link

URL = "https://ci.example.com/shop/web/-/pipelines/481"


@pytest.mark.parametrize("key", ["Build", "build-url", "Pipeline", "Workflow-Run", "CI-URL"])
def test_a_trailer_names_the_build(key):
    """Under the words that pipelines use, in any case, among other trailers."""
    assert (
        build_link(f"Update web to 1.4.2\n\nWhy it is so.\n\nSigned-off-by: A <a@example.com>\n{key}: {URL}\n") == URL
    )


@pytest.mark.parametrize(
    "line",
    [
        f"See: {URL}",
        "Build: 481",
        "Build: javascript:alert(1)",
        "Build: https://user:secret@ci.example.com/1",
        f"Build: {URL} and more",
        "Build: https://",
        "Build: https://[",
        f"Build: https://ci.example.com/{'x' * 600}",
        "Build: https://ci.example.com/\u202e1",
        "Build:",
    ],
)
def test_what_is_no_address_is_none(line):
    """Other words, other schemes, credentials, no host, too long, invisible signs."""
    assert build_link(f"Update\n\n{line}\n") is None


def test_only_the_last_paragraph_counts():
    """What somebody quotes above it is text."""
    assert build_link(f"Update\n\nBuild: {URL}\n\nBecause.\n") is None


def test_a_huge_message_costs_little():
    """A million lines: only the end is looked at."""
    assert build_link("Update\n\n" + "a: b\n" * 1_000_000 + f"Build: {URL}\n") == URL


@given(st.text(max_size=300))
def test_any_message_is_read(message):
    """Nothing raises, and whatever comes out is an address."""
    found = build_link("x\n\nBuild: " + message)
    assert found is None or found.startswith(("http://", "https://"))
