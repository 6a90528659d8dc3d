"""The index of a source repo of 100,000 commits, and what is asked of it, against `git log` over it.

`--commits` does not change it: what is held against the targets is this size.
"""

import asyncio
import contextlib
import statistics
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace

from benchmarks.figures import Figure, timed
from lastgood.app.settings import Settings, SourceSettings
from lastgood.app.source_histories import SourceHistories
from lastgood.app.sources import AllowedSources
from lastgood.core.discovery import Discovery
from lastgood.core.errors import NoVersionByFeature, UnknownFeature
from lastgood.core.source_commit import Selection
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.by_feature import version_by_feature
from lastgood.flows.journal import StoreJournal
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.git.source import MirrorSourceRepo
from lastgood.git.source_history import MirrorSourceHistory
from lastgood.render.renderers import Renderers
from lastgood.store import SqlStore
from twins.clock import ManualClock
from twins.git_fixtures import bare, git
from twins.source_fixtures import long_source
from twins.store import make_deployment

COMMITS = 100_000
RUNS = 7
VERSIONS = 1000
RAW = ("log", "--all", "--raw", "--diff-merges=first-parent", "--no-renames")


def _memory_kb(word: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(word)).split()[1])


def measure(folder: Path, *, commits: int) -> Iterator[Figure]:  # noqa: ARG001 - as every benchmark is asked
    remote = long_source(folder / "shop.git", commits=COMMITS)
    url = f"file://{remote}"
    source = MirrorSourceRepo(folder / "mirror.git", url)
    source.fetch()
    plain, raw, first = [], [], []
    before = _memory_kb("RssAnon")
    for n in range(3):  # alternating, as other work on the machine comes and goes
        plain.append(timed(lambda: _git(source.folder, "log", "--all")))
        raw.append(timed(lambda: _git(source.folder, *RAW)))
        history = MirrorSourceHistory(source, url)
        first.append(timed(history.index.update))
        if n < 2:
            history.index.close()
            for file in folder.glob("mirror.git.history*"):
                file.unlink()
    logged, with_diff, index = (statistics.median(some) for some in (plain, raw, first))
    yield Figure("git log", f"{logged:.1f} s")
    yield Figure("git log --raw, which has what is indexed", f"{with_diff:.1f} s")
    yield Figure("first index", f"{index:.1f} s")
    yield _at_most("first index against git log --raw", index / with_diff, 2, "times")
    yield _at_most("first index against plain git log", index / logged, 2, "times")
    asyncio.run(_asked(history, folder, remote, figures := []))
    yield from figures
    size = sum(file.stat().st_size for file in folder.glob("mirror.git.history*"))
    yield Figure("the index on disk", f"{size >> 20} MB")
    yield Figure("memory gained by all of it", f"{(_memory_kb('RssAnon') - before) >> 10} MB")


async def _asked(history: MirrorSourceHistory, folder: Path, remote: Path, figures: list[Figure]) -> None:
    everything = Selection(projects=("SHOP",))
    line = git(remote, "rev-list", "--first-parent", "main").split()
    await history.features(line[1], line[0], everything)
    web = Selection(paths=("web",), projects=("SHOP",))
    subjects = git(remote, "log", "--first-parent", "--format=%s", "main").splitlines()
    merges = [one.split("#")[1].split()[0] for one in subjects if one.startswith("Merge")]
    squashes = [one[:-1].split("#")[1] for one in subjects if one.endswith(")")]
    taken = [below[:-1].split("#")[1] for one, below in pairwise(subjects) if one.startswith("Take") and "(#" in below]
    inside = [git(remote, "rev-parse", f"{one}^2") for one in _merges(remote)[: RUNS * 900 : 900]]
    asked = {
        "features over 50 commits": lambda n: history.features(line[n * 50 + 50], line[n * 50], everything),
        "features over 50 commits, of one service": lambda n: history.features(line[n * 70 + 50], line[n * 70], web),
        "features over 50 commits, going back": lambda n: history.features(line[n * 90], line[n * 90 + 50], everything),
        "features over 1,000 commits": lambda n: history.features(line[n * 90 + 1000], line[n * 90], everything),
        "where, a merged pull request, 8 revisions": lambda n: _where(history, f"PR-{merges[n * 900]}", line[:800:100]),
        "where, a squashed one": lambda n: _where(history, f"PR-{squashes[n * 9000]}", line[:800:100]),
        "where, one that was taken back": lambda n: _where(history, f"PR-{taken[n * 90]}", line[:800:100]),
        "where, a commit inside a pull request": lambda n: _where(history, inside[n], line[:800:100]),
        "where, an issue": lambda n: _where(history, f"SHOP-{squashes[n * 9000]}", line[:800:100]),
        "where, words": lambda n: _where(history, f"thing {squashes[n * 9000]}", line[:800:100]),
    }
    for name, ask in asked.items():
        times = []
        for n in range(RUNS):
            began = time.perf_counter()
            await ask(n)
            times.append((time.perf_counter() - began) * 1000)
        figures.append(_at_most(f"{name}, warm", statistics.median(times), 100, "ms"))
    versions = line[: VERSIONS * 60 : 60]
    for name, pull in (("a recent one", squashes[5000]), ("an old one", squashes[-900]), ("an old merge", merges[-90])):
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            found = await history.presences(f"PR-{pull}", versions, everything)
            next((n for n, one in enumerate(found) if one.contains is False), None)
            times.append((time.perf_counter() - began) * 1000)
        figures.append(
            _at_most(f"the newest of {VERSIONS} versions without {name}", statistics.median(times), 1000, "ms")
        )
    await _chosen(folder, remote, versions, squashes, figures)
    git(folder, "clone", "-q", f"file://{remote}", "work")
    for number in range(10):
        git(
            folder / "work",
            "-c",
            "user.name=P",
            "-c",
            "user.email=p@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            f"New {number}",
        )
    git(folder / "work", "push", "-q", "origin", "HEAD:main")
    began = time.perf_counter()
    new = await history.refresh()
    figures.append(
        Figure(
            "a fetch of 10 commits, and what was indexed",
            f"{time.perf_counter() - began:.2f} s, {new}",
            "10",
            new == 10,
        )
    )
    began = time.perf_counter()
    await history.features(line[50], git(remote, "rev-parse", "main"), everything)
    figures.append(Figure("the first question after it", f"{(time.perf_counter() - began) * 1000:.0f} ms"))


def _merges(remote: Path) -> list[str]:
    return git(remote, "rev-list", "--first-parent", "--merges", "main").split()


async def _chosen(folder: Path, remote: Path, revisions: list[str], pulls: list[str], figures: list[Figure]) -> None:
    """Choose by feature as a plan does: records, a config repo, renders, source revisions, presences."""
    settings = Settings.model_construct(data=folder, sources=(SourceSettings(url=str(remote)),))
    clock = ManualClock()
    sources = SourceHistories(AllowedSources(settings, lambda _: None), clock=clock, role="agent")
    config = MirrorConfigRepo(folder / "config-mirror.git", f"file://{_config(folder, remote, revisions)}", "config")
    store = SqlStore.in_memory()
    branch = FollowedBranch(
        repo=config, name="main", discovery=Discovery(), renderer=Renderers(), store=store,
        journal=StoreJournal(store), clock=clock, sources=sources,
    )  # fmt: skip
    look = await branch.fetch()
    app = look.discovered.applications["web"]
    history = (await config.history(look.head.oid, app.scope)).entries
    for entry in reversed(history):
        made = make_deployment(
            app="web", commit=entry.commit, version=entry.version, path_tree=entry.path_tree, outcome="succeeded"
        )
        begun = await store.start_deployment(made)
        await store.save_deployment(replace(made, id=begun.id, number=begun.number, baked_at=clock.now()))
    for name, pull, word in (
        ("a recent feature", pulls[5000], False),
        ("one that nearly all have", pulls[-900], False),
        ("one that none has", "999999999", True),
    ):
        times = []
        for n in range(RUNS):
            look = await branch.at(look.head.oid)
            began = time.perf_counter()
            with contextlib.suppress(NoVersionByFeature, UnknownFeature):
                await version_by_feature(look, app, f"PR-{pull}", contains=word)
            if n:  # the first reads everything for the first time
                times.append((time.perf_counter() - began) * 1000)
        what = f"`{'--with' if word else '--without'}` {name}, through the flow, {len(history)} versions, warm"
        took = statistics.median(times)
        # Of a name that nothing has it is a message that is made, with a second look and the nearest names.
        figures.append(Figure(what, f"{took:.0f} ms") if word else _at_most(what, took, 1000, "ms"))
    await sources.close()
    store.close()


def _config(folder: Path, source: Path, revisions: list[str]) -> Path:
    """Make a config repo whose one application ran each of the revisions, newest first."""
    remote = bare(folder / "config.git")
    yaml = (
        "version: 1\napplications:\n  - name: web\n    path: web\n    destination: production\n"
        f"sources:\n  - image: web\n    repo: {source}\n"
    )
    stream = []
    for n, revision in enumerate(reversed(revisions), start=1):
        compose = (
            f"x-lastgood: {{artifacts: {{web: {revision}}}}}\nprocesses:\n  web:\n    command: python3 server.py\n"
        )
        files = {"web/process-compose.yaml": compose} | ({"lastgood.yaml": yaml} if n == 1 else {})
        who = f"Priya Raman <priya@example.com> {1_700_000_000 + n} +0000"
        stream.append(f"commit refs/heads/main\nmark :{n}\ncommitter {who}\ndata 7\nRelease\n")
        stream += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
    git(remote, "fast-import", "--quiet", stdin="".join(stream).encode())
    return remote


async def _where(history: MirrorSourceHistory, feature: str, revisions: list[str]) -> None:
    """Ask what `where` asks of a history: which of them have it, and for each how it came there."""
    selection = Selection(projects=("SHOP",))
    try:
        await history.presences(feature, revisions, selection)
        for revision in revisions:
            await history.origin(feature, revision, selection)
    except UnknownFeature as unknown:
        raise AssertionError(f"the fixture has no {feature}") from unknown


def _at_most(name: str, value: float, most: float, unit: str) -> Figure:
    shown = f"{value:.2f} {unit}" if unit == "times" else f"{value:.0f} {unit}"
    return Figure(name, shown, f"at most {most:g} {unit}", value <= most)


def _git(folder: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=folder, stdout=subprocess.DEVNULL, check=True)  # noqa: S607 - whichever git it is
