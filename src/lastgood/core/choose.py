"""Find the version that a person means by a commit, a version id, `previous`, `last-good`, `n41` or a date.

Awaits the ports ConfigRepo and Store; decides nothing about whether going there is wise.
"""

import datetime as dt
import shlex
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

from lastgood.core.application import Application
from lastgood.core.claim import confirmed_claim
from lastgood.core.commit import Commit, HistoryEntry
from lastgood.core.dates import parse_date, relative
from lastgood.core.deployment import Deployment
from lastgood.core.errors import (
    AmbiguousVersion,
    CommandLineWrong,
    HistoryTruncated,
    NoLastGood,
    NoPrevious,
    ObjectMissing,
    UnknownVersion,
)
from lastgood.core.hold import Hold, image_references, in_force
from lastgood.core.last_good import known_good
from lastgood.core.ports import ConfigRepo, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.version import Version, version_at
from lastgood.core.version_text import Date, Name, Number, Word, read_version_text

MAX_RECORDS = 1000
NEWEST = 20  # changes of an application: `previous` is nearly always among them
MIN_VERSION_PREFIX = 4
MAX_CANDIDATES = 10
HEX = frozenset("0123456789abcdef")


async def choose(
    text: str,
    *,
    app: Application,
    repo: ConfigRepo,
    store: Store | None,
    head: str,
    now: dt.datetime,
    holds: Sequence[Hold] = (),
    runs: Sequence[Deployment] | None = None,
) -> Version:
    """Return the version of an application that a VERSION names.

    head: the branch's head, whose version is `current`. holds: those in force, which `last-good` passes over.
    runs: the application's newest MAX_RECORDS records, where they were read already.
    The result's commit is the one named, or the one that brought the version; its version is None where the
    application's path is not there.
    Raises UnknownVersion, AmbiguousVersion, NoLastGood, NoPrevious (all exit 5), CommandLineWrong, HistoryTruncated.
    """
    chooser = _Chooser(app=app, repo=repo, store=store, head=head, now=now, holds=holds, runs=runs)
    match read_version_text(text, now=now):
        case Word(word="current"):
            return await chooser.current()
        case Word(word="previous"):
            return await chooser.previous()
        case Word():
            return await chooser.last_good()
        case Number(number=number):
            return await chooser.numbered(number)
        case Date(at=at):
            return await chooser.dated(at, text)
        case Name(text=name):
            return await chooser.named(name)


def good_versions(
    *,
    app: Application,
    repo: ConfigRepo,
    store: Store,
    head: str,
    now: dt.datetime,
    holds: Sequence[Hold],
    runs: Sequence[Deployment] | None = None,
    with_running: bool = False,
) -> AsyncIterator[Version]:
    """Yield the versions among which `last-good` is the first, newest first. The arguments are those of `choose`.

    with_running: the one that runs is among them where it is not the head's.
    """
    chooser = _Chooser(app=app, repo=repo, store=store, head=head, now=now, holds=holds, runs=runs)
    return chooser.good(with_running=with_running)


async def current_version(
    *, app: Application, repo: ConfigRepo, store: Store | None, head: str, runs: Sequence[Deployment] | None = None
) -> Version:
    """Return the version at a head, with the commit that brought it. runs: as in `choose`."""
    now = dt.datetime.min.replace(tzinfo=dt.UTC)
    return await _Chooser(app=app, repo=repo, store=store, head=head, now=now, holds=(), runs=runs).current()


class _Chooser:
    def __init__(
        self,
        *,
        app: Application,
        repo: ConfigRepo,
        store: Store | None,
        head: str,
        now: dt.datetime,
        holds: Sequence[Hold],
        runs: Sequence[Deployment] | None,
    ) -> None:
        self.app = app
        self.repo = repo
        self.store = store
        self.head = head
        self.now = now
        self.holds = holds
        self.runs = runs

    async def current(self) -> Version:
        version, path_tree = await self.repo.version(self.head, self.app.scope)
        entries = (await self.repo.history(self.head, self.app.scope, limit=1)).entries
        # At the edge of a shallow clone the commit that brought the version is not known: the head has it, too.
        fits = bool(entries) and entries[0].version == version
        commit = entries[0].commit if fits else await self.repo.commit(self.head)
        return version_at(commit, version=version, path_tree=path_tree, ran=await self._ran(version))

    async def previous(self) -> Version:
        runs = await self._runs()
        if runs:
            return await self._previous_run(runs)
        current, _ = await self.repo.version(self.head, self.app.scope)
        passed_over = {current, None, *await self._left()}
        history = await self.repo.history(self.head, self.app.scope, limit=NEWEST)
        found = next((entry for entry in history.entries if entry.version not in passed_over), None)
        if found is None:
            history = await self.repo.history(self.head, self.app.scope)
            found = next((entry for entry in history.entries if entry.version not in passed_over), None)
        if found is not None:
            return await self._entry(found)
        if history.truncated:
            raise HistoryTruncated(app=self.app.name)
        raise NoPrevious(app=self.app.name)

    async def _left(self) -> set[str | None]:
        """Return the versions that rollbacks left, over all of history: a bot may have brought one back since."""
        left: set[str | None] = set()
        for commit in reversed(await self.repo.claiming(self.head, self.app.scope)):
            claim = await confirmed_claim(self.repo, commit)
            if claim is not None and claim.kind in {"rollback", "undo"}:
                newer, _ = await self.repo.version(commit.oid, self.app.scope)
                older, _ = await self.repo.version(commit.parents[0], self.app.scope)
                if newer == older:
                    continue
                left.discard(newer)
                if claim.kind == "rollback":
                    left.add(older)
        return left

    async def _previous_run(self, runs: Sequence[Deployment]) -> Version:
        current, _ = await self.repo.version(self.head, self.app.scope)
        left: set[str | None] = set()
        ran = [run for run in runs if run.outcome != "superseded"]
        for newer, older in reversed(list(pairwise(ran))):
            if newer.trigger in {"rollback", "undo"} and newer.version != older.version:
                left.discard(newer.version)
                if newer.trigger == "rollback":
                    left.add(older.version)
        # What ran before this one: newer runs (of a version that the branch has left by a reset) do not count.
        start = next((i for i, run in enumerate(ran) if run.version == current), 0)
        for run in ran[start:]:
            if run.version != current and run.version not in left:
                return _run_version(run)
        raise NoPrevious(app=self.app.name)

    async def last_good(self) -> Version:
        async for version in self.good():
            return version
        unbaked = await self._unbaked()
        if unbaked is None:
            raise NoLastGood(app=self.app.name)
        number, short = f"n{unbaked.number}", unbaked.commit.oid[:7]
        raise NoLastGood(
            app=self.app.name,
            hint=f"{number} ({short}) became Healthy, and was not for its bake time: `--to {number}` goes back to it, "
            "and `--previous` to the version before this one",
        )

    async def _unbaked(self) -> Deployment | None:
        """Return the newest run of another version that became Healthy and did not bake: the next best.

        Where a newer run of the same version failed, that one counts; one that was seen to degrade is none.
        """
        current, _ = await self.repo.version(self.head, self.app.scope)
        passed_over: set[str | None] = {current}
        for run in await self._runs():
            if run.version in passed_over or run.outcome == "superseded":
                continue
            passed_over.add(run.version)
            went_well = run.outcome == "succeeded" and run.degraded_at is None
            if went_well and run.baked_at is None and not await self._is_held(run):
                return run
        return None

    async def good(self, *, with_running: bool = False) -> AsyncIterator[Version]:
        if self.store is None:
            return
        current, _ = await self.repo.version(self.head, self.app.scope)
        record = await self.store.application(self.app.name)
        running = record.running.version if record is not None and record.running is not None else None
        for run in known_good(await self._runs(), other_than=(current, None if with_running else running)):
            if not await self._is_held(run):
                yield _run_version(run)

    async def _is_held(self, run: Deployment) -> bool:
        entered = image_references({image.name: image.to for image in run.images if image.to is not None})
        for hold in self.holds:
            if not in_force(hold, self.now):
                continue
            if hold.version == run.version or entered.intersection(hold.images):
                return True
            for file in () if hold.images else hold.files:
                try:
                    entry = await self.repo.entry(run.commit.oid, file.path)
                except ObjectMissing:
                    continue
                if entry is not None and entry.oid == file.blob:
                    return True
        return False

    async def numbered(self, number: int) -> Version:
        if self.store is None:
            raise UnknownVersion(
                f"n{number} is not known: Git alone has no deployment numbers",
                hint=f"`previous` is the version before this one; see `lastgood timeline {self.app.name}`",
                app=self.app.name,
                version=f"n{number}",
            )
        run = await self.store.deployment(self.app.name, number)
        if run is None:
            raise UnknownVersion(app=self.app.name, version=f"n{number}")
        return _run_version(run)

    async def dated(self, at: dt.datetime, text: str) -> Version:
        for run in await self._runs():
            if run.started_at <= at and run.outcome == "succeeded":
                return _run_version(run)
        commit = await self.repo.at_date(self.head, at)
        if commit is None:
            raise UnknownVersion(app=self.app.name, version=text)
        return await self._commit(commit)

    async def named(self, text: str) -> Version:
        try:
            return await self._commit(await self.repo.resolve(text))
        except UnknownVersion:
            found = await self._by_version_id(text.lower())
        except AmbiguousVersion as several:
            raise AmbiguousVersion(
                f"{text} is ambiguous in {self.app.name}: {await self._candidates(several)}",
                app=self.app.name,
                version=text,
                candidates=several.facts.get("candidates", []),
            ) from several
        if found is None:
            raise await self._unknown(text)
        return found

    async def _unknown(self, text: str) -> UnknownVersion | AmbiguousVersion:
        """Say that nothing has that name; of a hash too short for Git, what of this application it may mean."""
        app = self.app.name
        if _is_date(text, self.now):
            return UnknownVersion(
                app=app, version=text, hint=f"a date is written with an @: `{shlex.quote(f'@{text}')}`"
            )
        if len(text) >= MIN_VERSION_PREFIX or set(text.lower()) - HEX:
            return UnknownVersion(app=app, version=text)
        entries = (await self.repo.history(self.head, self.app.scope)).entries
        found = [entry.commit for entry in entries if entry.commit.oid.startswith(text.lower())]
        if len(found) > 1:
            return AmbiguousVersion(
                f"{text} is ambiguous in {app}: {_named(found, self.now)}",
                app=app,
                version=text,
                candidates=[{"oid": commit.oid, "subject": commit.subject} for commit in found],
            )
        meant = f"did you mean {_named(found, self.now)}? " if found else ""
        return UnknownVersion(
            app=app, version=text, hint=f"{meant}a hash needs at least {MIN_VERSION_PREFIX} characters"
        )

    async def _candidates(self, several: AmbiguousVersion) -> str:
        told = [one["oid"] if isinstance(one, dict) else str(one) for one in several.facts.get("candidates", [])]
        return _named([await self.repo.commit(oid) for oid in told[:MAX_CANDIDATES]], self.now)

    async def _by_version_id(self, prefix: str) -> Version | None:
        if len(prefix) < MIN_VERSION_PREFIX or set(prefix) - HEX:
            return None
        found: dict[str, Version] = {}
        for run in await self._runs():
            if run.version.startswith(prefix):
                found.setdefault(run.version, _run_version(run))
        for entry in (await self.repo.history(self.head, self.app.scope)).entries:
            version = entry.version
            if version is None or version in found:
                continue
            if version.startswith(prefix) or (entry.path_tree or "").startswith(prefix):
                found[version] = await self._entry(entry)
        if len(found) > 1:
            raise AmbiguousVersion(
                f"{prefix} is ambiguous in {self.app.name}: {', '.join(sorted(found))}",
                app=self.app.name,
                version=prefix,
                candidates=sorted(found),
            )
        return next(iter(found.values()), None)

    async def _commit(self, commit: Commit) -> Version:
        version, path_tree = await self.repo.version(commit.oid, self.app.scope)
        return version_at(commit, version=version, path_tree=path_tree, ran=await self._ran(version))

    async def _entry(self, entry: HistoryEntry) -> Version:
        ran = await self._ran(entry.version)
        return version_at(entry.commit, version=entry.version, path_tree=entry.path_tree, ran=ran)

    async def _runs(self) -> Sequence[Deployment]:
        if self.store is None:
            return ()
        if self.runs is None:
            self.runs = await self.store.deployments(DeploymentQuery(app=self.app.name, limit=MAX_RECORDS))
        return self.runs

    async def _ran(self, version: str | None) -> bool | None:
        if self.store is None:
            return None
        return any(run.version == version and run.outcome != "superseded" for run in await self._runs())


def _run_version(run: Deployment) -> Version:
    return version_at(run.commit, version=run.version, path_tree=run.path_tree, ran=run.outcome != "superseded")


def _is_date(text: str, now: dt.datetime) -> bool:
    try:
        parse_date(text, now=now)
    except CommandLineWrong:
        return False
    return True


def _named(commits: Sequence[Commit], now: dt.datetime) -> str:
    """Name commits by as much of their hashes as tells them apart, with their age."""
    oids = {commit.oid for commit in commits}
    digits = next((n for n in range(7, 41) if len({oid[:n] for oid in oids}) == len(oids)), 40)
    return ", ".join(f"{one.oid[:digits]} ({relative(one.committed_at, now)})" for one in commits[:MAX_CANDIDATES])
