"""Find the facts for each check of a plan and let the rules of `core/preflight.py` judge them.

A check whose facts cannot be had is `unknown` with the reason, never passed.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from lastgood.core import preflight
from lastgood.core.application import Application
from lastgood.core.checks import unknown
from lastgood.core.commit import Commit, Person
from lastgood.core.config import CONFIG_FILE
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.deployment import Deployment, has_run
from lastgood.core.entry import makes
from lastgood.core.errors import LastgoodError
from lastgood.core.inputs import OwnInputs, uses
from lastgood.core.plan import AlsoAffected, Check
from lastgood.core.rerun import jobs_as_in, rerun
from lastgood.core.resource import Rendered
from lastgood.core.version import Version
from lastgood.core.words import Occasion
from lastgood.flows.branch import Look
from lastgood.flows.draft import Draft
from lastgood.flows.push import DISCARDED
from lastgood.flows.recover import under_way
from lastgood.flows.weigh import Weighed, render

MAX_LEAVING = 1000
_RECENT = 20


async def preflight_application(look: Look, draft: Draft, weighed: Weighed) -> list[Check]:
    """Return the checks of one application."""
    facts = _Facts(look, draft, weighed)
    app, named, part = weighed.app.name, facts.named, weighed.part
    checks = [
        await _ask("not-on-branch", app, facts.not_on_branch),
        preflight.nothing_to_do(app, files=len(weighed.files) + weighed.touches_holds, named=named),
        preflight.renders(app, weighed.after),
        *_stable(weighed),
        await _ask("shared-input", app, facts.shared_input),
        await _ask("definition-changed", app, facts.definition_changed),
        *await facts.ran(),
        facts.held(),
        preflight.deletes_application(app, before=part.from_.version, after=weighed.version),
        *await facts.hooks_rerun(),
        await _ask("other-writer", app, facts.other_writer),
        await _ask("busy", app, facts.busy),
    ]
    if app in draft.expect_versions:
        checks.append(preflight.stale_plan(app, part.from_, expected=draft.expect_versions[app]))
    elif draft.kind == "rollback":
        checks.append(preflight.stale_plan(app, part.from_, expected=part.from_.version))
    return checks


def _stable(weighed: Weighed) -> list[Check]:
    """Return the check of what a program renders; none for kinds that come out the same by their nature."""
    if weighed.again is None or not isinstance(weighed.after, Rendered):
        return []
    return [preflight.render_unstable(weighed.app.name, weighed.after, weighed.again)]


async def preflight_reset(look: Look, to: str, *, me: Person, also: tuple[AlsoAffected, ...]) -> list[Check]:
    """Return the checks of a reset as a whole."""

    async def others() -> Check:
        leaving: list[Commit] = await look.branch.repo.commits_between(to, look.head.oid, limit=MAX_LEAVING)
        return preflight.others_commits(leaving, me=me, also=also, truncated=len(leaving) == MAX_LEAVING)

    config = look.discovered.config
    policy = (
        preflight.reset_policy(refused=config.reset_refused)
        if config is not None
        else unknown("reset-policy", None, "lastgood.yaml cannot be read")
    )
    return [await _ask("others-commits", None, others), policy]


async def _ask(name: str, app: str | None, find: Callable[[], Awaitable[Check]]) -> Check:
    try:
        return await find()
    except LastgoodError as failed:
        return unknown(name, app, failed.message)


class _Facts:
    """What the checks of one application want to know."""

    def __init__(self, look: Look, draft: Draft, weighed: Weighed) -> None:
        self.look = look
        self.draft = draft
        self.weighed = weighed
        self.part = weighed.part
        self.app: Application = weighed.part.app
        self.named = named(weighed.part.to)

    async def runs(self) -> list[Deployment] | None:
        """Return the recorded runs of the version, newest first; None without records."""
        if self.look.branch.store is None:
            return None
        return [
            run
            for run in await self.look.runs(self.app.name)
            if run.version in {self.weighed.version, self.part.to.version}
        ]

    async def not_on_branch(self) -> Check:
        repo, head = self.look.branch.repo, self.look.head.oid
        undone = [commit.oid for commit in self.part.commits]
        wanted = undone or ([self.part.to.commit] if self.part.to.commit else [])
        runs = await self.runs() if not undone else None
        recorded = bool(runs) and any(run.commit.oid == self.part.to.commit for run in runs or [])
        on_branch: bool | None = True
        for commit in wanted:
            found = await repo.is_ancestor(commit, head)
            on_branch = found if found is not True and on_branch is not False else on_branch
        is_discarded = False
        if wanted and not undone and on_branch is not True:
            is_discarded = self.part.to.commit in (await repo.kept(DISCARDED)).values()
        name = ", ".join(commit[:7] for commit in undone) or self.named
        return preflight.not_on_branch(
            self.app.name,
            name,
            on_branch=on_branch,
            recorded=recorded and on_branch is not True,
            discarded=is_discarded,
        )

    async def shared_input(self) -> Check:
        repo, to = self.look.branch.repo, self.part.to.commit
        own = await self.look.own_inputs(self.app, to, self.weighed.candidate)
        if self.part.with_shared:
            return preflight.shared_taken_back(self.app.name, await self._shared(own, self.weighed.candidate))
        shared = preflight.SharedInputs()
        if to is not None and own.others and self.draft.mode == "restore":
            shared = await self._shared(own, to)
        runs = await self.runs()
        digest = next((run.digest for run in runs or [] if run.digest and run.version == self.part.to.version), None)
        if digest is None and to is not None and shared.differing:
            then = await render(self.look, self.app, to, version=self.part.to.version)
            digest = then.digest if isinstance(then, Rendered) else None
        if digest is not None:
            declared = await inputs_at(self.app, repo, self.weighed.candidate)
            shared = msgspec.structs.replace(shared, elsewhere=declared.notes)
        return preflight.shared_input(self.app.name, self.weighed.after, shared, ran_digest=digest)

    async def _shared(self, own: OwnInputs, to: str) -> preflight.SharedInputs:
        """Return the shared inputs that are not at the head what they are at a commit."""
        repo, there = self.look.branch.repo, await self.look.branch.repo.commit(to)
        changes = await repo.changes(self.look.head.tree, there.tree, lines=False)
        differing = tuple(change.path for change in changes if own.shares(change.path))
        if not differing:
            return preflight.SharedInputs()
        newest = None
        for entry in (await repo.history(self.look.head.oid, self.app.scope, limit=1)).entries:
            before = (await repo.commit(entry.commit.parents[0])).tree if entry.commit.parents else None
            did = [c.path for c in await repo.changes(before, entry.commit.tree, lines=False)]
            inputs = [path for path in did if uses(own.scope, path)]
            alone = all(own.shares(path) for path in inputs)
            newest = entry.commit if alone and not set(inputs).isdisjoint(differing) else None
        return preflight.SharedInputs(
            differing=differing,
            sharing=tuple(sorted({name for path in differing for name in own.sharing(path)})),
            newest=newest,
        )

    async def definition_changed(self) -> Check:
        then: dict[str, Any] | None = None
        config = self.look.discovered.config
        if config is not None and not any(makes(entry, self.app) for entry in config.entries):
            return preflight.without_definition(self.app.name)
        runs = await self.runs()
        if runs and runs[0].definition:
            then = runs[0].definition
        elif self.part.to.commit is not None and await self._same_config(self.part.to.commit):
            # A definition is made of an entry and a path alone: there is no need to find all applications again.
            then = self.app.definition
        elif self.part.to.commit is not None:
            look = self.look.branch
            past = await look.past.applications(look.repo, look.name, self.part.to.commit)
            found = past.applications.get(self.app.name)
            then = found.definition if found is not None else None
        return preflight.definition_changed(self.app.name, now=self.app.definition, then=then)

    async def _same_config(self, commit: str) -> bool:
        """Say whether an application that was there had the very entry at a commit that it has at the head."""
        entry = await self.look.branch.repo.entry(commit, CONFIG_FILE)
        now = await self.look.branch.repo.entry(self.look.head.oid, CONFIG_FILE)
        here = self.look.discovered.applications.get(self.app.name) == self.app
        return here and self.part.to.version is not None and entry is not None and entry == now

    async def ran(self) -> list[Check]:
        names = ("never-ran", "failed-before", "not-baked")
        try:
            return preflight.ran(self.app.name, self.named, await self.runs())
        except LastgoodError as failed:
            return [unknown(name, self.app.name, failed.message) for name in names]

    async def hooks_rerun(self) -> list[Check]:
        """Return what would run on the way there; nothing for processes, which know no hooks."""
        before, after = self.weighed.before, self.weighed.after
        if not isinstance(after, Rendered):
            return [unknown("hooks-rerun", self.app.name, after.message)] if after is not None else []
        if all(not one.group and one.kind == "Process" for one in after.resources):
            return []
        try:
            runs = await self.runs()
        except LastgoodError as failed:
            return [unknown("hooks-rerun", self.app.name, failed.message)]
        # With Git alone nobody knows whether it ran: then it is taken for one that did, as nearly every way back is.
        occasion: Occasion = "return" if runs is None or has_run(runs) else "upgrade"
        rollouts = self.look.branch.rollouts
        live = await rollouts(self.app) if rollouts is not None else None
        as_before = jobs_as_in({self.weighed.version, self.part.to.version}, await self.look.runs(self.app.name))
        there = before if isinstance(before, Rendered) else None
        found = rerun(there, after, occasion, live=live, as_before=as_before)
        return [preflight.hooks_rerun(self.app.name, found)]

    def held(self) -> Check:
        holds = self.weighed.holds
        if holds.wrong is not None:
            return unknown("held", self.app.name, holds.wrong.message)
        return preflight.held(self.app.name, self.named, holds.refuses, released=bool(holds.released))

    async def other_writer(self) -> Check:
        history = await self.look.branch.repo.history(self.look.head.oid, self.app.scope, limit=_RECENT)
        writers = [entry.commit.author for entry in history.entries]
        return preflight.other_writer(self.app.name, writers, holds=self.weighed.holds.placed is not None)

    async def busy(self) -> Check:
        found = await under_way(self.look.branch, self.app.name, own=self.draft.operation, asked=self.draft.asked)
        return preflight.busy(self.app.name, found, now=self.look.branch.clock.now())


def named(version: Version) -> str:
    """Return how a plan calls a version in its sentences."""
    if version.short is not None:
        return version.short
    return version.version[:7] if version.version is not None else "nothing"
