"""One application's lane: its deployments one after the other, its bake time, its drift. Asks the rules what is next.

A lane waits for changes of its application and does one thing at a time; lanes know nothing of each other, so that
trouble in one delays none. A lane never ends by an error: it waits, longer each time, and asks the rules again.
"""

import contextlib
import datetime as dt
import random
from collections.abc import Callable

import structlog

from lastgood.core.application import Application
from lastgood.core.back_off import back_off
from lastgood.core.deployment import Deployment
from lastgood.core.desired import Step, next_step, pause_over
from lastgood.core.errors import LastgoodError, NoRenderer, StoreFailed
from lastgood.core.limits import Limits
from lastgood.core.ports import Clock, Store, Target
from lastgood.core.record import ApplicationRecord
from lastgood.flows.bake import Bake
from lastgood.flows.deploy import Deploy
from lastgood.flows.known import Known, wait_for

# Drift that comes back within this time is the same trouble: the pause between two heals grows.
CALM_S = 600.0
MAX_WARNINGS = 1_000

Subject = tuple[str | None, object]
"""The version and definition that an attempt is about."""


class Lane:
    """Looks after one application until it is cancelled.

    deploy: of the application's repo. target: the target of a destination, None where the settings have none.
    """

    def __init__(
        self,
        name: str,
        *,
        deploy: Deploy,
        target: Callable[[str], Target | None],
        store: Store,
        known: Known,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self.name = name
        self._deploy = deploy
        self._bake = Bake(store=store, known=known, clock=clock)
        self._target = target
        self._store = store
        self._known = known
        self._clock = clock
        self._limits = limits
        self._failures = 0
        self._heals = 0
        self._healed_at: dt.datetime | None = None
        self._wait_until: dt.datetime | None = None
        self._trouble_with: Subject | None = None
        self._not_rendered: Subject | None = None
        self._log = structlog.get_logger().bind(app=name)

    async def run(self) -> None:
        """Do what is next, then wait for a change, for ever."""
        while True:
            happened = self._known.change(self.name)
            try:
                wait_s = await self._turn()
            except LastgoodError as trouble:
                wait_s = await self._in_trouble(trouble.message, store_failed=isinstance(trouble, StoreFailed))
            except Exception:  # noqa: BLE001 - a mistake of ours here must not stop the others
                self._log.exception("application cannot be looked after")
                wait_s = await self._in_trouble("lastgood made a mistake; its log says which", store_failed=False)
            if wait_s is None or wait_s > 0:
                if not happened.done():
                    self._known.rests(self.name)
                await wait_for(happened, self._clock, wait_s)

    async def _turn(self) -> float | None:
        """Do one thing; return how long to wait for the next, None: until something changes, 0: ask again at once."""
        record, app = self._known.record(self.name), self._known.applications.get(self.name)
        if record is None or app is None:
            return None
        last = await self._known.last(self.name)
        seen = self._known.observation(self.name)
        policy = self._limits.lower(app.policy)
        pressed = self._known.asked_for(self.name) is not None
        step = next_step(
            record,
            definition=app.definition,
            last=last,
            observation=seen,
            self_heal=policy.self_heal,
            pressed=pressed,
        )
        if step.kind == "rest":
            return await self._bake(last, seen, bake_s=policy.bake_s)
        desired = record.desired.version if record.desired is not None else None
        subject: Subject = (desired, app.definition)
        if subject == self._not_rendered:
            return None
        wait_s = self._wait_s(step, subject, pressed=pressed)
        return wait_s if wait_s > 0 else await self._go(app, record, step, subject)

    def _wait_s(self, step: Step, subject: Subject, *, pressed: bool) -> float:
        """Return how long a step must wait: what failed, or drifts again and again, is not tried at once."""
        now = self._clock.now()
        if subject != self._trouble_with and step.kind != "heal":
            # Something new does not wait for what failed before.
            self._wait_until, self._failures = None, 0
        if pressed:
            # Somebody mended what was in the way, and presses.
            self._wait_until = None
        if step.kind == "heal" and not pressed and self._wait_until is None and self._healed_at is not None:
            if (now - self._healed_at).total_seconds() > CALM_S:
                self._heals = 0
            if self._heals:
                self._wait_until = self._healed_at + dt.timedelta(seconds=back_off(self._heals, jitter=_chance()))
        return 0 if self._wait_until is None else (self._wait_until - now).total_seconds()

    async def _go(self, app: Application, record: ApplicationRecord, step: Step, subject: Subject) -> float | None:
        self._trouble_with = subject
        target = self._target(app.destination)
        if target is None:
            return None
        why = await self._deploy.why(app, step)
        persons = why.recorded and why.trigger in {"rollback", "undo"}
        if step.kind != "resume" and not persons and pause_over(record, await self._store.pauses()) is not None:
            return None
        if self._known.is_deciding(self.name):
            return None
        if not self._is_still(app, record):
            return 0
        self._wait_until = None
        commit = record.desired and record.desired.commit
        self._log.info("deployment begins", trigger=why.trigger, commit=commit, operation=why.operation)
        try:
            done = await self._deploy(app, target=target, step=step, why=why, limits=self._limits)
        except NoRenderer as unknown:
            self._not_rendered = subject
            await self._known.update(self.name, message=unknown.message)
            return None
        self._log.info("deployment ended", number=done.number, outcome=done.outcome, message=done.message)
        await self._ended(step, done)
        return 0

    def _is_still(self, app: Application, record: ApplicationRecord) -> bool:
        """Say whether what was judged is still what should run: a look may have replaced it while we asked."""
        now = self._known.record(self.name)
        return (
            now is not None
            and (now.desired, now.state) == (record.desired, record.state)
            and self._known.applications.get(self.name) is app
        )

    async def _ended(self, step: Step, done: Deployment) -> None:
        if step.kind == "heal":
            self._heals += 1
            self._healed_at = self._clock.now()
        if done.outcome in {"failed", "partial"}:
            # Also where the version is to blame: what was in its way may come and go.
            self._later(done.message)
        elif done.outcome != "superseded":
            self._failures = 0
        record = self._known.record(self.name)
        if record is not None and record.state == "followed" and record.refused is None:
            await self._known.update(self.name, message=_warnings(done))

    async def _in_trouble(self, reason: str, *, store_failed: bool) -> float:
        if not store_failed:
            with contextlib.suppress(LastgoodError, KeyError):
                await self._known.update(self.name, message=reason)
        return self._later(reason)

    def _later(self, reason: str) -> float:
        self._failures += 1
        wait_s = back_off(self._failures, jitter=_chance())
        self._wait_until = self._clock.now() + dt.timedelta(seconds=wait_s)
        self._log.warning("application waits after trouble", reason=reason, wait_s=round(wait_s, 1))
        return wait_s


def _warnings(done: Deployment) -> str:
    """Return what the render warned of: it stays with the application for as long as that version runs."""
    render = next((phase for phase in reversed(done.phases) if phase.name == "render"), None)
    return render.message[:MAX_WARNINGS] if render is not None and done.digest is not None else ""


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads retries, guards nothing
