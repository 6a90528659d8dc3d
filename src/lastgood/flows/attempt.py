"""The record of a deployment while it runs: phases with their times, and how it ends. Writes to the store only."""

import msgspec

from lastgood.core.deployment import Deployment, Phase
from lastgood.core.observation import Observation
from lastgood.core.ports import Clock, Store
from lastgood.core.record import Told
from lastgood.core.words import Outcome
from lastgood.flows.known import Known

MAX_MESSAGE = 2_000
MAX_LAST_WORDS = 4_000


class Attempt:
    """One deployment, written at each step. Raises StoreFailed from every method that writes."""

    def __init__(self, deployment: Deployment, *, store: Store, known: Known, clock: Clock) -> None:
        self.deployment = deployment
        self._store = store
        self._known = known
        self._clock = clock

    def begin(self, phase: str) -> None:
        """Begin a phase; it is written with the next step."""
        started = Phase(name=phase, started_at=self._clock.now())
        self.deployment = msgspec.structs.replace(self.deployment, phases=(*self.deployment.phases, started))

    def end(self, message: str = "") -> None:
        """End the phase that was begun last."""
        *done, last = self.deployment.phases
        ended = msgspec.structs.replace(last, finished_at=self._clock.now(), message=message[:MAX_MESSAGE])
        self.deployment = msgspec.structs.replace(self.deployment, phases=(*done, ended))

    async def start(self) -> None:
        """Record the start. If this cannot be written, the attempt does not begin."""
        self.deployment = await self._store.start_deployment(self.deployment, told=self._told())
        self._known.ran(self.deployment)

    async def write(self, *, what: str | None = None, **fields: object) -> None:
        """Write what is known by now. what: a word for those who follow, where they shall be told."""
        self.deployment = msgspec.structs.replace(self.deployment, **fields)
        await self._store.save_deployment(self.deployment, told=self._told(what=what) if what else None)
        self._known.ran(self.deployment)

    async def finish(
        self,
        outcome: Outcome,
        message: str,
        *,
        own_fault: bool = False,
        seen: Observation | None = None,
        last_words: str = "",
        superseded_by: str | None = None,
    ) -> Deployment:
        """Record how it ended.

        seen: the last look, whose failing processes have the last words. last_words: those of what failed before it.
        """
        if self.deployment.phases and self.deployment.phases[-1].finished_at is None:
            self.end(message)
        words = [last_words] if last_words else []
        words += [f"{r.name}: {r.last_words}" for r in seen.resources if r.last_words] if seen is not None else []
        self.deployment = msgspec.structs.replace(
            self.deployment,
            outcome=outcome,
            message=message[:MAX_MESSAGE],
            own_fault=own_fault,
            superseded_by=superseded_by,
            last_words="\n".join(words)[-MAX_LAST_WORDS:],
            finished_at=self._clock.now(),
        )
        await self._store.save_deployment(self.deployment, told=self._told())
        self._known.ran(self.deployment)
        return self.deployment

    def _told(self, *, what: str | None = None) -> Told:
        run = self.deployment
        payload = {"number": run.number, "commit": run.commit.oid, "outcome": run.outcome}
        payload |= {"what": what} if what else {"trigger": run.trigger}
        return Told(kind="deployment", app=run.app, payload=payload, at=self._clock.now())
