"""The last known good version, found among the newest versions, or further back."""

import pytest

from lastgood.flows.last_good import FEW, judged
from lastgood.store import SqlStore
from twins.clock import ManualClock
from twins.store import NOON, make_application, make_deployment, oid


@pytest.fixture
def store():
    opened = SqlStore.in_memory()
    yield opened
    opened.close()


@pytest.mark.parametrize("bad", [0, 1, FEW - 1, FEW, 3 * FEW])
async def test_a_good_version_is_found_behind_however_many_bad_ones(store, bad):
    """Few are read at first; that none of them is good is no answer."""
    await store.start_deployment(make_deployment(version=oid("good"), outcome="succeeded", baked_at=NOON))
    for n in range(bad):
        await store.start_deployment(make_deployment(version=oid(f"bad {n}"), outcome="failed", own_fault=True))
    fields = await judged(make_application(), store=store, clock=ManualClock())
    assert fields["last_good"].version == oid("good")


async def test_of_many_versions_few_are_read(store, monkeypatch):
    """A release costs the same after years."""
    for n in range(3 * FEW):
        await store.start_deployment(make_deployment(version=oid(f"v{n}"), outcome="succeeded", baked_at=NOON))
    asked = []
    original = store.judged

    async def counted(app, **limit):
        asked.append(limit)
        return await original(app, **limit)

    monkeypatch.setattr(store, "judged", counted)
    fields = await judged(make_application(), store=store, clock=ManualClock())
    assert fields["last_good"].version == oid(f"v{3 * FEW - 1}")
    assert asked == [{"newest": FEW}]
