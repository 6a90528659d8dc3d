"""What a registry demands, as its headers say: read whole, bounded, and never twice."""

import pytest

from lastgood.registry.challenge import read_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="shop"', [("basic", {"realm": "shop"})]),
        (
            'Bearer realm="https://a/b?c=d",service="x y",scope="repository:a/b:pull,push"',
            [("bearer", {"realm": "https://a/b?c=d", "service": "x y", "scope": "repository:a/b:pull,push"})],
        ),
        ('Negotiate, Basic realm="a", X r=b', [("negotiate", {}), ("basic", {"realm": "a"}), ("x", {"r": "b"})]),
        ("NTLM dG9rZW4=, Basic", [("ntlm", {}), ("basic", {})]),
        ('BEARER Realm = "a\\"b" , realm="c"', [("bearer", {"realm": 'a"b'})]),
        ('realm="without a scheme"', []),
        ("", []),
        (",,, ,", []),
        ("\x00", []),
        ('Bearer realm="without an end', [("bearer", {})]),
    ],
)  # fmt: skip
def test_challenges_are_read_as_they_stand(header, expected):
    """Schemes and names in small letters, the first of two parameters; what is unreadable ends the header."""
    assert [(one.scheme, one.parameters) for one in read_challenges([header])] == expected


def test_a_long_header_costs_little():
    """Only its beginning is read, whatever it is made of."""
    for part in ("a ", 'a="', "=", ',a="\\"', "Basic,"):
        assert len(read_challenges([part * 1_000_000])) < 10_000
