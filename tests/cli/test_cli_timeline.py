"""What `lastgood timeline` says where a filter means nothing, or finds nothing."""

import pytest


@pytest.mark.parametrize("option", ["--environment", "--author", "--search", "--feature", "--image"])
@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_filter_is_a_wrong_command_line(clone, lastgood, option, text):
    """It is no filter, and whoever typed it (a variable that is not set) did not mean to see all."""
    said = lastgood("timeline", option, text)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"error: {option} is empty\nhint: leave {option} out to see all\n"


def test_nothing_says_why_where_the_dates_tell(clone, lastgood):
    """A date that lies ahead, a beginning after the end; else only that nothing matches."""
    ahead = lastgood("timeline", "--since", "2099-01-01T00:00Z")
    assert (ahead.code, ahead.out) == (0, "")
    assert ahead.err.startswith("nothing matches: --since 2099-01-01 ")
    assert ahead.err.endswith(" lies in the future\n")
    turned = lastgood("timeline", "--since", "2020-01-02", "--until", "2020-01-01")
    assert "nothing matches: --since 2020-01-02 00:00 is after --until 2020-01-01 " in turned.err
    assert lastgood("timeline", "--search", "nobody wrote that").err == "nothing matches\n"
    assert lastgood("timeline", "--since", "2099-01-01", "-o", "json").json == []
