"""Which chart an object is from by what Helm printed, also where charts are vendored as archives, broken or hostile."""

import gzip
import io
import tarfile

import pytest

from lastgood.render import charts as module
from lastgood.render.charts import claims_by_line

PRINTED = """\
---
# Source: shop/templates/web.yaml
a: 1
---
# Source: shop/charts/cache/templates/sub/cache.yaml
a: 1
---
# Source: shop/charts/cache/charts/probe/crds/probe.yaml
a: 1
---
# Source: shop/charts/gone/templates/x.yaml
a: 1
"""
LINES = {"web": 3, "cache": 6, "probe": 9, "gone": 12}


def chart(name, version, more=""):
    return f"apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: '{version}'\n{more}"


def archive(files, *, kind=tarfile.REGTYPE):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            members.addfile(member, io.BytesIO(content.encode()))
    return made.getvalue()


@pytest.fixture
def told(tmp_path):
    """Return a function that writes a chart's folder and says which version is told of each object."""

    def make(files, printed=PRINTED):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        claims = claims_by_line(tmp_path, printed.encode())
        return {name: [one.revision for one in claims(line)] for name, line in LINES.items()}

    return make


def test_each_object_is_of_the_chart_that_helm_names(told):
    """The folder's name does not matter, the chart's does; a chart that is not there leaves the first one."""
    found = told({
        "Chart.yaml": chart("shop", "1"),
        "charts/x/Chart.yaml": chart("cache", "2"),
        "charts/x/charts/y/Chart.yaml": chart("probe", "3"),
    })  # fmt: skip
    assert found == {"web": ["1"], "cache": ["2"], "probe": ["3"], "gone": ["1"]}


def test_archives_and_aliases_are_read(told):
    """`helm dependency build` vendors archives; an alias leads to the name; two charts of one name cannot be told."""
    inner = {"redis/Chart.yaml": chart("redis", "2"), "redis/charts/probe/Chart.yaml": chart("probe", "3")}
    aliased = "dependencies:\n- {name: redis, alias: cache}\n- {name: twice, alias: gone}\n"
    found = told({
        "Chart.yaml": chart("shop", "1", aliased),
        "charts/redis-1.0.0.tgz": archive(inner),
        "charts/a/Chart.yaml": chart("twice", "8"),
        "charts/b/Chart.yaml": chart("twice", "9"),
        "charts/_left/Chart.yaml": chart("redis", "7"),
    })  # fmt: skip
    assert found == {"web": ["1"], "cache": ["2"], "probe": ["3"], "gone": ["1"]}


def test_aliases_of_the_first_format_are_read(told):
    """They stand beside the chart."""
    found = told({
        "Chart.yaml": chart("shop", "1"),
        "requirements.yaml": "dependencies:\n- {name: redis, alias: cache}\n",
        "charts/r/Chart.yaml": chart("redis", "2"),
    })  # fmt: skip
    assert found["cache"] == ["2"]


@pytest.mark.parametrize(
    "broken",
    [
        b"no archive",
        gzip.compress(b"no tar" * 1000),
        archive({"cache/Chart.yaml": chart("cache", "2")})[:60],
        gzip.compress(b"\0" * 3_000),
        archive({"cache/Chart.yaml": "[1, 2"}),
        archive({"cache/Chart.yaml": "a" * 2_000}),
        archive({"cache/Chart.yaml": ""}, kind=tarfile.SYMTYPE),
        archive({"cache/templates/Chart.yaml": chart("cache", "2")}),
        archive({"x": "a"}, kind=tarfile.XHDTYPE),
    ],
    # Their bytes hold the second at which they were made, and processes side by side must agree on names.
    ids=lambda _: "archive",
)
def test_a_broken_archive_says_nothing(told, monkeypatch, broken):
    """Helm tells of it; the first chart stands in."""
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1_000)
    assert told({"Chart.yaml": chart("shop", "1"), "charts/a.tgz": broken})["cache"] == ["1"]


def test_an_archive_that_grows_is_given_up(told, monkeypatch):
    """All archives of an application share one bound."""
    monkeypatch.setattr(module, "MAX_ARCHIVES_BYTES", 50_000)
    grown = archive({"cache/Chart.yaml": chart("cache", "2"), "cache/big": "x" * 100_000})
    small = archive({"gone/Chart.yaml": chart("gone", "3")})
    found = told({"Chart.yaml": chart("shop", "1"), "charts/a.tgz": grown, "charts/b.tgz": small})
    assert (found["cache"], found["gone"]) == (["1"], ["1"])


def test_more_charts_than_anybody_has_are_not_read(told, monkeypatch):
    """A folder of thousands ends."""
    monkeypatch.setattr(module, "MAX_CHARTS", 2)
    files = {f"charts/{n}/Chart.yaml": chart("other", "2") for n in range(3)}
    assert told({"Chart.yaml": chart("shop", "1"), **files, "charts/z/Chart.yaml": chart("cache", "2")})["cache"] == [
        "1"
    ]


@pytest.mark.parametrize("files", [{}, {"Chart.yaml": "["}, {"Chart.yaml": "[]"}, {"Chart.yaml": "name: 1"}])
def test_a_chart_that_cannot_be_read_says_nothing(told, files):
    """Nor is it an error."""
    assert told(files) == {"web": [], "cache": [], "probe": [], "gone": []}


def test_what_has_no_source_is_of_the_first_chart(told):
    """Before any mark, and where a mark is only text."""
    printed = "a: |\n  ---\n  # Source: shop/charts/cache/templates/x.yaml\n" + "b: 1\n" * 12
    found = told({"Chart.yaml": chart("shop", "1"), "charts/c/Chart.yaml": chart("cache", "2")}, printed)
    assert found == {"web": ["1"], "cache": ["1"], "probe": ["1"], "gone": ["1"]}
