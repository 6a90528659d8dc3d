"""Choose a version by feature: the newest good one that is known to have it, or known to be without it.

Where a source repo does not tell, the deployment records do. Unknown is not "does not contain": such a version is
passed over, and where none is left the error says which were.
"""

import dataclasses
from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from lastgood.core.application import Application
from lastgood.core.asked_feature import MAX_TEXT
from lastgood.core.built import NOT_BUILT, BuiltAt, BuiltRecords, built_records, last_run
from lastgood.core.choose import MAX_RECORDS, current_version, good_versions
from lastgood.core.deployment import Deployment, reach
from lastgood.core.errors import NeedsServer, NoLastGood, NoVersionByFeature, UnknownFeature
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_versions import Deployed, most_versions, presences, unknown_feature
from lastgood.core.hold import Hold
from lastgood.core.ports import Sources, Store
from lastgood.core.recorded_versions import RecordedVersions, both_reasons
from lastgood.core.source_features import SourceAt, locate_version
from lastgood.core.version import Version
from lastgood.flows.branch import FollowedBranch, Look

# Most often one of the newest few is the one: the rest is rendered only where it is not.
FIRST_BATCH = 8
MAX_TOLD = 5


def refuse_without_sources(branch: FollowedBranch) -> tuple[Store, Sources]:
    """Return what a choice by feature reads. Raises NeedsServer where it is not there."""
    if branch.store is None or branch.sources is None:
        raise NeedsServer(
            "to choose by a feature takes records and source repos, and no running server is asked here",
            hint="nothing was changed; name the server with `--server URL`, or choose with `--to` or `--previous`",
            command="--without",
        )
    return branch.store, branch.sources


@dataclasses.dataclass(frozen=True)
class Chosen:
    """The version that was asked for. recorded: what the deployment records say of it, where they alone tell."""

    version: Version
    recorded: str = ""


async def version_by_feature(look: Look, app: Application, feature: str, *, contains: bool) -> Chosen:
    """Return the head's version where that is so already, else the first good version, newest first, that fits.

    Where the head's version failed or degraded, having a feature is no reason to stay with it; being without one is
    only if what runs is without it, too.
    Raises UnknownFeature with the nearest names, NoVersionByFeature, NoLastGood where no version is good, NeedsServer.
    """
    search = _Search(look, app, feature.strip()[:MAX_TEXT], contains=contains)
    try:
        return await search.find()
    except UnknownFeature:
        # Merged since the source repo was looked at, perhaps.
        await search.sources.refresh()
    return await search.find()


class _Search:
    def __init__(self, look: Look, app: Application, feature: str, *, contains: bool) -> None:
        self._look = look
        self._app = app
        self._feature = feature
        self._contains = contains
        self._known: dict[tuple[str, str | None], Sequence[SourceAt]] = {}
        self._built: BuiltRecords | None = None
        self._told: dict[str, Presence] | None = None
        self._store, self.sources = refuse_without_sources(look.branch)
        self._records = RecordedVersions(feature, self._store)

    async def find(self) -> Chosen:
        look, branch = self._look, self._look.branch
        runs = await look.runs(self._app.name)
        now = await current_version(app=self._app, repo=branch.repo, store=branch.store, head=look.head.oid, runs=runs)
        if (so := await self._is_so(now)) is not None:
            return so
        passed: list[tuple[Version, Presence]] = []
        looked_at: list[SourceAt] = []
        missing = False
        async for batch in self._batches():
            deployed = [Deployed(at=None, sources=tuple(await self._located(one, one.commit))) for one in batch]
            found, unknown = await presences(self._feature, deployed)
            missing = missing or bool(unknown)
            looked_at += [one for version in deployed for one in version.sources]
            for version, live in zip(batch, found, strict=True):
                presence = await self._with_records(version, live)
                if presence.contains is self._contains:
                    return _chosen(version, live, presence)
                passed.append((version, presence))
        if not passed:
            raise NoLastGood(app=self._app.name)
        if missing and all(one.contains is None for _, one in passed) and not await self._records.meant():
            raise await unknown_feature(self._feature, looked_at, app=self._app.name)
        raise self._none_fits(passed, await self._on_hold())

    async def _is_so(self, now: Version) -> Chosen | None:
        """Return the version that Git asks for if it is as somebody wants it, and they need not go back for that."""
        held = {hold.version for hold in await self._look.holds(self._app.name)}
        here = await self._fits(now, self._look.head.oid) if now.version not in {None, *held} else None
        if here is None or not _is_bad(now, await self._look.runs(self._app.name)):
            return here
        record = await self._store.application(self._app.name)
        running = record.running if record is not None else None
        if self._contains or running is None or running.commit is None:
            return None
        fits = running.version == now.version or await self._fits(running, running.commit) is not None
        return here if fits else None

    async def _fits(self, version: Version, commit: str) -> Chosen | None:
        located = tuple(await self._located(version, commit))
        (live,), _ = await presences(self._feature, [Deployed(at=None, sources=located)])
        presence = await self._with_records(version, live)
        return _chosen(version, live, presence) if presence.contains is self._contains else None

    async def _with_records(self, version: Version, live: Presence) -> Presence:
        """Ask the records where no source repo knows it of a version. live: what the source repos say."""
        if not live.may_be_on_record:
            return live
        if self._told is None:
            self._told = await self._by_records()
        has = self._told.get(version.version or "")
        if has is None:
            return replace(live, reason=f"{live.reason}{self._records.silent}")
        return has if has.contains is not None else both_reasons(has, live)

    async def _by_records(self) -> dict[str, Presence]:
        """Return what the records say of each version that came to the target, by its id."""
        runs = await self._look.runs(self._app.name)
        came = [run for run in runs if reach(run) != "none"]
        told = await self._records.told(
            [Deployed(at=None, sources=(), run=run) for run in came], whole=len(runs) < MAX_RECORDS
        )
        said: dict[str, list[Presence]] = {}
        for run, has in zip(came, told.presences if told is not None else (), strict=False):
            said.setdefault(run.version, []).append(has)
        return {version: _agreed(some) for version, some in said.items()}

    async def _on_hold(self) -> Version | None:
        """Return the newest version that would be chosen if it were not on hold."""
        held = {hold.version for hold in await self._look.holds(self._app.name)}
        async for version in await self._good(()):
            if version.version in held and version.commit and await self._fits(version, version.commit) is not None:
                return version
        return None

    async def _good(self, holds: Sequence[Hold]) -> AsyncIterator[Version]:
        look, branch = self._look, self._look.branch
        return good_versions(
            app=self._app,
            repo=branch.repo,
            store=self._store,
            head=look.head.oid,
            now=branch.clock.now(),
            holds=holds,
            runs=await look.runs(self._app.name),
            with_running=True,
        )

    async def _batches(self) -> AsyncIterator[list[Version]]:
        look, branch = self._look, self._look.branch
        good = await self._good(await look.holds(self._app.name))
        left = await most_versions(self._app, branch.repo, look.head.oid, renderer=branch.renderer)
        batch: list[Version] = []
        size = FIRST_BATCH
        async for version in good:
            batch.append(version)
            if len(batch) == min(size, left):
                yield batch
                left -= len(batch)
                batch, size = [], size * 2
                if not left:
                    return
        if batch:
            yield batch

    async def _located(self, version: Version, commit: str | None) -> Sequence[SourceAt]:
        commit, branch = commit or self._look.head.oid, self._look.branch
        key = commit, version.version
        if key not in self._known:
            found = await locate_version(
                self._app,
                branch.repo,
                commit,
                renderer=branch.renderer,
                sources=self.sources,
                declared=self._look.discovered.sources,
                built=await self._as_it_ran(version),
            )
            if any(one.named and one.revision is None for one in found):
                return found  # the next look at the source repo may tell more
            self._known[key] = found
        return self._known[key]

    async def _as_it_ran(self, version: Version) -> BuiltAt:
        """Return what the records know of a version as it ran last."""
        if self._built is None:
            self._built = await built_records(self._store, self._app.name)
        last = last_run(await self._look.runs(self._app.name), version.version)
        return self._built.at(last) if last is not None else NOT_BUILT

    def _none_fits(self, passed: Sequence[tuple[Version, Presence]], held: Version | None) -> NoVersionByFeature:
        told = [f"{version.short} {self._why(presence)}" for version, presence in passed[:MAX_TOLD]]
        if len(passed) > MAX_TOLD:
            told.append(f"and {len(passed) - MAX_TOLD} more")
        if held is not None:
            told.append(f"{held.short}, which is on hold, {'does' if self._contains else 'is without it'}")
        lets_go = f"`lastgood unhold {self._app.name} {held.short}` ends the hold" if held is not None else None
        wanted = "to contain" if self._contains else "not to contain"
        return NoVersionByFeature(
            f"no good version of {self._app.name} is known {wanted} {self._feature}: {'; '.join(told)}",
            hint=lets_go,
            app=self._app.name,
            feature=self._feature,
            contains=self._contains,
            passed_over=[{"commit": version.commit, "reason": self._why(presence)} for version, presence in passed],
        )

    def _why(self, presence: Presence) -> str:
        if presence.contains is None:
            return f"is unknown ({presence.reason})"
        return "contains it" if presence.contains else f"does not ({presence.reason})"


def _chosen(version: Version, live: Presence, presence: Presence) -> Chosen:
    return Chosen(version, presence.reason if presence is not live else "")


def _agreed(said: Sequence[Presence]) -> Presence:
    """Return what is said of one version each time it ran: that it has a feature and has it not is not known."""
    having, without = ([one for one in said if one.contains is has] for has in (True, False))
    if having and without:
        return Presence(contains=None, reason=f"{having[0].reason}, and {without[0].reason}")
    return (having or without or list(said))[0]


def _is_bad(version: Version, runs: Sequence[Deployment]) -> bool:
    """Say whether the newest run of a version that says anything of it says that it is bad. runs: newest first."""
    said = next((run for run in runs if run.version == version.version and _says_anything(run)), None)
    return said is not None and (said.degraded_at is not None or said.baked_at is None)


def _says_anything(run: Deployment) -> bool:
    failed = run.outcome in {"failed", "partial"} and run.own_fault
    return failed or run.degraded_at is not None or run.baked_at is not None
