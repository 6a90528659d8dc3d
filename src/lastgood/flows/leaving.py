"""Find what ran last of an application that is gone from Git: its own version says what runs when it is deleted."""

from collections.abc import Mapping

from lastgood.core.errors import LastgoodError, TargetFailed
from lastgood.core.leaving import Leaving
from lastgood.core.record import ApplicationRecord
from lastgood.flows.branch import FollowedBranch
from lastgood.flows.known import Known


class FindLeaving:
    """Finds it in the branch that is followed. branches: by the name of their repo."""

    def __init__(self, branches: Mapping[str, FollowedBranch], known: Known) -> None:
        self._branches = branches
        self._known = known

    async def __call__(self, record: ApplicationRecord) -> Leaving | None:
        """Return it; None where nothing ran, or nothing that has hooks.

        Raises TargetFailed where it cannot be had: then nobody can say what has to run first.
        """
        commit = record.running.commit if record.running is not None else None
        branch = self._branches.get(record.repo)
        if commit is None or record.renderer == "process-compose":
            return None
        if branch is None:
            raise _unknown(record, f"the repo {record.repo} is not followed any more")
        try:
            app = self._known.applications.get(record.name)
            if app is None:
                look = await branch.known() or await branch.fetch()
                app = await look.application(record.name, also_at=commit)
            return Leaving(app=app, rendered=await branch.renderer.render(app, branch.repo, commit))
        except TargetFailed:
            raise
        except LastgoodError as wrong:
            raise _unknown(record, wrong.message) from wrong


def _unknown(record: ApplicationRecord, reason: str) -> TargetFailed:
    said = f"what runs when it is deleted (hooks) is not known: {reason}"
    hint = f"nothing was deleted; `lastgood forget {record.name}` without `--prune` lets it run on unfollowed"
    return TargetFailed(app=record.name, destination=record.destination, reason=said, hint=hint)
