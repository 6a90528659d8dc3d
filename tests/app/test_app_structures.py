"""What is known of structures before threads read any."""

import msgspec
import pytest

from lastgood.app.structures import know_structures

Held = int


class _Early(msgspec.Struct):
    held: "Held"


class _Broken(msgspec.Struct):
    held: "Nowhere"  # noqa: F821 - that is what it is about


def test_what_a_structure_holds_is_found_out_beforehand(monkeypatch):
    """Later nothing is looked up any more, so no second thread can come in between; what is broken stops nothing."""
    know_structures()
    monkeypatch.setitem(globals(), "Held", "no type")
    assert msgspec.json.decode(b'{"held":1}', type=_Early).held == 1


def test_else_it_is_looked_up_at_the_first_use():
    """The other half: this is what the test before would see."""
    with pytest.raises(NameError):
        msgspec.json.decode(b'{"held":1}', type=_Broken)
