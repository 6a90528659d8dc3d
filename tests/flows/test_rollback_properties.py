"""For any history: a restore changes the application alone, and its undo is the identity on the tree."""

import asyncio
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastgood.core.claim import confirmed_claim
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SUBMODULE, MODE_SYMLINK
from lastgood.core.hold import hold_path
from twins.rollback_world import CART, WEB, RollbackWorld, make_world

ROOT = """version: 1
applications:
  - {name: web-production, path: apps/web/production, destination: x}
  - {name: cart-production, path: apps/cart/production, destination: x}
  - {name: nested, path: apps/web/production/nested, destination: x}
  - {name: everything, path: ., destination: x}
"""
PATHS = [
    f"{WEB}/a",
    f"{WEB}/dir/b",
    f"{WEB}/dir",
    f"{WEB}/nested/n",
    f"{WEB}/nested",
    f"{CART}/a",
    "apps/web/other",
    "top",
    f"{WEB}.not",
]
contents = st.sampled_from(
    ["1\n", "2\n", None, (MODE_EXECUTABLE, "1\n"), (MODE_SYMLINK, "a"), (MODE_SUBMODULE, "5" * 40)]
)
commits = st.dictionaries(st.sampled_from(PATHS), contents, min_size=1, max_size=4)
histories = st.lists(commits, min_size=2, max_size=8)


def _inside(path: str) -> bool:
    return path.startswith(f"{WEB}/") and not (path + "/").startswith(f"{WEB}/nested/")


async def _world(history: list[dict]) -> tuple[RollbackWorld, list[str]]:
    world = next(make_world("memory", Path()))
    made = [await world.commit({"lastgood.yaml": ROOT, f"{WEB}/keep": "0\n", f"{CART}/keep": "0\n"})]
    made += [await world.commit({f"{WEB}/nested/keep": "0\n"})]
    made += [await world.commit(files) for files in history]
    return world, made


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.data())
def test_a_restore_touches_the_application_alone_and_its_undo_is_the_identity(history, data):
    """Inside: the chosen version. Outside, nested applications too: the head. Then back again, to the same tree."""

    async def go() -> None:
        world, made = await _world(history)
        to = data.draw(st.sampled_from(made))
        head = made[-1]
        found = (await world.branch.fetch()).discovered.applications
        if "web-production" not in found or not (await world.repo.entry(head, WEB)):
            return
        overrides = ("deletes-application", "held")
        plan = await world.roll_back(to=to, despite=overrides)
        new = await world.head()
        before, then, after = await world.files(head), await world.files(to), await world.files(new)
        outside = {path: entry for path, entry in before.items() if not _inside(path)}
        hold = hold_path("web-production")
        assert {p: e for p, e in after.items() if not _inside(p) and p != hold} == outside
        inside = {p: e for p, e in then.items() if _inside(p)}
        expected = {p: e for p, e in inside.items() if not _collides(p, outside)}
        assert {p: e for p, e in after.items() if _inside(p)} == expected
        if plan.result.commit is None:
            assert new == head
            return
        assert await confirmed_claim(world.repo, await world.repo.commit(new)) is not None
        world.journal.kept.clear()
        await world.undo(despite=overrides)
        assert (await world.repo.commit(await world.head())).tree == (await world.repo.commit(head)).tree

    asyncio.run(go())


def _collides(path: str, outside: dict) -> bool:
    """A file of ours then, where now stands a folder with somebody else's files: theirs stay."""
    return any(other.startswith(f"{path}/") or path.startswith(f"{other}/") for other in outside)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_a_revert_of_the_newest_change_is_a_restore_of_the_version_before(history):
    """Without conflicts a revert of the last commit gives what its parent had, inside the application."""

    async def go() -> None:
        world, made = await _world(history)
        head = made[-1]
        look = await world.branch.fetch()
        if "cart-production" not in look.discovered.applications:
            return
        scope = look.discovered.applications["cart-production"].scope
        entries = (await world.repo.history(head, scope)).entries
        if len(entries) < 2 or entries[0].version is None or entries[1].version is None:
            return
        plan = await world.plan("cart-production", mode="revert")
        assert plan.applications[0].version == entries[1].version

    asyncio.run(go())
