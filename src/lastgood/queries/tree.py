"""What an application consists of where it runs. Awaits the ports; writes nothing."""

from lastgood.core.ports import Store
from lastgood.core.resource_tree import ResourceTree
from lastgood.queries.destination import FindTarget, target_of


async def tree(app: str, *, store: Store | None, targets: FindTarget | None) -> ResourceTree:
    """Return the tree. Raises UnknownApplication, NeedsServer, SettingsWrong."""
    return await (await target_of(app, store=store, targets=targets)).tree(app)
