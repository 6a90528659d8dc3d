"""What a chart says of its images' source, read as Helm reads it."""

import pytest

from lastgood.core.chart_file import MAX_SOURCES, chart_claims
from lastgood.core.image_facts import ImageClaim
from lastgood.render.kube_composer import Budget
from lastgood.render.kube_yaml import read_kube_yaml


def claims(text):
    (document,) = read_kube_yaml(text.encode(), file="Chart.yaml", budget=Budget(nodes=10_000, chars=100_000))
    return [(one.place, one.revision, one.source) for one in chart_claims(document.value)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"1.10"', "1.10"),
        ("1.10", "1.1"),
        ("1.0", "1"),
        ("1.4.2", "1.4.2"),
        ("20240101", "20240101"),
        ("0x10", "16"),
        ("010", "8"),
        ("on", "true"),
        ("1e21", "1e+21"),
        ("1234567.5", "1.2345675e+06"),
        ("0.00001", "1e-05"),
        ("2026-11-20", "2026-11-20"),
        ("v1.4.2+build.7", "v1.4.2+build.7"),
    ],
)
def test_a_version_without_quotes_is_the_text_that_helm_makes_of_it(written, read):
    """A number is written as Go writes it, shortest first."""
    assert claims(f"appVersion: {written}\n") == [("chart", read, None)]


def test_each_address_is_a_claim():
    """Any of them may be the repo; credentials do not come along, and what is no address says nothing."""
    text = "appVersion: '1'\nsources: [https://git.example.com/a, 'https://me:pw@git.example.com/b', {x: 1}, '-x']\n"
    assert claims(text) == [
        ("chart", "1", "https://git.example.com/a"), ("chart", "1", "https://git.example.com/b"),
    ]  # fmt: skip
    many = [f"https://git.example.com/{n}" for n in range(MAX_SOURCES + 5)]
    assert len(chart_claims({"appVersion": "1", "sources": many})) == MAX_SOURCES


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"sources": ["https://git.example.com/a"]}, {"appVersion": None}, {"appVersion": ["1"]},
        {"appVersion": "x" * 600}, {"appVersion": "a\nb"},
    ],
)  # fmt: skip
def test_without_a_version_nothing_is_said(value):
    """Nor where it is nothing that could be shown."""
    assert chart_claims(value) == ()


def test_sources_of_another_shape_are_none():
    """The version alone is said, which nobody believes."""
    assert chart_claims({"appVersion": "1", "sources": "https://git.example.com/a"}) == (
        ImageClaim(place="chart", revision="1"),
    )
