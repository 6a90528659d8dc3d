"""`lastgood timeline` in a clone without records against `git log --first-parent -- <path>` there, no commit-graph.

Start-up is the same command in a clone of one commit. Differences are taken within a round, whose parts follow each
other at once, and their median counts: between rounds the machine may have other work.
"""

import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, median_ms, timed
from twins.git_fixtures import git, long_history

RUNS = 15


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:
    remote = long_history(folder / "config.git", commits=commits, files=5_000, applications=50)
    git(folder, "clone", "-q", "--no-hardlinks", f"file://{remote}", "clone")
    small = long_history(folder / "small.git", commits=1, files=100, applications=50)
    git(folder, "clone", "-q", f"file://{small}", "small")
    clone, app, path = folder / "clone", "app0001-staging", "apps/app0001/staging"

    def lastgood(place: Path) -> None:
        command = [sys.executable, "-m", "lastgood", "-C", str(place), "timeline", app, "-o", "json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def forget() -> None:
        shutil.rmtree(clone / ".git" / "lastgood", ignore_errors=True)

    times: dict[str, list[float]] = {"git": [], "first": [], "second": [], "start": []}
    for _ in range(RUNS):
        times["git"].append(timed(lambda: git(clone, "log", "--first-parent", "--format=%H", "--", path)))
        forget()
        times["first"].append(timed(lambda: lastgood(clone)))
        times["second"].append(timed(lambda: lastgood(clone)))
        times["start"].append(timed(lambda: lastgood(folder / "small")))
    log, first, second, start = (median_ms(times[name]) for name in ("git", "first", "second", "start"))
    rounds = list(zip(times["git"], times["first"], times["second"], times["start"], strict=True))
    yield Figure("git log --first-parent -- <path>", f"{log:.0f} ms")
    yield Figure("start-up (a clone of one commit)", f"{start:.0f} ms")
    yield Figure("first look", f"{first:.0f} ms")
    yield Figure("second look", f"{second:.0f} ms")
    ratio = statistics.median((first - start) / log for log, first, _, start in rounds)
    yield Figure(
        "first look without start-up, against git log", f"{ratio:.2f} times", "at most 1.5 times", ratio <= 1.5
    )
    more = 1000 * statistics.median(second - start for _, _, second, start in rounds)
    yield Figure("second look without start-up", f"{more:.0f} ms", "at most 50 ms", more <= 50)
