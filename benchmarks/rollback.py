"""A rollback from the agent's warm mirror against `git clone`, `git revert`, `git push`, over one file:// URL.

Every run makes a plan with all its checks, a commit and a push. The ways take turns, each on another application,
so that each has the same history to deal with.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, median_ms, timed, timed_async
from lastgood.core.discovery import Discovery
from lastgood.core.request import RollbackRequest
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.journal import StoreJournal
from lastgood.flows.rollback import Rollbacks
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.render.renderers import Renderers
from lastgood.store import SqlStore
from twins.clock import ManualClock
from twins.git_fixtures import git, long_history

WARM_RUNS = 15
COLD_RUNS = 3


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:
    remote = long_history(folder / "config.git", commits=commits, files=5_000, applications=50)
    yield from asyncio.run(_measure(folder, remote))


async def _measure(folder: Path, remote: Path) -> list[Figure]:
    url = f"file://{remote}"
    store = await asyncio.to_thread(SqlStore.open, folder / "records.db")
    repo = MirrorConfigRepo(folder / "mirror.git", url=url, name="config")
    branch = FollowedBranch(
        repo=repo, name="main", discovery=Discovery(), renderer=Renderers(), store=store,
        journal=StoreJournal(store), clock=ManualClock(), kept_fresh=True,
    )  # fmt: skip
    rollbacks = Rollbacks(branch)
    clone = folder / "clone"
    git(folder, "clone", "-q", url, str(clone))
    apps = iter([f"app{n:04d}-{environment}" for n in range(50) for environment in ("staging", "production")])

    async def ours() -> None:
        request = RollbackRequest(apps=(next(apps),), previous=True, reason="benchmark")
        done = await rollbacks.do(request)
        assert done.result.pushed, done

    def revert_in(place: Path) -> None:
        newest = git(place, "log", "-1", "--first-parent", "--no-merges", "--format=%H", "--", "apps")
        git(place, "revert", "--no-edit", newest)
        git(place, "push", "-q", "origin", "HEAD:main")

    def cold() -> None:
        place = folder / "cold"
        git(folder, "clone", "-q", url, str(place))
        revert_in(place)
        shutil.rmtree(place)

    def warm() -> None:
        git(clone, "pull", "-q", "--ff-only")
        revert_in(clone)

    await ours()
    warm()
    times: dict[str, list[float]] = {"ours": [], "warm": [], "cold": []}
    for _ in range(WARM_RUNS):
        times["ours"].append(await timed_async(ours))
        times["warm"].append(timed(warm))
    for _ in range(COLD_RUNS):
        times["cold"].append(timed(cold))
        times["ours"].append(await timed_async(ours))
    store.close()
    mine, pulled, cloned = (median_ms(times[name]) for name in ("ours", "warm", "cold"))
    faster = cloned / mine
    return [
        Figure("plan, commit and push of a restore, warm mirror", f"{mine:.0f} ms"),
        Figure("git pull, revert, push in a warm clone", f"{pulled:.0f} ms"),
        Figure("git clone, revert, push", f"{cloned:.0f} ms"),
        Figure("faster than clone, revert, push", f"{faster:.0f} times", "at least 50 times", faster >= 50),
        Figure("against pull, revert, push", f"{mine / pulled:.2f} of it", "not slower", mine <= pulled),
    ]
