"""`lastgood metrics` as people read it, against the twin of the port Lastgood."""

import msgspec
import pytest

from lastgood.cli.metrics import _text
from lastgood.cli.text import Style
from lastgood.core.figures import DEFINITIONS, FiguresQuery
from twins.lastgood import MemoryLastgood, sample_attempts


@pytest.mark.parametrize("width", [40, 80, 120])
async def test_each_figure_has_its_definition_and_what_was_left_out_beside_it(width):
    """Whatever the width: a long one goes on in the next line, under the number."""
    view = await MemoryLastgood().figures(FiguresQuery(by="application"))
    text = _text(view, Style(width=width, color=False)).partition("\n\n")[0]
    flat = " ".join(text.split())
    assert [words in flat for words in DEFINITIONS.values()] == [True] * 5
    assert flat.count("left out: ") == 2
    assert max(map(len, text.splitlines()[2:])) <= width


async def test_what_the_parts_leave_out_is_counted():
    """In a column of its own, beside what is open."""
    lastgood = MemoryLastgood()
    lastgood.attempts = [
        *sample_attempts(),
        *(msgspec.structs.replace(one, committed=None) for one in sample_attempts("cart", count=12)),
    ]
    view = await lastgood.figures(FiguresQuery(by="application"))
    table = _text(view, Style(width=120, color=False)).split("\n\n")[1].splitlines()
    assert table[0].endswith("OPEN  LEFT OUT")
    counts = [one.figures.lead_time.left_out + one.figures.recovery_time.left_out for one in view.parts]
    assert [int(row.split()[-1]) for row in table[1:]] == counts
    assert min(counts) == 0 < max(counts)


async def test_a_view_tells_the_definitions_in_json():
    """Beside the numbers, for whoever shows them elsewhere."""
    assert (await MemoryLastgood().figures(FiguresQuery())).definitions == DEFINITIONS
