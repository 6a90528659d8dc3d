"""Look at one config repo: log the head of its branch, and follow only the applications that it changed.

The work of a look depends on what changed, not on how many applications there are: one comparison of two trees tells
which paths differ, and only the applications made of them are read.
"""

import asyncio
from collections.abc import Awaitable, Callable

from lastgood.core.application import Application
from lastgood.core.commit import FileChange
from lastgood.core.discovery import UNTIL_MENDED, Discovered, Discovery, Problem
from lastgood.core.errors import GitFailed, ObjectMissing, RemoteUnreachable, RepoUnsupported, StoreFailed
from lastgood.core.limits import Limits
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store
from lastgood.core.record import ApplicationRecord, HeadKind, RepoRecord, RepoState
from lastgood.core.redact import redact
from lastgood.core.rewrite import head_kind
from lastgood.flows.follow import Follow, Head, MayRun
from lastgood.flows.known import Asked, Known
from lastgood.flows.last_good import refresh_last_good
from lastgood.flows.remember_holds import RememberHolds

# Replicas of a forge lag: an older head seen once may be only an older replica.
REREAD_S = 3.0
# Applications that are followed side by side.
AT_ONCE = 64


class ObserveHead:
    """Follows one repo and branch; one call for each look.

    settle: called with a head before it is followed, so that what it deploys is known to be somebody's rollback.
    trouble: whether the last look failed for reasons that may pass (the loop then waits longer).
    """

    def __init__(
        self,
        *,
        repo: ConfigRepo,
        url: str,
        branch: str,
        store: Store,
        known: Known,
        renderer: Renderer,
        clock: Clock,
        limits: Limits,
        may_run: MayRun,
        discovery: Discovery,
        settle: Callable[[str], Awaitable[None]],
    ) -> None:
        self._repo = repo
        self._url = url
        self._branch = branch
        self._store = store
        self._known = known
        self._clock = clock
        self._limits = limits
        self._discovery = discovery
        self._settle = settle
        self._holds = RememberHolds(repo=repo, store=store, clock=clock)
        self._follow = Follow(repo=repo, store=store, known=known, renderer=renderer, clock=clock, may_run=may_run)
        self._record: RepoRecord | None = None
        self._followed: Discovered | None = None
        self._compared = False
        self._losing: Discovered | None = None
        self.trouble = False

    @property
    def name(self) -> str:
        """The repo's name."""
        return self._repo.name

    @property
    def discovered(self) -> Discovered | None:
        """The applications at the newest head whose `lastgood.yaml` could be read."""
        return self._followed

    async def restore(self) -> None:
        """Take up what the last agent knew, without the network: so what runs is looked after while a remote is away.

        Raises StoreFailed.
        """
        repos = {record.name: record for record in await self._store.repos()}
        self._record = repos.get(self.name)
        if self._record is None or self._record.branch != self._branch:
            self._record = None
            return
        for seen in await self._store.observed_heads(self.name, self._branch, limit=20):
            try:
                discovered = await self._discovery.applications(self._repo, self._branch, seen.commit)
            except GitFailed:
                continue  # the mirror is new, or lost
            if discovered.config is not None:
                self._take(discovered, but=set())
                return

    async def __call__(self) -> None:
        """Look once. Raises StoreFailed; what is wrong with the repo is written to its record."""
        try:
            head = await self._repo.fetch(self._branch)
            if head is None:
                self.trouble = False
                await self._save("empty", f"{self._url} has no branch {self._branch}")
                return
            await self._observe(head)
            self.trouble = False
        except RepoUnsupported as wrong:
            self.trouble = True
            await self._save("unsupported", wrong.message)
        except RemoteUnreachable as wrong:
            self.trouble = True
            await self._save("unreachable", wrong.message)
        except GitFailed as wrong:
            self.trouble = True
            await self._save("broken", wrong.message)

    async def _observe(self, fetched: str) -> None:
        previous = self._record.head if self._record is not None else None
        if fetched == previous and self._compared:
            await self._touch()
            return
        kind, operation = await self._kind(previous, fetched)
        if kind in {"rewound", "diverged"}:
            await self._clock.sleep(REREAD_S)
            if await self._repo.fetch(self._branch) != fetched:
                return  # it was an older replica, or the branch moves still: the next look tells
        logged = await self._store.observed_heads(self.name, self._branch, limit=1)
        if not logged or logged[0].commit != fetched:
            now = self._clock.now()
            await self._store.observe_head(
                repo=self.name, branch=self._branch, commit=fetched, previous=previous, kind=kind, at=now
            )
            payload = {"repo": self.name, "branch": self._branch, "commit": fetched, "kind": kind}
            await self._store.add_event(kind="head", app=None, payload=payload, at=now)
        await self._settle(fetched)
        await self._compare(Head(commit=fetched, kind=kind, previous=previous), operation)

    async def _kind(self, previous: str | None, head: str) -> tuple[HeadKind, str | None]:
        kind = await head_kind(self._repo, previous=previous, head=head)
        if kind in {"rewound", "diverged"}:
            for operation in await self._store.operations(limit=20):
                reset = operation.plan is not None and operation.plan.get("mode") == "reset"
                if reset and operation.commit == head and operation.repo in {None, self.name}:
                    return "reset", operation.id
        return kind, None

    async def _compare(self, head: Head, operation: str | None) -> None:
        """Follow every application that the way from the previous head to this one concerns, and write the repo."""
        # Should anything fail on the way, the next look compares everything anew.
        whole, self._compared = not self._compared, False
        touched = await self._holds(previous=head.previous, head=head.commit, kind=head.kind)
        discovered = await self._discovery.applications(self._repo, self._branch, head.commit)
        before = self._followed
        concerned = touched | (await self._concerned(head, before, discovered, whole=whole))
        if discovered.config is not None:
            # What this head concerns takes its new entry below, together with what was decided about it.
            self._take(discovered, but=concerned)
        here = self._followed.applications if self._followed is not None else {}

        async def follow(name: str) -> None:
            before = self._known.record(name)
            await self._follow_one(here[name], head, discovered, operation)
            if self._asks_anew(name, before):
                self._known.decided(name)
            else:
                self._known.came(name)
            if name in touched:
                await refresh_last_good(name, store=self._store, known=self._known, clock=self._clock)

        names, failed = sorted(concerned & here.keys()), []
        self._known.coming(names)
        try:
            for at in range(0, len(names), AT_ONCE):
                # Side by side, so that their records go into few transactions.
                some = await asyncio.gather(*map(follow, names[at : at + AT_ONCE]), return_exceptions=True)
                # Trouble with one application must not delay the others, but without records nothing can go on.
                failed += [wrong for wrong in some if wrong is not None]
                stored = next((wrong for wrong in failed if isinstance(wrong, StoreFailed)), None)
                if stored is not None:
                    raise stored
        finally:
            self._known.undecided_stay(names)
        if failed:
            raise failed[0]
        message = ""
        if discovered.config is not None:
            message = await self._lost(discovered)
        taken = [name for name in here if self._is_elsewhere(name)]
        if taken:
            message = f"{', '.join(taken[:5])}: another repo has an application of that name, and names are unique here"
        wrong = _wrong_file(discovered)
        message = wrong or message
        # What a press or a forget settles must not stand in the record until the next commit.
        self._losing = discovered if message and not taken and not wrong else None
        await self._save("broken" if message else "ok", message, head=head.commit)
        self._compared = True

    def _take(self, discovered: Discovered, *, but: set[str]) -> None:
        self._followed = discovered
        for name, app in discovered.applications.items():
            record = self._known.record(name)
            if name not in but and record is not None and record.repo == self.name:
                self._known.applications[name] = app

    async def _follow_one(self, app: Application, head: Head, discovered: Discovered, operation: str | None) -> None:
        record = self._known.record(app.name)
        if self._is_elsewhere(app.name):
            return
        problem = discovered.problem(app.name)
        wrong = self._holds.wrong.get(app.name) or (_said(problem) if problem is not None else None)
        before = record.desired if record is not None else None
        if operation is not None:
            version, _ = await self._repo.version(head.commit, app.scope)
            if version is not None:
                self._known.asked[app.name] = Asked(trigger="rollback", operation=operation, version=version)
        await self._follow(app, head, wrong=wrong)
        after = self._known.record(app.name)
        if operation is not None and after is not None and after.desired == before:
            self._known.asked.pop(app.name, None)

    def _asks_anew(self, app: str, before: ApplicationRecord | None) -> bool:
        """Say whether something else should run now than before."""
        now = self._known.record(app)
        if now is None or now.state != "followed" or now.desired is None:
            return False
        if before is None or before.desired is None or before.definition != now.definition:
            return True
        return before.desired.version != now.desired.version

    def _is_elsewhere(self, app: str) -> bool:
        """Say whether another repo had that name first: it keeps it until the application is gone there."""
        record = self._known.record(app)
        return record is not None and record.repo != self.name and record.state != "removed"

    async def _concerned(self, head: Head, before: Discovered | None, now: Discovered, *, whole: bool) -> set[str]:
        """Return the applications whose files or whose entry differ; all of them where `whole` says so."""
        here = now if now.config is not None or before is None else before
        if whole or head.previous is None or before is None:
            return set(here.applications)
        try:
            changed: list[FileChange] = await self._repo.changes(
                (await self._repo.commit(head.previous)).tree, (await self._repo.commit(head.commit)).tree, lines=False
            )
        except ObjectMissing:
            return set(here.applications)
        found = {name for change in changed for name in here.sharing.using(change.path)}
        if here is not before:
            known = before.applications
            found |= {name for name, app in here.applications.items() if known.get(name) is not app}
            found |= {problem.app for problem in (*now.problems, *before.problems) if problem.app is not None}
        return found

    async def _lost(self, discovered: Discovered) -> str:
        """Write which applications are gone from Git; return what to say of the repo."""
        ours = [r for r in self._known.of_repo(self.name) if r.state != "removed" and r.branch == self._branch]
        gone = [r for r in ours if r.name not in discovered.applications]
        claimed = {problem.app: _said(problem) for problem in discovered.problems}
        lost = [r for r in gone if r.name not in claimed]
        asked = [r for r in lost if r.state == "stopped" and r.current is None]
        fresh = [r for r in lost if r not in asked]
        too_many = self._limits.loses_too_many(len(fresh), of=len(ours))
        for record in gone:
            if record.name in claimed:
                await self._known.update(record.name, state="broken", message=claimed[record.name])
        for record in fresh:
            message = record.gone
            if too_many:
                message = (
                    f"{len(fresh)} of {len(ours)} applications are gone from {self.name} at once; they keep running; "
                    f"mend lastgood.yaml if that was not meant; `lastgood retry {record.name}` accepts it"
                )
            state = "stopped" if too_many else "removed"
            await self._known.update(record.name, state=state, message=message, current=None, refused=None)
        waiting = len(asked) + (len(fresh) if too_many else 0)
        if waiting:
            many = f"{waiting} applications are gone at once; they keep running"
            one = "1 application, lost with others, is gone; it keeps running"
            return (
                f"{many if waiting > 1 else one}; mend lastgood.yaml if that was not meant; "
                "`lastgood retry APP` accepts it for one of them"
            )
        return ""

    async def _touch(self) -> None:
        if self._record is not None:
            if self._record.state in {"unreachable", "empty"}:
                await self._save("ok", "", head=self._record.head)
                return
            state, message = self._record.state, self._record.message
            if self._losing is not None:
                message = await self._lost(self._losing)
                state = "broken" if message else "ok"
            await self._save(state, message, head=self._record.head)

    async def _save(self, state: RepoState, message: str, *, head: str | None = None) -> None:
        before = self._record
        now = self._clock.now()
        self._record = RepoRecord(
            name=self.name,
            url=redact(self._url),
            branch=self._branch,
            state=state,
            message=message,
            head=head or (before.head if before is not None else None),
            observed_at=now,
        )
        await self._store.save_repo(self._record)
        if before is None or (before.state, before.message, before.head) != (state, message, self._record.head):
            payload = {"repo": self.name, "state": state, "message": message[:500]}
            await self._store.add_event(kind="repo", app=None, payload=payload, at=now)


def _said(problem: Problem) -> str:
    """Say what is wrong with one application and what to do; its page names the repo already."""
    return "; ".join(part for part in (problem.reason, problem.hint) if part)


def _wrong_file(discovered: Discovered) -> str:
    """Say what is wrong with whole entries or the file, and what becomes of the applications; "" where nothing is."""
    wrong = [problem for problem in discovered.problems if problem.app is None][:5]
    if discovered.config is not None:
        return "; ".join(problem.said for problem in wrong)
    parts = [*(problem.found for problem in wrong), UNTIL_MENDED, *(problem.hint for problem in wrong)]
    return "; ".join(part for part in parts if part)
