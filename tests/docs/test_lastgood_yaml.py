"""The reference of lastgood.yaml names every key that the parser knows, and no other."""

import re
from pathlib import Path

import pytest

from lastgood.core.config import KEYS, RENDERERS, parse_config

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "lastgood-yaml.md").read_text(encoding="utf-8")


def documented() -> dict[str, tuple[str, ...]]:
    """Read the tables of the page: heading -> keys in the first column."""
    found = {}
    for heading, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL):
        keys = tuple(re.findall(r"^\| `([a-z_]+)` \|", body, flags=re.MULTILINE))
        if keys:
            found["" if heading == "The file" else heading] = keys
    return found


def test_the_page_and_the_parser_know_the_same_keys():
    """A key of the parser that is not on the page fails here, and so does a key of the page that is not read."""
    assert documented() == KEYS


def test_the_example_reads():
    """The example on the page is a valid file that uses every key."""
    example = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)[0]
    config = parse_config(example.encode())
    assert len(config.entries) == 2
    for keys in KEYS.values():
        for key in keys:
            assert f"{key}:" in example


@pytest.mark.parametrize("word", RENDERERS)
def test_every_renderer_is_named(word):
    """The page names what `render` may be."""
    assert f"`{word}`" in PAGE
