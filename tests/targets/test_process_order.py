"""Who runs after whom."""

from hypothesis import given
from hypothesis import strategies as st

from lastgood.targets.process.order import dependents, run_in_order

NAMES = st.sampled_from("abcdefg")


@given(st.dictionaries(NAMES, st.sets(NAMES)))
async def test_everything_runs_once_and_what_is_free_of_cycles_in_order(after):
    """Each name is worked on once, whatever a file says; without cycles, after all that it names."""
    done: list[str] = []

    async def work(name):
        done.append(name)
        return name.upper()

    assert await run_in_order(after, work) == {name: name.upper() for name in after}
    assert sorted(done) == sorted(after)
    acyclic = {name: {other for other in others if other < name} for name, others in after.items()}
    done.clear()
    await run_in_order(acyclic, work)
    for name, others in acyclic.items():
        assert all(done.index(other) < done.index(name) for other in others if other in acyclic)


def test_dependents_turn_the_relation_round():
    """What needs db is stopped before db."""
    assert dependents({"web": ["db", "outside"], "db": []}) == {"web": set(), "db": {"web"}}
