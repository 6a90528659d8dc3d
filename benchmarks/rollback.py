"""A rollback from the agent's warm mirror against `git clone`, `git revert`, `git push`, over one file:// URL.

Every run makes a plan with all its checks, a commit and a push. The ways take turns, each on another application,
so that each has the same history to deal with. Between them the mirror is fetched, as an agent does all the time; what
a rollback costs when somebody has pushed since is measured, too.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, cpu_s, median_ms, timed, timed_async
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
    times: dict[str, list[float]] = {"ours": [], "stale": [], "warm": [], "cold": []}
    worked: dict[str, list[float]] = {name: [] for name in times}

    async def take(name: str, way: Callable[[], Any]) -> None:
        if name == "ours":
            await repo.fetch("main")
        before = cpu_s()
        times[name].append(await timed_async(way) if way is ours else timed(way))
        worked[name].append(cpu_s() - before)

    for _ in range(WARM_RUNS):
        await take("ours", ours)
        await take("warm", warm)
    for _ in range(COLD_RUNS):
        await take("cold", cold)
        await take("stale", ours)
    store.close()
    mine, stale, pulled, cloned = (median_ms(times[name]) for name in ("ours", "stale", "warm", "cold"))
    faster = cloned / mine
    my_cpu, pulled_cpu, cloned_cpu = (median_ms(worked[name]) for name in ("ours", "warm", "cold"))
    cpu = f"{my_cpu:.0f}, {pulled_cpu:.0f}, {cloned_cpu:.0f} ms"
    return [
        Figure("plan, commit and push of a restore, warm mirror", f"{mine:.0f} ms"),
        Figure("the same where somebody has pushed since the mirror's fetch", f"{stale:.0f} ms"),
        Figure("git pull, revert, push in a warm clone", f"{pulled:.0f} ms"),
        Figure("git clone, revert, push", f"{cloned:.0f} ms"),
        Figure("faster than clone, revert, push", f"{faster:.0f} times", "at least 50 times", faster >= 50),
        Figure("against pull, revert, push", f"{mine / pulled:.2f} of it", "not slower", mine <= pulled),
        # Where other work keeps the cores busy, waiting for a turn hides what each way costs; this hardly moves.
        Figure("work of all processes: ours, pull, clone", cpu),
        Figure("less work than clone, revert, push", f"{cloned_cpu / my_cpu:.0f} times"),
        Figure("work against pull, revert, push", f"{my_cpu / pulled_cpu:.2f} of it"),
    ]
