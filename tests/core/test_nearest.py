"""Suggestions of names."""

from lastgood.core.nearest import did_you_mean, nearest


def test_the_nearest_names_come_first():
    """Typing errors, another case, and a part of a name find it."""
    known = ["web-production", "web-staging", "cart-production"]
    assert nearest("web-prodution", known)[0] == "web-production"
    assert nearest("STAGING", known) == ("web-staging",)
    assert nearest("zzz", known) == ()
    assert did_you_mean("web-stagin", known).startswith("did you mean web-staging")
    assert did_you_mean("", known) == ""


def test_a_long_name_costs_little():
    """Both sides are bounded."""
    assert nearest("x" * 1_000_000, (f"app-{n}" for n in range(1_000_000))) == ()
