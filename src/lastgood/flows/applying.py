"""Apply a version to its target, unless another one takes its place meanwhile. Records nothing but that.

Whoever deploys and whoever waits until it is healthy apply the same way, and end for the same reasons.
"""

import asyncio
from typing import Any

import msgspec

from lastgood.core.application import Application
from lastgood.core.deployment import Deployment
from lastgood.core.desired import pause_over
from lastgood.core.errors import TargetFailed, TargetRefused
from lastgood.core.observation import ApplyResult, Fault, with_earlier
from lastgood.core.ports import Store, Target
from lastgood.core.resource import Rendered
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Occasion
from lastgood.flows.attempt import Attempt
from lastgood.flows.known import Known


class Applying(Value, frozen=True, kw_only=True):
    """What is applied, and where. goes_while_paused: a person asked for it."""

    app: Application
    target: Target
    rendered: Rendered
    occasion: Occasion
    goes_while_paused: bool


class Applies:
    """Applies, looks at what came of it, and knows what takes its place."""

    def __init__(self, *, store: Store, known: Known) -> None:
        self._store = store
        self._known = known

    async def once(self, applying: Applying, attempt: Attempt) -> ApplyResult | None:
        """Return what applying came to, with all that earlier tries of this record did.

        None where a newer version took its place and applying was ended for it: one that waits for something sick must
        not keep the version waiting that mends it. The record says so then. Raises StoreFailed.
        """
        trying = asyncio.create_task(self._try(applying, attempt))
        newer = None
        try:
            while not trying.done() and newer is None:
                changed = self._known.change(applying.app.name)
                newer = self.overtaken_by(applying.app, attempt.deployment)
                if newer is None:
                    awaited: set[asyncio.Future[Any]] = {trying, changed}
                    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            trying.cancel()
            await asyncio.wait({trying})
        if not trying.cancelled() or newer is None:
            return await trying
        await self.overtaken(attempt, newer, " while it was applied")
        return None

    async def look(self, applying: Applying) -> None:
        """Look at what came of it. Raises StoreFailed; what was seen is known all the same."""
        app = applying.app.name
        applies = self._known.applies(app)
        await self._known.observe(await applying.target.observe(app), applies=applies)

    def overtaken_by(self, app: Application, deployment: Deployment) -> Version | None:
        """Return the version that should run instead of a deployment's, None while that one should."""
        record = self._known.record(app.name)
        if record is None or record.desired is None or record.desired.version is None:
            return None
        now = self._known.applications.get(app.name, app)
        same = record.desired.version == deployment.version and now.definition == deployment.definition
        return None if same else record.desired

    @staticmethod
    async def overtaken(attempt: Attempt, newer: Version, when: str = "") -> Deployment:
        """Record that a newer version took its place. when: what it was doing, in words after a blank."""
        said = f"overtaken by {newer.short or newer.version}{when}"
        return await attempt.finish("superseded", said, superseded_by=newer.version)

    async def may_go_on(self, applying: Applying) -> bool:
        """Say whether nobody has paused it since."""
        record = self._known.record(applying.app.name)
        if applying.goes_while_paused or record is None:
            return True
        return pause_over(record, await self._store.pauses()) is None

    async def _try(self, applying: Applying, attempt: Attempt) -> ApplyResult:
        before, target = attempt.deployment.resources, applying.target
        # The target knows of it before anybody else has a turn.
        self._known.came(applying.app.name)
        try:
            result = await target.apply(
                applying.app,
                applying.rendered,
                occasion=applying.occasion,
                attempt=attempt.deployment.number,
                before_deleting=self._known.all_came,
            )
        except TargetFailed as failed:
            fault: Fault = "version" if isinstance(failed, TargetRefused) else "target"
            return ApplyResult(complete=False, resources=before, message=failed.message, fault=fault)
        return msgspec.structs.replace(result, resources=with_earlier(result.resources, before))
