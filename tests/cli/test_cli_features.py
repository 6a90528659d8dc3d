"""`lastgood features` and `compare` as people and scripts read them, against the twin of the port Lastgood."""

import json

import msgspec
import pytest

from lastgood.cli import features as command
from lastgood.cli.show import entry_text
from lastgood.cli.text import Style
from lastgood.core.feature import Feature
from twins.lastgood import sample_entries
from twins.store import PRIYA

SERVER = ("--server", "http://lastgood.example.com")
GIFT = Feature(
    id="PR-1", repo="shop/web", kind="pull_request", title="Gift message on the checkout page, with a preview",
    url=None, authors=(PRIYA,), commits=("a" * 40,), type="feat", breaking=False,
)  # fmt: skip


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("color", [False, True])
def test_what_must_be_seen_of_a_feature_stands_beside_its_title(width, color):
    """Without colour, too, and on a narrow terminal: that it breaks something, what it takes back and brings back."""
    found = [
        msgspec.structs.replace(GIFT, breaking=True),
        msgspec.structs.replace(GIFT, id="PR-2", takes_back=("PR-1",)),
        msgspec.structs.replace(GIFT, id="PR-3", brings_back=tuple(f"PR-{n}" for n in range(10, 18))),
        msgspec.structs.replace(GIFT, id="PR-4", title="short\x1b[31m"),
    ]
    (text,) = command.features_text("entered", found, Style(width=width, color=color))
    rows = text.splitlines()[2:]
    assert "breaking" in rows[0]
    assert "takes back PR-1" in rows[1]
    assert "brings PR-10" in rows[2]
    assert "\x1b[31m" not in rows[3]
    if not color:
        assert max(map(len, text.splitlines())) <= width
    (text,) = command.features_text("left", found[1:3], Style(width=width, color=color), left=True)
    assert "took back PR-1" in text
    assert "brought PR-10" in text
    assert found[2].remarks() == ("brings PR-10, PR-11, PR-12, PR-13, PR-14 and 3 more back",)


def test_markdown_has_a_heading_with_days_and_stands_beside_the_fields_in_json(asked, lastgood):
    """Scripts that ask for both get both; the fields stay."""
    text = lastgood(*SERVER, "features", "web-production", "--markdown")
    assert text.code == 0
    assert text.out.startswith("# web-production: ")
    plain = lastgood(*SERVER, "features", "web-production", "-o", "json").json
    both = lastgood(*SERVER, "features", "web-production", "--markdown", "-o", "json").json
    assert both == plain | {"markdown": text.out}
    assert json.dumps(plain) == json.dumps({key: both[key] for key in plain})


def test_a_comparison_marks_what_breaks(asked, lastgood, monkeypatch):
    """As everywhere where features are listed."""
    answer = asked.compare

    async def compare(environment, other):
        view = await answer(environment, other)
        (waiting, *_) = next(one.only for one in view.applications if one.only)
        broken = msgspec.structs.replace(waiting, feature=msgspec.structs.replace(waiting.feature, breaking=True))
        (first, *rest) = [one for one in view.applications if one.only]
        return msgspec.structs.replace(view, applications=(msgspec.structs.replace(first, only=(broken,)), *rest))

    monkeypatch.setattr(asked, "compare", compare)
    said = lastgood(*SERVER, "compare", "staging", "production")
    assert "NOTE" in said.out
    assert "  breaking  " in said.out
    assert "FROM THE RECORDS" in said.out
    assert "the repo is gone" in said.out


def test_a_record_says_what_its_images_were_built_from():
    """Beside the images: the commit, what told it, and the repo; where it is not known, that."""
    carried = next(one for one in sample_entries() if one.built)
    (table,) = [part for part in entry_text(carried, Style(width=120, color=False)).split("\n\n") if "BUILT" in part]
    lines = [line.split() for line in table.splitlines()]
    assert lines[:2] == [
        ["BUILT", "FROM", "TOLD", "BY", "REPO"],
        ["web", "ccccccc", "tag", "https://git.example.com/shop/web"],
    ]
    assert lines[2][:2] == ["search", "unknown"]
