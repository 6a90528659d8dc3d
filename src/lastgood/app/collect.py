"""Delete release folders that nothing needs any more, from time to time; those of the last good versions are kept."""

from collections.abc import Mapping, Sequence

import structlog

from lastgood.core.application import Application
from lastgood.core.errors import ConfigWrong, LastgoodError, RenderFailed
from lastgood.core.ports import Clock, Renderer, Store
from lastgood.core.record import ApplicationRecord
from lastgood.flows.branch import FollowedBranch
from lastgood.targets.process import ArtifactUse, ProcessTarget

# After a start the first looks, and what they deploy, come first: then it is known what is needed.
FIRST_S = 60.0
EVERY_S = 3600.0


async def collect_releases(
    targets: Mapping[str, ProcessTarget],
    branches: Sequence[FollowedBranch],
    store: Store,
    renderer: Renderer,
    clock: Clock,
) -> None:
    """Collect soon after the start, then once an hour, for ever. What a target runs, it keeps by itself."""
    wait_s = FIRST_S
    while True:
        await clock.sleep(wait_s)
        wait_s = EVERY_S
        for name, target in targets.items():
            try:
                records = [record for record in await store.applications() if record.destination == name]
                keep = [use for record in records for use in await _needed(record, branches, renderer)]
                deleted = await target.collect_releases(keep)
                structlog.get_logger().info("releases collected", destination=name, deleted=len(deleted))
            except LastgoodError as trouble:
                # Rather no folder deleted than one that a rollback needs.
                structlog.get_logger().warning("releases not collected", destination=name, reason=trouble.message)


async def _needed(
    record: ApplicationRecord, branches: Sequence[FollowedBranch], renderer: Renderer
) -> list[ArtifactUse]:
    """Return the artifacts of the versions that an application may have to run: desired, running, last good."""
    branch = next((one for one in branches if one.repo.name == record.repo), None)
    versions = {v.commit for v in (record.desired, record.running, record.last_good) if v is not None and v.commit}
    if branch is None or record.renderer != "process-compose":
        return []
    uses = []
    for commit in sorted(versions):
        app = await _application(branch, record, commit)
        if app is not None:
            try:
                images = (await renderer.render(app, branch.repo, commit)).images
            except (RenderFailed, ConfigWrong):
                continue  # what does not render runs no release; it must not keep those of all others for ever
            uses += [ArtifactUse(app=record.name, artifact=name, revision=images[name]) for name in images]
    return uses


async def _application(branch: FollowedBranch, record: ApplicationRecord, commit: str) -> Application | None:
    found = await branch.past.applications(branch.repo, branch.name, commit)
    return found.applications.get(record.name)
