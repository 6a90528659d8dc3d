"""Walks over a graph of commits, up and down."""

from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.commit_graph import CommitGraph


@st.composite
def graphs(draw):
    graph = CommitGraph()
    for at in range(draw(st.integers(1, 30))):
        below = st.lists(st.integers(0, at - 1), max_size=3, unique=True) if at else st.just([])
        graph.add(draw(below))
    return graph


@given(graph=graphs(), data=st.data())
def test_descendants_are_those_that_have_it_as_an_ancestor(graph, data):
    of = data.draw(st.integers(0, len(graph) - 1))
    above = graph.descendants(of)
    for at in range(len(graph)):
        assert (at >= of and above[at - of] == 1) == (at >= of and graph.ancestors((at,))[of] == 1)
