"""Keep with each deployment record the settings that it changed: beside what is deployed, never in its way.

Looks at new records, renders what ran before and what ran then (mostly the deployment itself did, and the renderer
remembers), and writes the difference. Each record is told as its application was declared when it began.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping

from lastgood.core.application import Application
from lastgood.core.deployment import Deployment, was_applied
from lastgood.core.discovery import Discovered, Discovery
from lastgood.core.errors import ConfigWrong, LastgoodError, RenderFailed
from lastgood.core.kept_settings import NO_BEFORE, kept_settings
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store
from lastgood.core.record import ApplicationRecord, DeploymentQuery, Told
from lastgood.core.setting import Settings
from lastgood.core.setting_changes import setting_changes
from lastgood.flows.beside import AT_ONCE, UnderWay, each, look_for_ever, where_to_begin

# Of the records that were written before settings were kept, so many of the newest are looked at: each is two renders.
OLDER = 100
# It is mostly the one just before.
_FIRST_RECORDS, _RECORDS = 2, 50
# What is not known yet may come: a program that is not installed, an object that is fetched later. Asked for again
# after this time, then after as long as the record is old, for a day.
AGAIN = dt.timedelta(minutes=5)
AT_MOST = dt.timedelta(days=1)
# Just after a start nobody has looked at the repo yet: that is no answer, and lasts for seconds.
SOON = dt.timedelta(seconds=30)


class KeepSettings:
    """repos: the config repos by name. discovered: what is at the head of one, None until the agent has looked."""

    def __init__(
        self,
        *,
        store: Store,
        renderer: Renderer,
        repos: Mapping[str, ConfigRepo],
        discovered: Callable[[str], Discovered | None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._repos = repos
        self._discovered = discovered
        self._clock = clock
        self._after: int | None = None

    async def run(self, under_way: UnderWay) -> None:
        """Look for ever. What goes wrong is logged, and tried again. under_way: see `look_for_ever`."""
        await look_for_ever(self.look, under_way=under_way, clock=self._clock, failed="settings cannot be kept")

    async def look(self) -> int:
        """Look at the records whose turn it is; return how many they were, at most AT_ONCE."""
        if self._after is None:
            self._after = await where_to_begin(self._store, older=OLDER)
        runs = await self._store.wanting_settings(after_id=self._after, at=self._clock.now(), limit=AT_ONCE)
        records = {one.name: one for one in await self._store.applications({run.app for run in runs})} if runs else {}
        await each(runs, lambda run: self._keep(run, records.get(run.app)))
        if runs:
            # All before it are done; with several agents a smaller number may still come in late.
            self._after = max(self._after, runs[-1].id - OLDER)
        return len(runs)

    async def _keep(self, run: Deployment, record: ApplicationRecord | None) -> None:
        before = await self._ran_before(run, record)
        now = self._clock.now()
        age = now - run.started_at
        again_at = None
        try:
            settings = await self._changed(run, before, record)
        except (RenderFailed, ConfigWrong) as wrong:
            settings = Settings(unknown=wrong.message)
        except _NotLooked:
            settings, again_at = Settings(unknown="its repo has not been looked at yet"), now + SOON
        except LastgoodError as wrong:
            settings, again_at = Settings(unknown=wrong.message), now + max(AGAIN, age) if age < AT_MOST else None
        version = before.version if before is not None else None
        kept = kept_settings(run.id, settings, at=now, before=version, again_at=again_at)
        payload = {"number": run.number, "changes": len(settings.changes) + settings.more}
        told = Told(kind="settings", app=run.app, payload=payload, at=now) if settings.changes else None
        await self._store.save_settings(kept, told=told)

    async def _changed(self, run: Deployment, before: Deployment | None, record: ApplicationRecord | None) -> Settings:
        """Compare with what ran before. Raises LastgoodError where one of both cannot be rendered, _NotLooked."""
        if before is None:
            return Settings(unknown=NO_BEFORE)
        if (before.version, before.definition) == (run.version, run.definition):
            return Settings()
        repo = self._repos.get(record.repo) if record is not None else None
        if record is None or repo is None:
            return Settings(unknown="its repo is not followed any more")
        now = self._discovered(record.repo)
        if now is None:
            raise _NotLooked
        old, new = [await _declared(one, record, repo, now) for one in (before, run)]
        renders = [
            await self._renderer.render(old, repo, before.commit.oid),
            await self._renderer.render(new, repo, run.commit.oid),
        ]
        # In a thread: megabytes take a while to compare, and a deployment may be waiting for its turn.
        return await asyncio.to_thread(setting_changes, *renders)

    async def _ran_before(self, run: Deployment, record: ApplicationRecord | None) -> Deployment | None:
        """Return the deployment whose version ran when this one began."""
        before_id, most = run.id, _FIRST_RECORDS
        while True:
            earlier = await self._store.deployments(DeploymentQuery(app=run.app, before_id=before_id, limit=most))
            for one in earlier:
                if record is not None and one.number <= record.earlier < run.number:
                    return None  # it was forgotten in between
                if was_applied(one) and (not one.phases or any(phase.name == "apply" for phase in one.phases)):
                    return one
            if len(earlier) < most:
                return None
            before_id, most = earlier[-1].id, _RECORDS


class _NotLooked(Exception):
    """The agent has not looked at the repo since it started."""


async def _declared(run: Deployment, record: ApplicationRecord, repo: ConfigRepo, now: Discovered) -> Application:
    """Return the application as it was declared when a deployment began. Raises ConfigWrong where nobody knows."""
    declared = now.applications.get(run.app)
    if declared is None or declared.definition != run.definition:
        then = await Discovery().applications(repo, record.branch, run.commit.oid)
        declared = then.applications.get(run.app)
    if declared is None or declared.definition != run.definition:
        reason = f"how {run.app} was declared at {run.commit.short} is not known"
        raise ConfigWrong(reason, file="lastgood.yaml", line=None, reason=reason)
    return declared
