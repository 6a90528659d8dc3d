"""Wait until what a rollback pushed is Healthy. Reads the records again and again; changes nothing."""

import msgspec

from lastgood.core.plan import Plan, PlannedApplication
from lastgood.core.ports import Clock, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.status import WaitResult
from lastgood.core.value import Value
from lastgood.core.words import Health, Outcome
from lastgood.queries.freshness import fresh

# The records are read this often: an answer half a second late is on time for people.
LOOK_EVERY_S = 0.5
_RECENT = 20


class _State(Value, frozen=True, kw_only=True):
    """How far one application is.

    outcome: of the deployment that the plan caused, None: there is none yet. why: it is not further, "" if not known.
    """

    health: Health
    outcome: Outcome | None = None
    arrived: bool = False
    why: str = ""


async def wait_healthy(plan: Plan, *, store: Store, clock: Clock, timeout_s: float) -> WaitResult:
    """Return when every application of the plan runs what it asked for and is Healthy, or failed, or time is over."""
    deadline = clock.now().timestamp() + timeout_s
    while True:
        states = {app.app: await _state(plan, app, store, clock) for app in plan.applications}
        result = WaitResult(
            healthy=all(state.arrived for state in states.values()),
            health={name: state.health for name, state in states.items()},
            outcome={name: state.outcome for name, state in states.items()},
            message="",
        )
        if result.healthy:
            return result
        ended = (name for name, state in states.items() if state.outcome in {"failed", "partial", "superseded"})
        if (failed := next(ended, None)) is not None:
            words = f"{failed}: the deployment {_ended(states[failed].outcome)}"
            return msgspec.structs.replace(result, message=_because(words, states[failed]))
        if clock.now().timestamp() >= deadline:
            late = next(name for name, state in states.items() if not state.arrived)
            words = f"{late} is {states[late].health} after {timeout_s:.0f} s"
            return msgspec.structs.replace(result, message=_because(words, states[late]))
        await clock.sleep(LOOK_EVERY_S)


def _because(words: str, state: _State) -> str:
    return f"{words}: {state.why}" if state.why else words


def _ended(outcome: Outcome | None) -> str:
    return "was overtaken by a newer commit" if outcome == "superseded" else f"ended as {outcome}"


async def _state(plan: Plan, app: PlannedApplication, store: Store, clock: Clock) -> _State:
    record = await store.application(app.app)
    if record is None:
        return _State(health="Unknown")
    health, _ = fresh(record, clock.now())
    runs = await store.deployments(DeploymentQuery(app=app.app, limit=_RECENT))
    ours = next((run for run in runs if run.operation == plan.id or run.commit.oid == plan.result.commit), None)
    runs_it = record.running is not None and record.running.version == app.version
    # A deployment that has come to nothing, or waits, says why; until then it is how the application is.
    why = ours.message if ours is not None else ""
    why = why or ("" if health == "Healthy" or health != record.health else record.health_message)
    if ours is None:
        # The version ran already (its bad successor was refused, say): no deployment comes of it.
        settled = all(run.outcome != "in-progress" for run in runs)
        wanted = record.desired is not None and record.desired.version == app.version
        return _State(health=health, arrived=runs_it and wanted and settled and health == "Healthy", why=why)
    arrived = ours.outcome == "succeeded" and runs_it and health == "Healthy"
    return _State(health=health, outcome=ours.outcome, arrived=arrived, why="" if ours.outcome == "superseded" else why)
