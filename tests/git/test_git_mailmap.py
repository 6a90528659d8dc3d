"""The mailmap means the same people as `git check-mailmap`."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lastgood.core.commit import Person
from lastgood.core.mailmap import Mailmap
from twins.git_fixtures import git

NAMES = st.sampled_from(["Zoë", "zoË", "Priya R", "priya r", ""])
ADDRESSES = st.sampled_from(["<z@example.com>", "<Z@example.com>", "<p@example.com>", "< p@example.com >"])
LINES = st.one_of(
    st.tuples(NAMES, ADDRESSES).map(" ".join),
    st.tuples(ADDRESSES, ADDRESSES).map(" ".join),
    st.tuples(NAMES, ADDRESSES, NAMES, ADDRESSES).map(" ".join),
    st.sampled_from(["# <z@example.com>", "", "no address", "half <z@example.com", "Tail <z@example.com> # why"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=6), name=NAMES.filter(bool), address=ADDRESSES.filter(lambda a: " " not in a))
@example(
    lines=["Zoë <z@example.com> Priya R <z@example.com>", " <z@example.com> Priya R <z@example.com>"],
    name="Priya R",
    address="<z@example.com>",
)
def test_people_are_those_that_git_means(tmp_path, lines, name, address):
    """Every form of line, letters of any case, later lines over earlier ones, lines that say nothing."""
    if not (tmp_path / ".git").exists():
        git(tmp_path, "init", "-q", ".")
    data = "\n".join(lines).encode()
    (tmp_path / "map").write_bytes(data)
    said = git(tmp_path, "-c", f"mailmap.file={tmp_path / 'map'}", "check-mailmap", f"{name} {address}")
    found = Mailmap(data).person(Person(name=name, email=address[1:-1]))
    assert f"{found.name} <{found.email}>" == said
