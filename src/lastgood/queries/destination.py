"""Find the target that an application runs on, for queries that look at what is alive. Asks the target nothing."""

from collections.abc import Callable

from lastgood.core.errors import NeedsServer, SettingsWrong
from lastgood.core.ports import Store, Target
from lastgood.queries.followed import not_there

FindTarget = Callable[[str], Target | None]
"""Returns the target of a destination by its name, None where the settings have none."""


async def target_of(app: str, *, store: Store | None, targets: FindTarget | None) -> Target:
    """Return the target of an application, also of one that was removed from Git and still runs.

    Raises UnknownApplication; NeedsServer where nobody here watches a target; SettingsWrong.
    """
    if store is None:
        raise NeedsServer(command="looking at what runs")
    record = await store.application(app)
    if record is None:
        raise await not_there(app, store)
    if targets is None:
        raise NeedsServer(
            f"what {app} runs is in the memory of the agent, which is not in this process",
            hint="ask a `lastgood serve`: agent and dashboard in one process",
            app=app,
        )
    target = targets(record.destination)
    if target is None:
        reason = f"there is no destination {record.destination}, on which {app} runs"
        raise SettingsWrong(setting="destinations", reason=reason, app=app)
    return target
