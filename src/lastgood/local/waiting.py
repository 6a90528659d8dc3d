"""Wait until what a rollback pushed is Healthy. Reads the records again and again; changes nothing."""

from lastgood.core.deployment import Deployment
from lastgood.core.plan import Plan, PlannedApplication
from lastgood.core.ports import Clock, Store
from lastgood.core.record import DeploymentQuery
from lastgood.core.status import WaitResult
from lastgood.core.words import Health
from lastgood.queries.freshness import fresh

# The records are read this often: an answer half a second late is on time for people.
LOOK_EVERY_S = 0.5
_RECENT = 20


async def wait_healthy(plan: Plan, *, store: Store, clock: Clock, timeout_s: float) -> WaitResult:
    """Return when every application of the plan runs what it asked for and is Healthy, or failed, or time is over."""
    deadline = clock.now().timestamp() + timeout_s
    while True:
        health: dict[str, Health] = {}
        ran: dict[str, Deployment | None] = {}
        arrived: dict[str, bool] = {}
        for app in plan.applications:
            health[app.app], ran[app.app], arrived[app.app] = await _state(plan, app, store, clock)
        outcome = {name: run.outcome if run else None for name, run in ran.items()}
        failed = [run for run in ran.values() if run and run.outcome in {"failed", "partial", "superseded"}]
        if all(arrived.values()):
            return WaitResult(healthy=True, health=health, outcome=outcome, message="")
        if failed:
            message = f"{failed[0].app}: the deployment {_ended(failed[0])}"
            return WaitResult(healthy=False, health=health, outcome=outcome, message=message)
        if clock.now().timestamp() >= deadline:
            late = next(name for name, there in arrived.items() if not there)
            message = f"{late} is {health[late]} after {timeout_s:.0f} s"
            return WaitResult(healthy=False, health=health, outcome=outcome, message=message)
        await clock.sleep(LOOK_EVERY_S)


def _ended(run: Deployment) -> str:
    if run.outcome == "superseded":
        return "was overtaken by a newer commit"
    return f"ended as {run.outcome}" + (f": {run.message}" if run.message else "")


async def _state(
    plan: Plan, app: PlannedApplication, store: Store, clock: Clock
) -> tuple[Health, Deployment | None, bool]:
    """Return health, the deployment that the plan caused (None: none yet), and whether it arrived."""
    record = await store.application(app.app)
    if record is None:
        return "Unknown", None, False
    health, _ = fresh(record, clock.now())
    runs = await store.deployments(DeploymentQuery(app=app.app, limit=_RECENT))
    ours = next((run for run in runs if run.operation == plan.id or run.commit.oid == plan.result.commit), None)
    runs_it = record.running is not None and record.running.version == app.version
    if ours is None:
        # The version ran already (its bad successor was refused, say): no deployment comes of it.
        settled = all(run.outcome != "in-progress" for run in runs)
        wanted = record.desired is not None and record.desired.version == app.version
        return health, None, runs_it and wanted and settled and health == "Healthy"
    return health, ours, ours.outcome == "succeeded" and runs_it and health == "Healthy"
